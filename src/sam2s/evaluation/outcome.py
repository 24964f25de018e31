"""What the result files of a run add up to: scores, speed, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sam2s.evaluation.compare import MaskComparison
from sam2s.evaluation.diagnostics import calibration_error, clicks_needed
from sam2s.evaluation.plan import EvalRun
from sam2s.evaluation.report import as_json
from sam2s.evaluation.result_files import error_path, read_result, result_path
from sam2s.evaluation.rules import Rules
from sam2s.evaluation.sequence import FrameScore, ObjectScore, assemble
from sam2s.evaluation.summary import by_subset, macro_average
from sam2s.evaluation.videos import EvalVideo

ENOUGH = 0.85
"""J at which a person is taken to stop clicking."""


@dataclass(frozen=True)
class Speed:
    """End to end: reading, tracking all objects of the video, masks at source size. NaN where nothing was timed.

    Attributes:
        fps: frames a second; frames with prompts do not count, unless the method gives all its frames at once.
        p50, p95, p99: percentiles of the milliseconds a frame takes.
        objects: mean number of objects a video.
    """

    fps: float
    p50: float
    p95: float
    p99: float
    objects: float


@dataclass(frozen=True)
class ClickStatistics:
    """What pointing took, in means over objects; NaN where nothing was clicked.

    Attributes:
        given: clicks on all frames.
        needed: clicks on the first frame until J reached 0.85; an object that never got there counts all of them.
        reached: part of the objects that got there.
    """

    given: float
    needed: float
    reached: float


@dataclass(frozen=True)
class EvalOutcome:
    """One run over all videos.

    Attributes:
        run: the run.
        scores: one entry an object.
        speed: how fast it was.
        calibration: calibration error of the predicted IoU in percent, NaN without predictions.
        clicks: what it took a person to point.
        missing: by video without result, the reason.
        incomplete: subsets of these videos.
        image_size: side of our network's image, None if it had no part in it.
        hardware: what it was computed on, in words.
    """

    run: EvalRun
    scores: list[ObjectScore]
    speed: Speed
    calibration: float
    clicks: ClickStatistics
    missing: dict[str, str]
    incomplete: frozenset[str] = frozenset()
    image_size: int | None = None
    hardware: tuple[str, ...] = ()

    def subsets(self) -> dict[str, float]:
        """J&F by subset, in percent."""
        return {name: 100 * mean.jf for name, mean in by_subset(self.scores).items()}

    def average(self) -> float:
        """Plain mean of the subsets, in percent."""
        return 100 * macro_average(by_subset(self.scores).values()).jf

    def to_json(self, rules: Rules) -> dict[str, Any]:
        """As plain values; scores as `sam2s score --json` gives them, without an average if videos are missing."""
        head: dict[str, Any] = {"label": self.run.label, "method": self.run.method, "memory": self.run.memory}
        head |= {"prompt": str(self.run.prompt), "hardware": self.hardware, "failed": self.missing}
        head |= {"incomplete_subsets": sorted(self.incomplete)}
        head |= {"speed": _plain(self.speed), "clicks": _plain(self.clicks)}
        error = None if math.isnan(self.calibration) else self.calibration
        report = as_json(MaskComparison(self.scores, rules))
        return head | {"calibration_error": error} | report | ({"macro_average": None} if self.missing else {})


def collect(out: Path, run: EvalRun, videos: Sequence[EvalVideo], rules: Rules) -> EvalOutcome:
    """Read the results of a run on these videos."""
    scores: list[ObjectScore] = []
    missing: dict[str, str] = {}
    latency: list[float] = []
    frames, seconds, objects, side, chips = 0, 0.0, 0, None, set()
    given: list[int] = []
    by_click: list[list[float]] = []
    predicted: list[float] = []
    actual: list[float] = []
    incomplete: set[str] = set()
    for video in videos:
        name, data = video.name, read_result(out, run, video)
        if data is None:
            path = result_path(out, run, name)
            failed = error_path(out, run, name)
            undone = "changed since it was done" if path.exists() else "not done yet"
            missing[name] = failed.read_text().strip() if failed.exists() else undone
            incomplete |= video.columns
            continue
        latency += data["latency_ms"]
        side = data["image_size"]
        chips.add(data["hardware"])
        given += data["clicks"].values()
        by_click += data["j_by_click"].values()
        frames, seconds, objects = frames + data["frames"], seconds + data["seconds"], objects + len(data["subsets"])
        frame_scores = [
            {int(key): FrameScore(*score) for key, score in frame.items()} for frame in data["frame_scores"]
        ]
        annotated = {int(key): stems for key, stems in data["annotated"].items()}
        of_video = assemble(
            name, data["names"], frame_scores, rules=rules, annotated={k: set(v) for k, v in annotated.items()}
        )
        scores += [replace(score, subset=data["subsets"][str(score.object_id)]) for score in of_video]
        for score in of_video:
            ious = dict(zip(annotated[score.object_id], data["predicted_iou"][str(score.object_id)], strict=True))
            for stem, frame_score in zip(score.frames, score.frame_scores, strict=True):
                if frame_score.in_pred and ious[stem] is not None:
                    predicted.append(ious[stem])
                    actual.append(frame_score.j)
    done = len(videos) - len(missing)
    fps = 1000 * len(latency) / sum(latency) if latency else frames / seconds if seconds else math.nan
    p50, p95, p99 = np.percentile(latency, (50, 95, 99)).tolist() if latency else [math.nan] * 3
    speed = Speed(fps, p50, p95, p99, objects / done if done else math.nan)
    clicks = ClickStatistics(
        _mean(given), _mean([clicks_needed(j, ENOUGH) for j in by_click]), _mean([max(j) >= ENOUGH for j in by_click])
    )
    error = 100 * calibration_error(predicted, actual)
    return EvalOutcome(run, scores, speed, error, clicks, missing, frozenset(incomplete), side, tuple(sorted(chips)))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _plain(record: Speed | ClickStatistics) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else round(value, 3) for name, value in vars(record).items()}
