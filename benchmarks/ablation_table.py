"""The rows of the ablation, and the table of what came of them: gains paired over scenes, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.stats import t as student

from sam2s.evaluation.outcome import EvalOutcome
from sam2s.evaluation.plots import empty_figure

Memory = Literal["divemem", "sam2"]


@dataclass(frozen=True)
class Row:
    """One row of the table: how it differs from "data" in training, None without training, and what tracks with it."""

    changes: tuple[str, ...] | None
    memory: Memory = "sam2"


DIVE, NAMED, SOFT = ("data.clips.divemem=0.5",), ("loss.tsl=0.1",), ("loss.arl=true", "loss.arl_sigma=0.5")
ROWS: dict[str, Row] = {
    "none": Row(None),
    "none, DiveMem filter": Row(None, "divemem"),
    "data": Row(()),
    "data + DiveMem": Row(DIVE, "divemem"),
    "data + TSL": Row(NAMED),
    "data + DiveMem + TSL": Row(DIVE + NAMED, "divemem"),
    "all (+ ARL)": Row(DIVE + NAMED + SOFT, "divemem"),
}
REFERENCES: dict[str, tuple[str, ...]] = {
    "none": (),
    "none, DiveMem filter": ("none",),
    "data": ("none",),
    "data + DiveMem": ("data", "none"),
    "all (+ ARL)": ("data + DiveMem + TSL", "data", "none"),
}
"""The rows over which the gain of a row is given; "data" for the rows that are not listed."""


MEASURES = (
    *("J&F", "F", "shown", "after returns", "false masks", "presence AUROC", "switches", "names right"),
    *("IoU off by", "memory full"),
)
"""J&F and F, J&F of the frames that show the object and of ten frames after returns, frames without the object that got
a mask, area under the ROC curve of the predicted presence, identity switches, right names, calibration error of the
predicted IoU, fill of the long-term memory; percent but for switches."""
PAIRED = MEASURES[:8]
"""Measures whose gains are given with intervals."""


@dataclass(frozen=True)
class Tracked:
    """What came of one training of a row.

    Attributes:
        outcome: over all scenes.
        scenes: by scene.
        edge: calibration error at outlines in percent.
    """

    outcome: EvalOutcome
    scenes: Mapping[str, EvalOutcome]
    edge: float


Results = Mapping[tuple[str, int], Tracked]
"""By row and seed."""


def measures(outcome: EvalOutcome) -> list[float]:
    """What `MEASURES` names; NaN where the scenes hold nothing of it."""
    found, memory = outcome.diagnostics, outcome.diagnostics.memory
    returns = sum(group.returns for group in found.reentry)
    after = sum(group.jf * group.returns for group in found.reentry if group.returns) / returns if returns else np.nan
    filled = memory.filled / max(1, memory.places * memory.frames) if memory else np.nan
    f = np.mean([score.mean_f for score in outcome.scores])
    shown = np.mean([np.mean([(c.j + c.f) / 2 for c in score.frame_scores if c.in_gt]) for score in outcome.scores])
    shares = (100 * share for share in (f, shown, after, found.by_mask.false_positive_rate))
    values = (100 * found.presence_auroc, found.switches, 100 * found.names.accuracy, found.calibration, 100 * filled)
    return [float(x) for x in (outcome.average(), *shares, *values)]


def paired_gain(row: Sequence[Tracked], reference: Sequence[Tracked]) -> list[tuple[float, float]]:
    """For each of `PAIRED` the mean gain over scenes, and half the width of its 95 % interval (Student's t).

    A scene counts as the mean of its seeds, and only where both rows have a number.
    """
    differences = _by_scene(row) - _by_scene(reference)
    gains = []
    for column in differences.T[: len(PAIRED)]:
        known = column[~np.isnan(column)]
        if len(known) < 2:
            gains.append((float(known.mean()) if len(known) else np.nan, np.nan))
            continue
        error = known.std(ddof=1) / np.sqrt(len(known))
        gains.append((float(known.mean()), float(student.ppf(0.975, len(known) - 1) * error)))
    return gains


def _by_scene(seeds: Sequence[Tracked]) -> np.ndarray:
    """[scenes, MEASURES], the mean of the seeds."""
    names = sorted(seeds[0].scenes)
    return np.mean([[measures(seed.scenes[name]) for name in names] for seed in seeds], axis=0)


def table(results: Results) -> str:
    """A line a row, means over its seeds: `MEASURES`, and the calibration error at outlines."""
    columns = ("row", "seeds", *MEASURES, "edges off by")
    lines = [_line(columns), "|" + "---|" * len(columns)]
    for name, seeds in _rows(results).items():
        values = [*np.mean([measures(one.outcome) for one in seeds], axis=0), np.mean([one.edge for one in seeds])]
        lines.append(_line((name, str(len(seeds)), *("" if np.isnan(x) else f"{x:.1f}" for x in values))))
    return "\n".join(lines)


def gains(results: Results) -> str:
    """A line for each row that is compared with another: the gain of `PAIRED` and its 95 % interval."""
    lines = [_line(("row", "over", *PAIRED)), "|" + "---|" * (2 + len(PAIRED))]
    for name, over, found in _compared(results):
        cells = ("" if np.isnan(mean) else f"{mean:+.1f} ± {half:.1f}" for mean, half in found)
        lines.append(_line((name, over, *cells)))
    return "\n".join(lines)


DRAWN = {"J&F": 0, "where it is shown": 2, "after returns": 3}
"""Gains that are drawn, by their places in `PAIRED`."""


def plot_gains(results: Results, path: Path) -> None:
    """Draw gains with their 95 % intervals, a panel for each of `DRAWN`, the first row at the top.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    compared = {f"{name}\nover {over}": found for name, over, found in _compared(results)}
    figure, save = empty_figure(path, width=9)
    for number, (title, measure) in enumerate(DRAWN.items()):
        axes = figure.add_subplot(1, len(DRAWN), number + 1, xlabel="points")
        axes.set_title(title, loc="left")
        means, halves = zip(*(found[measure] for found in compared.values()), strict=True)
        axes.errorbar(means, range(len(means)), xerr=halves, fmt="o", capsize=3)
        axes.set_yticks(range(len(means)), [] if number else list(compared))
        axes.set_ylim(len(means) - 0.5, -0.5)
        axes.axvline(0, color="grey", linewidth=1)
        axes.grid(axis="x", alpha=0.3)
    save()


def _compared(results: Results) -> Iterator[tuple[str, str, list[tuple[float, float]]]]:
    """Rows that another is there for, that other one, and the gains over it."""
    rows = _rows(results)
    for name, seeds in rows.items():
        for over in REFERENCES.get(name, ("data",)):
            if over in rows:
                yield name, over, paired_gain(seeds, rows[over])


def _rows(results: Results) -> dict[str, list[Tracked]]:
    """Trainings by row, in the order of `ROWS`."""
    rows = {name: [one for (other, _), one in results.items() if other == name] for name in ROWS}
    return {name: seeds for name, seeds in rows.items() if seeds}


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
