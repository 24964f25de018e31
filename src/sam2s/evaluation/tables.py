"""Markdown laid out like Tables 2 to 4 of the SAM2S paper, with the published rows above ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from sam2s.evaluation.diagnostic_tables import diagnostic_tables
from sam2s.evaluation.markdown_table import number, table
from sam2s.evaluation.outcome import PARTIAL, EvalOutcome
from sam2s.evaluation.rules import Prompting

NUMBER = {"1-click": "Table 3", "3-click": "Table 2"}


@cache
def published() -> dict[str, Any]:
    """The numbers of the paper: `published.yaml`."""
    data: dict[str, Any] = yaml.safe_load((files("sam2s.evaluation") / "published.yaml").read_text("utf-8"))
    return data


def markdown(outcomes: Sequence[EvalOutcome], remarks: Iterable[str] = ()) -> str:
    """The whole report.

    Args:
        outcomes: what was measured.
        remarks: sentences on what was counted.
    """
    parts = ["# Evaluation", "J&F in percent. Rows in bold were measured here, the others are the paper's."]
    prompts = [protocol for protocol in Prompting if any(o.run.prompt is protocol for o in outcomes)]
    for protocol in prompts:
        parts.append(_by_subset([o for o in outcomes if o.run.prompt is protocol], protocol))
    if len(prompts) > 1:
        parts.append(_by_prompt(outcomes, prompts))
    if all(name not in published()["columns"] for outcome in outcomes for name in outcome.subsets()):
        parts.append(
            f"The paper's rows are left out: none of its subsets ({', '.join(published()['columns'])}) is here."
        )
    parts += diagnostic_tables(outcomes)
    parts += remarks
    if lines := _notes(outcomes):
        parts.append("## Notes\n\n" + "\n".join(lines))
    if lines := _missing(outcomes):
        parts.append("## Missing\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _by_subset(outcomes: Sequence[EvalOutcome], protocol: Prompting) -> str:
    """Tables 2 and 3. Ours are averaged over the paper's eight subsets only if all are there."""
    paper = published()["columns"]
    own = list(dict.fromkeys(name for o in outcomes for name in (*o.subsets(), *sorted(o.incomplete))))
    beside = any(name in paper for name in own)
    columns = paper + [name for name in own if name not in paper] if beside else own
    rows = []
    for row in published()["subsets"].get(protocol, ()) if beside else ():
        cells = [f"{value:.2f}" for value in row["jf"]] + ["-"] * (len(columns) - len(paper))
        rows.append([row["model"], str(row["res"]), *cells, f"{row['average']:.2f}", str(row.get("fps", "-"))])
    for outcome in outcomes:
        by_column = outcome.subsets()
        size = str(outcome.image_size or "-")
        cells = [_cell(by_column.get(name), name in outcome.partial, name in outcome.incomplete) for name in columns]
        average = _cell(_average(outcome), bool(outcome.partial))
        rows.append([outcome.title, size, *cells, average, number(outcome.speed.fps, 1)])
    as_in = f" (as in {NUMBER[protocol]} of the paper)" if protocol in NUMBER else ""
    by_subset_table = table(["Model", "Res", *columns, "Avg", "FPS"], rows)
    note = "\n\nNumbers with * are without the videos under Missing; there is no average until these are done."
    return f"## {protocol}{as_in}\n\n{by_subset_table}{note * any(outcome.missing for outcome in outcomes)}"


def _by_prompt(outcomes: Sequence[EvalOutcome], prompts: Sequence[Prompting]) -> str:
    """Table 4."""
    paper, known = published()["columns"], published()["prompts"]
    rows = []
    if any(name in paper for outcome in outcomes for name in outcome.subsets()):
        for row in published()["averages"]:
            by_prompt = dict(zip(known, row["jf"], strict=True))
            rows.append([row["model"], *(number(by_prompt.get(protocol)) for protocol in prompts)])
    for title in dict.fromkeys(outcome.title for outcome in outcomes):
        averages = {o.run.prompt: _average(o) for o in outcomes if o.title == title}
        rows.append([title, *(number(averages.get(protocol)) for protocol in prompts)])
    return "## Average over subsets (as in Table 4 of the paper)\n\n" + table(["Model", *prompts], rows)


def _notes(outcomes: Sequence[EvalOutcome]) -> list[str]:
    """A line for each decision that was taken in reading masks of others."""
    return [
        f"- {outcome.run.label}, {outcome.run.prompt}, {_some(videos)}: {note}"
        for outcome in outcomes
        for note, videos in outcome.notes.items()
    ]


def _missing(outcomes: Sequence[EvalOutcome]) -> list[str]:
    """A line for each reason, with the videos that it stopped."""
    videos: dict[tuple[str, str], list[str]] = {}
    for outcome in outcomes:
        for name, reason in outcome.missing.items():
            videos.setdefault((f"{outcome.run.label}, {outcome.run.prompt}", reason), []).append(name)
    return [f"- {_some(names)} ({which}): {reason}" for (which, reason), names in videos.items()]


def _average(outcome: EvalOutcome) -> float | None:
    """Over all subsets; none while a video is missing, or beside the paper's if a subset of it is."""
    if outcome.missing:
        return None
    of_run, paper = outcome.subsets(), published()["columns"]
    partly = any(name in paper for name in of_run) and set(of_run) != set(paper)
    return None if partly else outcome.average()


def _cell(value: float | None, partial: bool, incomplete: bool = False) -> str:
    """A number with the marks of what it lacks; a star stands without a number too."""
    text = number(value)
    return text + "*" * incomplete + PARTIAL * (partial and text != "-")


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:3])}{f' and {len(names) - 3} more' * (len(names) > 3)}"
