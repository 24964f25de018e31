"""Polygons as masks, to the pixel as COCO fills them.

The algorithm is `rleFrPoly` of the Microsoft COCO API: walk along every edge on a grid five times finer, note where the
walk goes from one column of pixels to the next, and let inside and outside change there. It is written anew in numpy.
Which pixels at the border count follows from that walk alone, so that it must be done in the same way: annotations of
COCO and YouTube-VIS are polygons, and scores against masks made otherwise differ by the border.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from sam2s.limits import check_pixels

_FINE = 5  # steps a pixel in which COCO walks along an edge
_REACH = 100  # so many sides of the picture may a corner lie outside
_STEPS = 1 << 27  # of a walk around a polygon, 8 bytes each and some more


def fill(polygons: Sequence[Sequence[float]], size: tuple[int, int]) -> np.ndarray:
    """Draw the union of polygons into a mask bool [H, W].

    Args:
        polygons: flat lists x0, y0, x1, y1, ... in pixels; x to the right, the corner of the picture is (0, 0).
        size: (H, W).

    Raises:
        ValueError: a polygon has less than three points or half a point, or a number that is none or far outside.
        LimitError: the size has more pixels than the limit (`sam2s.limits`).
    """
    check_pixels(*size, "a polygon's picture")
    mask = np.zeros(size, bool)
    if not all(isinstance(polygon, (list, tuple, np.ndarray)) for polygon in polygons):
        raise ValueError("polygons are flat lists of numbers x0, y0, x1, y1, ...")
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(f"a polygon has {len(polygon)} numbers; it needs x and y of at least three points")
        mask |= _fill(_corners(polygon, size), size)
    return mask


def _corners(polygon: Sequence[float], size: tuple[int, int]) -> np.ndarray:
    """Corners [n, 2] of a polygon; each edge is walked along, so that none may be much longer than the picture."""
    try:
        corners = np.array(polygon, float).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a polygon holds {str(polygon)[:40]}..., not numbers alone") from error
    reach = _REACH * (max(size) + 1)
    if not (np.abs(corners) <= reach).all():  # also false for NaN
        raise ValueError(
            f"a polygon goes to {np.nanmax(np.abs(corners)):g}, far outside of the picture of {size[1]}x{size[0]}"
        )
    if len(corners) * reach > _STEPS:
        lengths = np.abs(np.diff(corners, axis=0, append=corners[:1])).max(axis=1)
        if lengths.sum() * _FINE > _STEPS:
            raise ValueError(f"a polygon of {len(corners)} corners is too long to be drawn: {lengths.sum():.0f} pixels")
    return corners


def _fill(corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """One polygon: its outline on a finer grid; where that goes from column to column, inside and outside change."""
    height, width = size
    fine = (corners * _FINE + 0.5).astype(int)
    x, y = np.concatenate([_walk(a, b) for a, b in pairwise([*fine, fine[0]])], axis=1)
    steps = np.flatnonzero(x[1:] != x[:-1])
    column = (np.minimum(x[steps], x[steps + 1]) + 0.5) / _FINE - 0.5
    row = np.ceil(np.clip((np.minimum(y[steps], y[steps + 1]) + 0.5) / _FINE - 0.5, 0, height)).astype(int)
    through = (column == np.floor(column)) & (column >= 0) & (column <= width - 1)
    flips = np.bincount(column[through].astype(int) * height + row[through], minlength=height * width)
    return np.bitwise_and(flips[: height * width].cumsum(), 1).astype(bool).reshape(width, height).T


def _walk(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Grid points int [2, n] (x, y) from one corner to the next, a step of one along the longer side."""
    long = int(abs(end[0] - start[0]) < abs(end[1] - start[1]))
    turned = start[long] > end[long]
    a, b = (end, start) if turned else (start, end)
    length = b[long] - a[long]
    t = np.arange(length + 1)
    slope = (b[1 - long] - a[1 - long]) / length if length else 0.0
    points = np.empty((2, length + 1), int)
    points[long], points[1 - long] = a[long] + t, (a[1 - long] + slope * t + 0.5).astype(int)
    return points[:, ::-1] if turned else points
