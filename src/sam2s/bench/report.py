"""What was measured, as text, plain data and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sam2s.bench.against import SideTimes, SpeedComparison
from sam2s.bench.stages import ORDER, TrackingTimes
from sam2s.evaluation.plots import empty_figure


def runs_table(runs: Sequence[TrackingTimes]) -> str:
    """Frames a second, percentiles and stages by number of objects, as a table of Markdown."""
    head = ["objects", "offline FPS", "live FPS", "p50", "p95", "p99", *ORDER, "peak MiB"]
    rows = [head, ["---:"] * len(head)]
    for run in runs:
        shares = [f"{run.percentile(share):.1f}" for share in (50, 95, 99)]
        stages = [f"{run.stages[stage]:.1f}" for stage in ORDER]
        rates = [f"{run.offline_fps:.1f}", f"{run.live_fps:.1f}"]
        rows.append([str(run.objects), *rates, *shares, *stages, str(run.peak_mib)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n\np50 to write: milliseconds a frame"


def comparison_table(comparison: SpeedComparison) -> str:
    """Two sides, as a table of Markdown."""
    head = ["", "ms a frame", "p99", "processor ms", "first mask ms", "peak MiB", "KiB more a frame"]

    def row(side: SideTimes) -> list[str]:
        times = [f"{value:.1f}" for value in (side.ms, side.p99_ms, side.processor_ms, side.first_ms)]
        return [side.name, *times, str(side.peak_mib), f"{side.growth_kib:.1f}"]

    rows = [head, ["---"] + ["---:"] * (len(head) - 1), row(comparison.ours), row(comparison.theirs)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    without = "\nBoth without the CLS token, which the other side does not know" * comparison.without_cls
    return (
        f"{table}\n\nsam2s is {comparison.speedup:.2f} times as fast; "
        f"{100 * comparison.differing_pixels:.4f} % of mask pixels differ, "
        f"logits by {comparison.largest_difference:.1e} at most{without}"
    )


def to_json(
    setting: dict[str, Any], runs: Sequence[TrackingTimes], comparison: SpeedComparison | None
) -> dict[str, Any]:
    """All of it as plain data."""
    data: dict[str, Any] = {**setting, "runs": [run.to_json() for run in runs]}
    if comparison:
        data["against"] = comparison.to_json()
    return data


def plot_cost(runs: Sequence[TrackingTimes], path: Path, title: str) -> None:
    """Draw the time of a frame over the frames of a video, and over the number of objects.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, save = empty_figure(path)
    left, right = figure.subplots(1, 2)
    figure.suptitle(title, fontsize=9)
    for run in runs:
        left.plot(_smooth(run.live_ms), label=f"{run.objects} objects" if run.objects > 1 else "1 object")
    highest = max(run.percentile(95) for run in runs)
    left.set(xlabel="frame", ylabel="milliseconds a frame", ylim=(0, 1.3 * highest))
    left.legend(frameon=False, fontsize=7, ncols=3, loc="upper center")  # above the curves
    counts, times = [run.objects for run in runs], [run.percentile(50) for run in runs]
    right.plot(counts, times, marker="o", label="measured")
    right.plot(counts, [times[0] / counts[0] * count for count in counts], ":", color="gray", label="one by one")
    right.set(xlabel="objects", ylim=(0, None), xlim=(0, None))
    right.legend(frameon=False, fontsize=7)
    for axes in (left, right):
        axes.grid(alpha=0.3)
    save()


def _smooth(values: Sequence[float]) -> np.ndarray:
    """Running median over 9 values, so that other load of the machine does not hide the trend."""
    padded = np.pad(np.asarray(values), 4, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 9), axis=1)
