"""What one mask says of an object's place: area, centre, tip, and the width of its shaft. Pure functions of a mask.

Coordinates are (x, y) in pixels; the centre of the top-left pixel is (0.5, 0.5), and x grows to the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BORDER = 2
"""Pixels from the picture's edge within which a mask is taken to enter the picture."""

TIP_SHARE = 0.01
"""Part of the mask's pixels, the farthest from where it enters, whose mean is the tip."""


@dataclass(frozen=True)
class MaskGeometry:
    """Place of an object on one frame.

    Attributes:
        area: pixels.
        centre: (x, y) of the mean of all pixels.
        tip: (x, y) of the end that works; see `measure_mask`.
        entry: (x, y) of the mean of the pixels at the picture's edge, or None if it does not reach one.
        side: "left", "right", "top" or "bottom", the edge it enters through, or None.
        width: pixels across the shaft, or NaN where there is no shaft to measure.
    """

    area: int
    centre: tuple[float, float]
    tip: tuple[float, float]
    entry: tuple[float, float] | None
    side: str | None
    width: float


def measure_mask(mask: np.ndarray, previous_tip: tuple[float, float] | None = None) -> MaskGeometry | None:
    """Measure a bool mask [H, W]; None if it is empty.

    The tip of an object that enters through the picture's edge is the part farthest from where it enters. Of an object
    that does not, it is the end of the longest axis that is nearer to the previous tip, or, without one, to the middle
    of the picture.
    """
    rows, columns = np.nonzero(mask)
    if rows.size == 0:
        return None
    height, width = mask.shape
    points = np.stack((columns + 0.5, rows + 0.5), axis=1)
    centre = points.mean(axis=0)
    side, at_edge = _entry(rows, columns, height, width)
    if side is None:
        target = np.array(previous_tip if previous_tip is not None else (width / 2, height / 2))
        tip = _nearer_end(points, centre, target)
        return MaskGeometry(rows.size, _pair(centre), _pair(tip), None, None, float("nan"))
    entry = points[at_edge].mean(axis=0)
    tip = _farthest(points, entry)
    return MaskGeometry(rows.size, _pair(centre), _pair(tip), _pair(entry), side, _shaft_width(points, entry, tip))


def _entry(rows: np.ndarray, columns: np.ndarray, height: int, width: int) -> tuple[str | None, np.ndarray]:
    """The edge that most pixels of the mask touch, and which pixels do."""
    touching = {
        "left": columns < BORDER,
        "right": columns >= width - BORDER,
        "top": rows < BORDER,
        "bottom": rows >= height - BORDER,
    }
    side = max(touching, key=lambda name: int(touching[name].sum()))
    return (side, touching[side]) if touching[side].any() else (None, touching[side])


def _farthest(points: np.ndarray, origin: np.ndarray) -> np.ndarray:
    distance = np.linalg.norm(points - origin, axis=1)
    count = max(1, round(TIP_SHARE * len(points)))
    return points[np.argpartition(distance, -count)[-count:]].mean(axis=0)


def _nearer_end(points: np.ndarray, centre: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The end of the principal axis that is nearer to a target."""
    offset = points - centre
    _, vectors = np.linalg.eigh(offset.T @ offset)
    along = offset @ vectors[:, -1]
    count = max(1, round(TIP_SHARE * len(points)))
    order = np.argsort(along)
    ends = [points[order[:count]].mean(axis=0), points[order[-count:]].mean(axis=0)]
    return min(ends, key=lambda end: float(np.linalg.norm(end - target)))


def _shaft_width(points: np.ndarray, entry: np.ndarray, tip: np.ndarray) -> float:
    """Area of the stretch from a tenth to half of the way from entry to tip, by its length."""
    axis = tip - entry
    length = float(np.linalg.norm(axis))
    if length < 8:
        return float("nan")
    along = (points - entry) @ (axis / length)
    inside = int(((along > 0.1 * length) & (along < 0.5 * length)).sum())
    return inside / (0.4 * length) if inside else float("nan")


def _pair(point: np.ndarray) -> tuple[float, float]:
    return float(point[0]), float(point[1])
