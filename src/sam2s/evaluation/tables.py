"""Markdown laid out like Tables 2 to 4 of the SAM2S paper, with the published rows above ours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from sam2s.evaluation.diagnostics import add_presence, identity_switches, presence
from sam2s.evaluation.outcome import EvalOutcome
from sam2s.evaluation.rules import Prompting
from sam2s.evaluation.summary import pool

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
    parts += [_details(outcomes), _speed(outcomes)]
    parts += remarks
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
        cells = [_number(by_column.get(name)) + "*" * (name in outcome.incomplete) for name in columns]
        average = _number(_average(outcome))
        rows.append([f"**{outcome.run.label}**", size, *cells, average, _number(outcome.speed.fps, 1)])
    as_in = f" (as in {NUMBER[protocol]} of the paper)" if protocol in NUMBER else ""
    table = _table(["Model", "Res", *columns, "Avg", "FPS"], rows)
    note = "\n\nNumbers with * are without the videos under Missing; there is no average until these are done."
    return f"## {protocol}{as_in}\n\n{table}{note * any(outcome.missing for outcome in outcomes)}"


def _by_prompt(outcomes: Sequence[EvalOutcome], prompts: Sequence[Prompting]) -> str:
    """Table 4."""
    paper, known = published()["columns"], published()["prompts"]
    rows = []
    if any(name in paper for outcome in outcomes for name in outcome.subsets()):
        for row in published()["averages"]:
            by_prompt = dict(zip(known, row["jf"], strict=True))
            rows.append([row["model"], *(_number(by_prompt.get(protocol)) for protocol in prompts)])
    for label in dict.fromkeys(outcome.run.label for outcome in outcomes):
        averages = {o.run.prompt: _average(o) for o in outcomes if o.run.label == label}
        rows.append([f"**{label}**", *(_number(averages.get(protocol)) for protocol in prompts)])
    return "## Average over subsets (as in Table 4 of the paper)\n\n" + _table(["Model", *prompts], rows)


def _details(outcomes: Sequence[EvalOutcome]) -> str:
    """What the paper has no table for, over all objects."""
    head = ["Model", "Prompt", "J", "F", "J&F", "Objects", "Presence P", "Presence R", "ID switches"]
    head += ["IoU calibration", "Clicks", "Clicks needed"]
    rows = []
    for outcome in outcomes:
        mean, counts = pool(outcome.scores), add_presence([presence(score.frame_scores) for score in outcome.scores])
        switches = sum(identity_switches(score.object_id, score.frame_scores) for score in outcome.scores)
        row = [f"**{outcome.run.label}**", outcome.run.prompt]
        row += [_number(100 * value) for value in (mean.j, mean.f, mean.jf)]
        row += [f"{mean.objects}{'*' * bool(outcome.missing)}"]
        row += [_number(100 * counts.precision), _number(100 * counts.recall), str(switches)]
        row += [_number(value) for value in (outcome.calibration, outcome.clicks.given, outcome.clicks.needed)]
        rows.append(row)
    note = (
        "Clicks are those given to an object, needed are those on its first frame until J is 85 (all if it never is); "
        "IoU calibration is the expected error of the predicted IoU."
    )
    return f"## All objects\n\n{_table(head, rows)}\n\n{note}"


def _speed(outcomes: Sequence[EvalOutcome]) -> str:
    """Frames a second and percentiles, with the hardware."""
    rows = []
    for outcome in outcomes:
        speed = outcome.speed
        row = [f"**{outcome.run.label}**", outcome.run.prompt, _number(speed.fps, 1)]
        row += [_number(value, 2) for value in (speed.p50, speed.p95, speed.p99)]
        rows.append([*row, _number(speed.objects, 1)])
    table = _table(["Model", "Prompt", "FPS", "p50 ms", "p95 ms", "p99 ms", "Objects a video"], rows)
    chips = " and ".join(sorted({name for outcome in outcomes for name in outcome.hardware})) or "nothing yet"
    note = f"End to end on {chips}; the paper's frames a second are those of an A6000."
    return f"## Speed\n\n{table}\n\n{note}"


def _missing(outcomes: Sequence[EvalOutcome]) -> list[str]:
    """A line for each reason, with the videos that it stopped."""
    videos: dict[tuple[str, str], list[str]] = {}
    for outcome in outcomes:
        for name, reason in outcome.missing.items():
            videos.setdefault((f"{outcome.run.label}, {outcome.run.prompt}", reason), []).append(name)
    return [
        f"- {', '.join(names[:3])}{f' and {len(names) - 3} more' * (len(names) > 3)} ({which}): {reason}"
        for (which, reason), names in videos.items()
    ]


def _average(outcome: EvalOutcome) -> float | None:
    """Over all subsets; none while a video is missing, or beside the paper's if a subset of it is."""
    if outcome.missing:
        return None
    of_run, paper = outcome.subsets(), published()["columns"]
    partly = any(name in paper for name in of_run) and set(of_run) != set(paper)
    return None if partly else outcome.average()


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown with columns in line, so that the source is a table too."""
    lines = [head, *rows]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    padded = [[line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in [padded[0], rule, *padded[1:]])
