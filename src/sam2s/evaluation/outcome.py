"""One run over all videos in numbers: scores, speed, diagnostics, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sam2s.evaluation.absence import PresenceCounts, ReentryGroup
from sam2s.evaluation.compare import MaskComparison
from sam2s.evaluation.plan import EvalRun
from sam2s.evaluation.probe import ProbeCounts
from sam2s.evaluation.record import MemoryUse
from sam2s.evaluation.report import as_json
from sam2s.evaluation.rules import Rules
from sam2s.evaluation.sequence import ObjectScore
from sam2s.evaluation.summary import by_subset, macro_average
from sam2s.quality.figures import QualityFigures

PARTIAL = " †"
"""Marks what was measured on a part of a benchmark."""


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
class NameAccuracy:
    """How often the tracker's name of an object was right, on frames that show it and on which it gave one.

    Attributes:
        accuracy: mean over objects of the part of such frames, NaN without any.
        objects: objects whose true name is one that the network can give.
        names: distinct true names among them.
    """

    accuracy: float = math.nan
    objects: int = 0
    names: int = 0


@dataclass(frozen=True)
class Diagnostics:
    """What J&F hides.

    Attributes:
        switches: identity switches of all objects.
        by_mask: presence as the masks claim it.
        by_claim: presence as the tracker's state claims it; None without claims.
        presence_auroc: area under the ROC curve of the predicted presence, over all thresholds; NaN where no object is
            ever absent, or presence is not predicted.
        calibration: calibration error of the predicted IoU in percent, NaN without predictions.
        reliability: mean predicted IoU, mean J and number of masks, by bin of the predicted IoU.
        names: whether objects were named rightly.
        first_frame: mean J on the frame of first appearance after 1, 2, ... clicks (after the box or mask).
        reentry: J&F after returns, by length of the absence.
        memory: use of the long-term memory, added up over objects; None of other trackers.
        quality: how far expected IoU and doubt can be believed; None where nobody judged the masks.
        false_alarms: alarms of objects without a bad mask near by, in 1000 of their frames.
        probes: answers to constructed absence: `black` frames, those of an `other` scene.
    """

    switches: int
    by_mask: PresenceCounts
    by_claim: PresenceCounts | None
    calibration: float
    reliability: list[tuple[float, float, int]]
    names: NameAccuracy
    first_frame: list[float]
    reentry: list[ReentryGroup]
    memory: MemoryUse | None
    probes: Mapping[str, ProbeCounts] = field(default_factory=dict)
    quality: QualityFigures | None = None
    false_alarms: float = math.nan
    presence_auroc: float = math.nan

    def to_json(self) -> dict[str, Any]:
        """As plain values; all shares in percent."""
        memory = self.memory
        return {
            "calibration_error": _percent(self.calibration / 100),
            "reliability": [[round(p, 4), round(j, 4), n] for p, j, n in self.reliability],
            "quality": None if self.quality is None else _quality_json(self.quality, self.false_alarms),
            "category_accuracy": _percent(self.names.accuracy),
            "category_objects": self.names.objects,
            "category_names": self.names.names,
            "absence": {
                "absent_frames": self.by_mask.absent,
                "false_masks": _percent(self.by_mask.false_positive_rate),
                "false_visible": _percent(self.by_claim.false_positive_rate) if self.by_claim else None,
                "missed": _percent(self.by_claim.miss_rate) if self.by_claim else None,
                "presence_auroc": None if math.isnan(self.presence_auroc) else round(self.presence_auroc, 4),
            }
            | {name: _probe_json(counts) for name, counts in self.probes.items()},
            "first_frame_j": [_percent(j) for j in self.first_frame],
            "reentry": [{"absence": g.label, "returns": g.returns, "jf": _percent(g.jf)} for g in self.reentry],
            "long_term_memory": None
            if memory is None
            else {
                "fill": _percent(memory.filled / (memory.places * memory.frames)) if memory.places else None,
                "used": _percent(memory.used / memory.frames),
                "stored_per_100_frames": round(100 * memory.stored / memory.frames, 3),
            },
        }


def _quality_json(figures: QualityFigures, false_alarms: float) -> dict[str, Any]:
    """Figures of quality; NaN becomes None."""
    values = {**asdict(figures), "false_alarms_per_1000_frames": false_alarms}
    return {name: None if math.isnan(value) else round(value, 4) for name, value in values.items()}


@dataclass(frozen=True)
class EvalOutcome:
    """One run over all videos.

    Attributes:
        run: the run.
        scores: one entry an object.
        speed: how fast it was.
        clicks: what it took a person to point.
        diagnostics: what J&F hides.
        missing: by video without result, the reason.
        incomplete: subsets of these videos.
        image_size: side of our network's image, None if it had no part in it.
        hardware: what it was computed on, in words.
        partial: columns of which the data hold only a part of the benchmark.
        notes: what was decided in reading masks of others, with the videos.
    """

    run: EvalRun
    scores: list[ObjectScore]
    speed: Speed
    clicks: ClickStatistics
    diagnostics: Diagnostics
    missing: dict[str, str]
    incomplete: frozenset[str] = frozenset()
    image_size: int | None = None
    hardware: tuple[str, ...] = ()
    partial: frozenset[str] = frozenset()
    notes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The row's name in tables; marked where its data are a part of a benchmark only."""
        return f"**{self.run.label}**{PARTIAL * bool(self.partial)}"

    def subsets(self) -> dict[str, float]:
        """J&F by subset, in percent."""
        return {name: 100 * mean.jf for name, mean in by_subset(self.scores).items()}

    def average(self) -> float:
        """Plain mean of the subsets, in percent."""
        return 100 * macro_average(by_subset(self.scores).values()).jf

    def to_json(self, rules: Rules) -> dict[str, Any]:
        """As plain values; scores as `sam2s score --json` gives them, without an average if videos are missing."""
        head: dict[str, Any] = {"label": self.run.label, "method": self.run.method, "memory": self.run.memory}
        head |= {"weights": self.run.weights if self.run.uses_weights else None, "notes": self.notes}
        head |= {"prompt": str(self.run.prompt), "hardware": self.hardware, "failed": self.missing}
        head |= {"incomplete_subsets": sorted(self.incomplete)}
        head |= {"speed": _plain(self.speed), "clicks": _plain(self.clicks)}
        report = as_json(MaskComparison(self.scores, rules))
        return head | self.diagnostics.to_json() | report | ({"macro_average": None} if self.missing else {})


def _probe_json(counts: ProbeCounts) -> dict[str, float | int | None]:
    masks, visible = counts.rates()
    return {"frames": counts.frames, "masks": _percent(masks), "visible": _percent(visible)}


def _percent(value: float) -> float | None:
    return None if math.isnan(value) else round(100 * value, 4)


def _plain(record: Speed | ClickStatistics) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else round(value, 3) for name, value in vars(record).items()}
