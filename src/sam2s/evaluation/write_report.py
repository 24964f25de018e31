"""What `sam2s eval` leaves beside the masks: report.json, report.md and plots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sam2s.errors import MissingExtraError
from sam2s.evaluation.compare import MaskComparison
from sam2s.evaluation.datasets import incomplete_subsets
from sam2s.evaluation.diagnostics import decay_curve
from sam2s.evaluation.outcome import EvalOutcome
from sam2s.evaluation.plots import plot_decay, plot_subsets
from sam2s.evaluation.report import remarks
from sam2s.evaluation.rules import Rules
from sam2s.evaluation.tables import markdown
from sam2s.evaluation.videos import EvalVideo
from sam2s.files import write_atomically


def write_report(
    outcomes: Sequence[EvalOutcome],
    rules: Rules,
    data: Sequence[str],
    videos: Sequence[EvalVideo],
    weights: str,
    out: Path,
) -> tuple[dict[str, Any], str]:
    """Write report.json and report.md into a folder; give the document of the one and the text of the other."""
    incomplete = incomplete_subsets(data, videos)
    document = {
        "data": list(data),
        "weights": weights,
        "partial": incomplete,
        "runs": [outcome.to_json(rules) for outcome in outcomes],
    }
    notes = remarks(MaskComparison(outcomes[0].scores, rules))
    for name, built in incomplete.items():
        notes.append(f"Only a part of {name} is built: {built}. Its score is not that of the benchmark.")
    text = markdown(outcomes, notes)
    write_atomically(out / "report.json", (json.dumps(document, indent=1) + "\n").encode())
    write_atomically(out / "report.md", text.encode())
    return document, text


def write_plots(outcomes: Sequence[EvalOutcome], out: Path) -> str:
    """Draw decay curves and bars for each protocol; say that they are there, or why not."""
    try:
        for protocol in dict.fromkeys(outcome.run.prompt for outcome in outcomes):
            rows = {o.run.label: o for o in outcomes if o.run.prompt is protocol and o.scores}
            curves = {name: decay_curve(o.scores) for name, o in rows.items()}
            plot_decay(curves, out / f"over-time-{protocol}.png", protocol)
            plot_subsets({name: o.subsets() for name, o in rows.items()}, out / f"subsets-{protocol}.png", protocol)
    except MissingExtraError as error:
        return f"without plots ({error})"
    return "with plots"
