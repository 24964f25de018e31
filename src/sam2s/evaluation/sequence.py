"""J and F of objects over a sequence, counted on the frames that `Rules` select.

Frames without annotation never count. An object counts as right (J = F = 1) where both truth and prediction lack it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from sam2s.errors import ConfigError
from sam2s.evaluation.measures import region_boundary_f, region_jaccard
from sam2s.evaluation.region import Region, cut_labels, cut_mask
from sam2s.evaluation.rules import TOLERANCE, CountedSpan, Rules

MATCH_IOU = 0.5
_MISSING: Any = object()

Masks = np.ndarray | Mapping[int, np.ndarray]
"""The objects of a frame: a label map [H, W] (bool means object 1), or masks bool [H, W] by id, which may overlap."""


class FrameScore(NamedTuple):
    """One object on one frame.

    Attributes:
        j: intersection over union, 0 to 1.
        f: boundary measure, 0 to 1.
        in_gt: whether the truth shows the object.
        in_pred: whether the prediction does.
        match: id of the predicted object that covers this one (IoU at least 0.5, its own id first), or None.
    """

    j: float
    f: float
    in_gt: bool
    in_pred: bool
    match: int | None


ABSENT = FrameScore(1.0, 1.0, False, False, None)


@dataclass(frozen=True)
class ObjectScore:
    """The counted frames of one object.

    Attributes:
        video: name of the video.
        object_id: id of the object in the truth.
        frames: names of the counted frames, in time order; empty if the rule leaves none.
        frame_scores: what was measured on each of them.
        subset: name of the group of videos that the video belongs to.
    """

    video: str
    object_id: int
    frames: tuple[str, ...]
    frame_scores: tuple[FrameScore, ...]
    subset: str = ""

    @property
    def j(self) -> np.ndarray:
        """float64 [T]: J by counted frame."""
        return np.array([cell.j for cell in self.frame_scores])

    @property
    def f(self) -> np.ndarray:
        """float64 [T]: F by counted frame."""
        return np.array([cell.f for cell in self.frame_scores])

    @property
    def mean_j(self) -> float:
        """Mean J over the counted frames, NaN without any."""
        return float(self.j.mean()) if self.frame_scores else float("nan")

    @property
    def mean_f(self) -> float:
        """Mean F over the counted frames, NaN without any."""
        return float(self.f.mean()) if self.frame_scores else float("nan")

    @property
    def mean_jf(self) -> float:
        """J&F, the mean of mean J and mean F."""
        return (self.mean_j + self.mean_f) / 2


def score_sequence(
    pred: Iterable[Masks],
    gt: Iterable[Masks],
    *,
    video: str = "",
    subset: str = "",
    rules: Rules = Rules(),  # noqa: B008 (frozen)
) -> list[ObjectScore]:
    """Score predicted against true masks of the annotated frames of one video, in time order, object by object.

    Raises:
        ConfigError: the two differ in length, or a frame in size.
    """
    frame_scores = []
    for index, (pred_frame, gt_frame) in enumerate(zip_longest(pred, gt, fillvalue=_MISSING)):
        if pred_frame is _MISSING or gt_frame is _MISSING:
            shorter = "prediction" if pred_frame is _MISSING else "truth"
            raise ConfigError(
                f"prediction and truth have different numbers of frames: the {shorter} ends after {index}; give the "
                "same frames of both"
            )
        size, own = frame_size(gt_frame, f"frame {index}, truth"), frame_size(pred_frame, f"frame {index}, prediction")
        if size and own not in (None, size):
            raise ConfigError(f"frame {index}: prediction is {own}, truth {size} (H, W)")
        regions, true_regions = to_regions(pred_frame), to_regions(gt_frame)
        frame_scores.append(score_frame(regions, true_regions, size or own or (1, 1), tolerance=rules.tolerance))
    names = [str(index) for index in range(len(frame_scores))]
    return assemble(video, names, frame_scores, subset=subset, rules=rules)


def to_regions(masks: Masks) -> dict[int, Region]:
    """Cut out every object of a frame; absent ones have no entry."""
    if isinstance(masks, Mapping):
        regions = {object_id: cut_mask(mask) for object_id, mask in masks.items()}
        return {object_id: region for object_id, region in regions.items() if region is not None}
    labels = np.asarray(masks)
    return cut_labels(labels.view(np.uint8) if labels.dtype == bool else labels)


def frame_size(masks: Masks, where: str = "masks") -> tuple[int, ...] | None:
    """(H, W) of a frame, None where a mapping holds no mask; `where` begins messages.

    Raises:
        ConfigError: it is not one label map [H, W] of whole numbers, or masks [H, W] by id that are all of one size.
    """
    if isinstance(masks, Mapping):
        sizes = {np.asarray(mask).shape for mask in masks.values()}
        if len(sizes) > 1 or any(len(size) != 2 for size in sizes):
            raise ConfigError(f"{where}: masks of sizes {sorted(sizes)}; all must be [H, W] of one size")
        return next(iter(sizes), None)
    labels = np.asarray(masks)
    if labels.ndim != 2 or labels.dtype.kind not in ("b", "u", "i"):
        raise ConfigError(
            f"{where}: a label map is [H, W] of whole numbers, got {labels.dtype} {list(labels.shape)}; "
            "give masks by id, {1: mask, ...}, or their ids as pixels"
        )
    return labels.shape


def score_frame(
    pred: Mapping[int, Region], gt: Mapping[int, Region], size: tuple[int, ...], *, tolerance: float = TOLERANCE
) -> dict[int, FrameScore]:
    """Measure every object that truth or prediction shows on a frame of `size` (H, W)."""
    frame_scores = {}
    for object_id in sorted(pred.keys() | gt.keys()):
        mine, true = pred.get(object_id), gt.get(object_id)
        j = region_jaccard(mine, true)
        f = region_boundary_f(mine, true, size, tolerance=tolerance)
        match = None
        if true is not None:
            others = (other for other in pred if region_jaccard(pred[other], true) >= MATCH_IOU)
            match = object_id if j >= MATCH_IOU else next(others, None)
        frame_scores[object_id] = FrameScore(j, f, true is not None, mine is not None, match)
    return frame_scores


def assemble(
    video: str,
    names: Sequence[str],
    frames: Sequence[Mapping[int, FrameScore]],
    *,
    subset: str = "",
    rules: Rules = Rules(),  # noqa: B008 (frozen)
    annotated: Mapping[int, Container[str]] | None = None,
) -> list[ObjectScore]:
    """Turn the measured frames of a video into one score for each object that the truth ever shows.

    Args:
        video: name of the video.
        names: names of the annotated frames, in time order.
        frames: what `score_frame` gave for each of them.
        subset: name of the group of videos.
        rules: which frames count.
        annotated: by object, the frames on which it is annotated, where not all objects are on all frames.
    """
    scores = []
    for object_id in sorted({object_id for frame in frames for object_id, cell in frame.items() if cell.in_gt}):
        of_object = [
            (name, frame.get(object_id, ABSENT))
            for name, frame in zip(names, frames, strict=True)
            if annotated is None or name in annotated[object_id]
        ]
        counted = of_object[slice(*counted_frames([cell for _, cell in of_object], rules))]
        score = ObjectScore(
            video, object_id, tuple(name for name, _ in counted), tuple(cell for _, cell in counted), subset
        )
        scores.append(score)
    return scores


def counted_frames(frame_scores: Sequence[FrameScore], rules: Rules) -> tuple[int, int]:
    """Start and stop of the frames that count for an object, given all annotated frames of its video."""
    skip = int(rules.skip_first_last)
    stop = max(len(frame_scores) - skip, 0)
    if rules.span is CountedSpan.OBJECT:
        return _first(cell.in_gt for cell in frame_scores) + skip, stop
    inner = frame_scores[skip:stop]
    if not any(cell.in_gt for cell in inner):
        return stop, stop
    return skip + _first(cell.in_gt or cell.in_pred for cell in inner), stop


def _first(flags: Iterable[bool]) -> int:
    return next(position for position, flag in enumerate(flags) if flag)
