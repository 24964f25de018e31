"""What `sam2s eval` leaves beside the masks: report.json, report.md and plots."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sam2s.errors import MissingExtraError
from sam2s.evaluation.collect import collect
from sam2s.evaluation.compare import MaskComparison
from sam2s.evaluation.datasets import incomplete_subsets, partial_columns
from sam2s.evaluation.diagnostics import decay_curve
from sam2s.evaluation.outcome import Diagnostics, EvalOutcome
from sam2s.evaluation.plan import EvalRun
from sam2s.evaluation.plots import plot_bars, plot_decay, plot_first_frame, plot_reliability
from sam2s.evaluation.report import remarks
from sam2s.evaluation.rows import add_rows
from sam2s.evaluation.rules import Prompting, Rules
from sam2s.evaluation.tables import markdown
from sam2s.evaluation.videos import EvalVideo
from sam2s.files import write_atomically


@dataclass(frozen=True)
class EvalReport:
    """What a folder of evaluations says.

    Attributes:
        outcomes: one entry a row.
        document: the content of report.json.
        text: the content of report.md.
        unfinished: whether a row that was asked for lacks videos.
    """

    outcomes: list[EvalOutcome]
    document: dict[str, Any]
    text: str
    unfinished: bool


def report_rows(
    out: Path, runs: Sequence[EvalRun], videos: Sequence[EvalVideo], rules: Rules, data: Sequence[str]
) -> EvalReport:
    """Collect rows that were asked for, and those made before in the same folder; write report.json and report.md.

    Rows made before that have no result on any of these videos are left out, and named.
    """
    asked = {run.folder for run in runs}
    partial = incomplete_subsets(data, videos)
    columns = partial_columns(partial, videos)
    outcomes, left_out = [], []
    for run in add_rows(out, runs):
        outcome = replace(collect(out, run, videos, rules), partial=columns)
        if run.folder in asked or len(outcome.missing) < len(videos):
            outcomes.append(outcome)
        else:
            left_out.append(f"{run.label} ({run.prompt})")
    document = {
        "data": list(data),
        "partial": partial,
        "left_out": left_out,
        "runs": [outcome.to_json(rules) for outcome in outcomes],
    }
    scored = next((o.scores for o in outcomes if not o.missing), outcomes[0].scores)
    notes = remarks(MaskComparison(scored, rules, partial=partial))
    if left_out:
        notes.append(f"Rows that were made on other videos are left out: {', '.join(left_out)}.")
    text = markdown(outcomes, notes)
    write_atomically(out / "report.json", (json.dumps(document, indent=1) + "\n").encode())
    write_atomically(out / "report.md", text.encode())
    return EvalReport(outcomes, document, text, any(o.missing for o in outcomes if o.run.folder in asked))


def write_plots(outcomes: Sequence[EvalOutcome], out: Path) -> str:
    """Draw what the tables of each protocol say; say that the plots are there, or why not."""
    try:
        for protocol in dict.fromkeys(outcome.run.prompt for outcome in outcomes):
            rows = {o.run.label: o for o in outcomes if o.run.prompt is protocol and o.scores}
            if rows:
                _plot_protocol(rows, protocol, out)
    except MissingExtraError as error:
        return f"without plots ({error})"
    return "with plots"


def _plot_protocol(rows: Mapping[str, EvalOutcome], protocol: Prompting, out: Path) -> None:
    curves = {name: decay_curve(o.scores) for name, o in rows.items()}
    plot_decay(curves, out / f"over-time-{protocol}.png", protocol)
    plot_bars({name: o.subsets() for name, o in rows.items()}, out / f"subsets-{protocol}.png", protocol)
    plot_bars(
        {name: _wrong_claims(o.diagnostics) for name, o in rows.items()},
        out / f"absence-{protocol}.png",
        protocol,
        label="frames without the object, %",
    )
    hidden = {name: o.diagnostics for name, o in rows.items()}
    returns = {name: {f"{g.label} frames": 100 * g.jf for g in d.reentry if g.returns} for name, d in hidden.items()}
    if any(returns.values()):
        plot_bars(returns, out / f"returns-{protocol}.png", f"{protocol}, after a return, by length of the absence")
    if protocol.clicks and (clicks := {name: d.first_frame for name, d in hidden.items() if d.first_frame}):
        plot_first_frame(clicks, out / f"first-frame-{protocol}.png", protocol)
    if bins := {name: d.reliability for name, d in hidden.items() if d.reliability}:
        plot_reliability(bins, out / f"calibration-{protocol}.png", protocol)


def _wrong_claims(diagnostics: Diagnostics) -> dict[str, float]:
    """Percentages of the frames without the object on which it is claimed, real and constructed."""
    by_claim, nothing = diagnostics.by_claim, (math.nan, math.nan)
    black, other = (
        counts.rates() if (counts := diagnostics.probes.get(name)) else nothing for name in ("black", "other")
    )
    shares = {
        "masks": diagnostics.by_mask.false_positive_rate,
        "visible": by_claim.false_positive_rate if by_claim else math.nan,
        "black: masks": black[0],
        "black: visible": black[1],
        "other scene: masks": other[0],
        "other scene: visible": other[1],
    }
    return {name: 100 * share for name, share in shares.items()}
