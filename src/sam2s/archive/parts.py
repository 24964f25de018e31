"""Long videos in parts: where to cut, and how the ids of two parts become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from sam2s.errors import ConfigError

SAME_OBJECT_IOU = 0.5
"""Two objects of neighbouring parts are one if their masks agree so far on average over the shared frames."""


@dataclass(frozen=True)
class VideoPart:
    """A stretch of a video that is tracked for itself.

    Attributes:
        number: counted from 1.
        start: first frame.
        stop: frame it stops before; beyond the start of the next part by the overlap.
    """

    number: int
    start: int
    stop: int


def plan_parts(length: int, cuts: Sequence[int], *, longest: int, overlap: int) -> list[VideoPart]:
    """Divide a video at scene cuts, into parts of at most `longest` frames and as few as possible.

    A part ends at the last cut within reach; where there is none, in the middle of a scene after `longest` frames. Each
    part but the last goes on for `overlap` frames into the next, so that ids can be joined.

    Args:
        length: frames of the video.
        cuts: frames at which scenes begin, ascending.
        longest: frames of a part, without the overlap.
        overlap: frames that two parts share.

    Raises:
        ConfigError: a part would be no longer than the overlap.
    """
    if longest <= overlap or overlap < 0:
        raise ConfigError(f"parts of {longest} frames with an overlap of {overlap} cannot be made; make them longer")
    parts, start = list[VideoPart](), 0
    while start < length:
        limit = start + longest
        within = [cut for cut in cuts if start < cut <= limit]
        end = length if limit >= length else within[-1] if within else limit
        parts.append(VideoPart(len(parts) + 1, start, min(length, end + overlap)))
        start = end
    return parts


def match_ids(earlier: Mapping[int, Sequence[np.ndarray]], later: Mapping[int, Sequence[np.ndarray]]) -> dict[int, int]:
    """Join the ids of a part to those of the part before it.

    Objects are paired so that the sum of their mean IoU over the shared frames is greatest (Hungarian method); a pair
    below `SAME_OBJECT_IOU` is none. Frames on which neither has a mask do not count.

    Args:
        earlier: by id, a bool mask [H, W] for each shared frame.
        later: the same of the later part.

    Returns:
        id in the earlier part, by id in the later one, of each pair.
    """
    if not earlier or not later:
        return {}
    rows, columns = sorted(earlier), sorted(later)
    table = np.array([[mean_iou(earlier[row], later[column]) for column in columns] for row in rows])
    pairs = zip(*linear_sum_assignment(table, maximize=True), strict=True)
    return {columns[column]: rows[row] for row, column in pairs if table[row, column] >= SAME_OBJECT_IOU}


def mean_iou(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
    """Mean IoU of two masks over the frames on which either has a pixel; 0 if there is none."""
    values = []
    for a, b in zip(one, other, strict=True):
        union = int(np.logical_or(a, b).sum())
        if union:
            values.append(int(np.logical_and(a, b).sum()) / union)
    return float(np.mean(values)) if values else 0.0
