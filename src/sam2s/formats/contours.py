"""The outline of a mask as polygons, from pixel corner to pixel corner: filling them gives the mask back."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy import ndimage

_Point = tuple[int, int]


def outline(mask: np.ndarray) -> list[np.ndarray]:
    """One closed polygon int [n, 2] (x, y) for each connected part; holes hang on a line of no width.

    Args:
        mask: bool [H, W].
    """
    parts, count = ndimage.label(mask)
    polygons = []
    for number, place in enumerate(ndimage.find_objects(parts), 1):
        rows, columns = place
        loops = _loops(parts[place] == number)
        loops.sort(key=lambda loop: -abs(_area(loop)))  # the outer one first
        start = loops[0][:1]
        chain = [loops[0]]
        for hole in loops[1:]:
            chain += [start, hole, hole[:1]]
        if len(loops) > 1:
            chain.append(start)
        polygons.append(np.concatenate(chain) + np.array((columns.start, rows.start)))
    assert len(polygons) == count
    return polygons


def _area(loop: np.ndarray) -> float:
    x, y = loop.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _loops(part: np.ndarray) -> list[np.ndarray]:
    """Closed walks along the edges between inside and outside, the inside on the right; corners only."""
    padded = np.pad(part, 1)
    above, below = padded[:-1, 1:-1], padded[1:, 1:-1]
    left, right = padded[1:-1, :-1], padded[1:-1, 1:]
    onward: dict[_Point, list[_Point]] = {}
    for edges, (ax, ay), (bx, by) in (
        (below & ~above, (0, 0), (1, 0)),
        (above & ~below, (1, 0), (0, 0)),
        (right & ~left, (0, 1), (0, 0)),
        (left & ~right, (0, 0), (0, 1)),
    ):
        for y, x in zip(*(axis.tolist() for axis in np.nonzero(edges)), strict=True):
            onward.setdefault((x + ax, y + ay), []).append((x + bx, y + by))
    loops, walked = [], set[tuple[_Point, _Point]]()
    for first in [(at, end) for at, ends in onward.items() for end in ends]:
        if first in walked:
            continue
        edge, points = first, list[_Point]()
        while edge not in walked:
            walked.add(edge)
            points.append(edge[0])
            before, at = edge
            # Where two pixels touch at a corner, turn right: so the walk stays with the pixel it came along.
            edge = (at, max(onward[at], key=partial(_turn, before, at)))
        around = zip([points[-1], *points], points, [*points[1:], points[0]], strict=False)
        loops.append(np.array([at for before, at, end in around if _turn(before, at, end)]))
    return loops


def _turn(before: _Point, at: _Point, end: _Point) -> int:
    """1 for a turn to the right, -1 to the left, 0 straight on; y points down."""
    return (at[0] - before[0]) * (end[1] - at[1]) - (at[1] - before[1]) * (end[0] - at[0])
