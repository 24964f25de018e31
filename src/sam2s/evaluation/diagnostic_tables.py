"""Tables of what the paper does not report: presence, returns, first frames, names, memory, speed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sam2s.evaluation.absence import group_reentries
from sam2s.evaluation.markdown_table import number, table
from sam2s.evaluation.outcome import EvalOutcome
from sam2s.evaluation.probe import PROBED, SEEN
from sam2s.evaluation.summary import pool


def diagnostic_tables(outcomes: Sequence[EvalOutcome]) -> list[str]:
    """Headed sections in Markdown; those of which no row has anything are left out."""
    sections = [
        _all_objects(outcomes),
        _quality(outcomes),
        _absence(outcomes),
        _reentry(outcomes),
        _first_frame(outcomes),
        _memory(outcomes),
        _speed(outcomes),
    ]
    return [section for section in sections if section]


def _head(outcome: EvalOutcome) -> list[str]:
    return [outcome.title, str(outcome.run.prompt)]


def _percent(value: float) -> str:
    return number(100 * value)


def _all_objects(outcomes: Sequence[EvalOutcome]) -> str:
    head = ["Model", "Prompt", "J", "F", "J&F", "Objects", "Presence P", "Presence R", "ID switches"]
    head += ["IoU calibration", "Category", "Clicks", "Clicks needed"]
    rows = []
    for outcome in outcomes:
        mean, hidden, clicks = pool(outcome.scores), outcome.diagnostics, outcome.clicks
        row = [*_head(outcome), *(_percent(value) for value in (mean.j, mean.f, mean.jf))]
        row += [f"{mean.objects}{'*' * bool(outcome.missing)}"]
        row += [_percent(hidden.by_mask.precision), _percent(hidden.by_mask.recall), str(hidden.switches)]
        row += [number(hidden.calibration), _percent(hidden.names.accuracy), number(clicks.given)]
        reached = "" if math.isnan(clicks.reached) else f" ({100 * clicks.reached:.0f} %)"
        rows.append([*row, f"{number(clicks.needed)}{reached}"])
    note = (
        "Presence P and R are precision and recall of showing a mask. Clicks are those given to an object; needed are "
        "those on its first frame until J is 85 (all if it never is), with the part of the objects that got there. IoU "
        "calibration is the expected error of the predicted IoU. Category is the part of frames on which the "
        "tracker's name of the object is right, over objects whose name it can give."
    )
    return f"## All objects\n\n{table(head, rows)}\n\n{note}"


def _quality(outcomes: Sequence[EvalOutcome]) -> str:
    judged = [outcome for outcome in outcomes if outcome.diagnostics.quality is not None]
    if not judged:
        return ""
    head = ["Model", "Prompt", "Masks", "Bad", "Error", "Calibrated", "AUROC", "Calibrated AUROC", "Caught", "At most"]
    rows = []
    for outcome in judged:
        figures = outcome.diagnostics.quality
        assert figures is not None
        row = [*_head(outcome), str(figures.masks), _percent(figures.bad / figures.masks)]
        row += [number(figures.error_before), number(figures.error_after)]
        row += [number(figures.auroc_before, 3), number(figures.auroc_after, 3)]
        row += [_percent(figures.caught_after), _percent(figures.most_caught)]
        rows.append([*row, number(outcome.diagnostics.false_alarms, 1)])
    note = (
        "Bad masks have a J under 50. Error is the expected calibration error, first of the predicted IoU, then of the "
        "expected IoU; AUROC that of bad masks, by the predicted IoU and by doubt. Caught is the share of bad masks "
        "among the tenth with the greatest doubt, and At most what any order could reach. False alarms have no bad "
        "mask near by, in 1000 frames of an object."
    )
    return f"## Quality\n\n{table([*head, 'False alarms'], rows)}\n\n{note}"


def _absence(outcomes: Sequence[EvalOutcome]) -> str:
    head = ["Model", "Prompt", "Absent frames", "False masks", "False visible", "Missed", "Presence AUROC"]
    head += ["Black: masks", "Black: visible", "Other scene: masks", "Other scene: visible"]
    rows = []
    for outcome in outcomes:
        by_mask, by_claim = outcome.diagnostics.by_mask, outcome.diagnostics.by_claim
        row = [*_head(outcome), str(by_mask.absent), _percent(by_mask.false_positive_rate)]
        row += [_percent(by_claim.false_positive_rate), _percent(by_claim.miss_rate)] if by_claim else ["-", "-"]
        row.append(number(outcome.diagnostics.presence_auroc, 3))
        for name in ("black", "other"):
            counts = outcome.diagnostics.probes.get(name)
            row += [_percent(rate) for rate in (counts.rates() if counts else (math.nan, math.nan))]
        rows.append(row)
    note = (
        "False masks and False visible: part of the frames without the object on which it has a mask, or is called "
        "visible. Missed: part of the frames with the object on which it is not called visible. Presence AUROC: how "
        "well the predicted presence tells the two kinds of frames apart, over all thresholds; chance gives 0.5. Black "
        f"and other scene are constructed: after {SEEN} frames of the video come {PROBED} black ones, or {PROBED} of "
        "another video."
    )
    return f"## Absence\n\n{table(head, rows)}\n\n{note}"


def _reentry(outcomes: Sequence[EvalOutcome]) -> str:
    if not any(group.returns for outcome in outcomes for group in outcome.diagnostics.reentry):
        return ""
    head = ["Model", "Prompt", *(f"{group.label} frames" for group in group_reentries([]))]
    rows = [
        [
            *_head(outcome),
            *(f"{_percent(g.jf)} ({g.returns})" if g.returns else "-" for g in outcome.diagnostics.reentry),
        ]
        for outcome in outcomes
    ]
    note = "J&F on the first ten annotated frames after a return, by the length of the absence, with the returns."
    return f"## J&F after a return\n\n{table(head, rows)}\n\n{note}"


def _first_frame(outcomes: Sequence[EvalOutcome]) -> str:
    longest = max((len(outcome.diagnostics.first_frame) for outcome in outcomes), default=0)
    if not longest:
        return ""
    head = ["Model", "Prompt", *(f"{k} click{'s' * (k > 1)}" for k in range(1, longest + 1))]
    if longest == 1:
        head[2] = "J"
    rows = []
    for outcome in (outcome for outcome in outcomes if outcome.diagnostics.first_frame):
        j = outcome.diagnostics.first_frame
        rows.append([*_head(outcome), *(_percent(value) for value in j), *["-"] * (longest - len(j))])
    note = "Mean J on the frame of first appearance after each click; after a box or a mask, in the first column."
    return f"## First frame\n\n{table(head, rows)}\n\n{note}"


def _memory(outcomes: Sequence[EvalOutcome]) -> str:
    rows = []
    for outcome in outcomes:
        memory = outcome.diagnostics.memory
        if memory is None or not memory.places or not memory.frames:
            continue
        row = [*_head(outcome), str(memory.places), _percent(memory.filled / (memory.places * memory.frames))]
        rows.append([*row, _percent(memory.used / memory.frames), number(100 * memory.stored / memory.frames)])
    if not rows:
        return ""
    head = ["Model", "Prompt", "Places", "Filled", "Frames with any", "Stored in 100 frames"]
    note = "Long-term memory, over all objects and the frames they are tracked on, in percent."
    return f"## Long-term memory\n\n{table(head, rows)}\n\n{note}"


def _speed(outcomes: Sequence[EvalOutcome]) -> str:
    rows = []
    for outcome in outcomes:
        speed = outcome.speed
        row = [*_head(outcome), number(speed.fps, 1)]
        row += [number(value) for value in (speed.p50, speed.p95, speed.p99)]
        rows.append([*row, number(speed.objects, 1)])
    head = ["Model", "Prompt", "FPS", "p50 ms", "p95 ms", "p99 ms", "Objects a video"]
    chips = " and ".join(sorted({name for outcome in outcomes for name in outcome.hardware})) or "nothing yet"
    note = f"End to end on {chips}; the paper's frames a second are those of an A6000."
    return f"## Speed\n\n{table(head, rows)}\n\n{note}"
