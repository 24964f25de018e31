"""Affine maps as plain numbers, and the boxes of pixels that a mapped rectangle touches.

Frame coordinates run from -1 to 1 in x and y, y downwards.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

Matrix = tuple[float, float, float, float, float, float]
"""(a, b, x, c, d, y) maps (u, v) to (a u + b v + x, c u + d v + y)."""

Box = tuple[int, int, int, int]
"""Rows y0 to y1 and columns x0 to x1 of a frame, as (y0, y1, x0, x1)."""

BAND = 40
"""Rows of the bands into which the box of a slanted sprite is cut."""


def affine(x: float, y: float, angle: float = 0.0, sx: float = 1.0, sy: float | None = None) -> Matrix:
    """Scale by `sx` and `sy`, turn by `angle`, then move to `x`, `y`."""
    sy = sx if sy is None else sy
    cos, sin = math.cos(angle), math.sin(angle)
    return cos * sx, -sin * sy, x, sin * sx, cos * sy, y


def compose(outer: Matrix, inner: Matrix) -> Matrix:
    """The map that applies `inner`, then `outer`."""
    a, b, x, c, d, y = outer
    e, f, u, g, h, v = inner
    return a * e + b * g, a * f + b * h, a * u + b * v + x, c * e + d * g, c * f + d * h, c * u + d * v + y


def invert(pose: Matrix) -> Matrix:
    """The map back; a flat one is taken as very thin."""
    a, b, x, c, d, y = pose
    det = a * d - b * c
    det = det if abs(det) > 1e-9 else 1e-9
    return d / det, -b / det, (b * y - d * x) / det, -c / det, a / det, (c * x - a * y) / det


def boxes(pose: Matrix, u: float, v: float, size: int) -> Iterator[Box]:
    """Disjoint boxes that cover the rectangle -u..u, -v..v under `pose`; a long slanted one is cut into bands."""
    a, b, x, c, d, y = pose
    side = size / 2
    corners = [
        ((x + p * a * u + q * b * v + 1) * side, (y + p * c * u + q * d * v + 1) * side)
        for p, q in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    reach_x, reach_y = (abs(a) * u + abs(b) * v) * side, (abs(c) * u + abs(d) * v) * side
    left, right = max((x + 1) * side - reach_x, 0.0), min((x + 1) * side + reach_x, size)
    top, bottom = max((y + 1) * side - reach_y, 0.0), min((y + 1) * side + reach_y, size)
    if left >= right or top >= bottom:
        return
    area = (bottom - top) * (right - left)
    if area <= 8000 or area <= 8 * abs(a * d - b * c) * u * v * side * side:
        yield math.floor(top), math.ceil(bottom), math.floor(left), math.ceil(right)
        return
    count = min(6, math.ceil((bottom - top) / BAND))
    edges = [math.floor(top), *(round(top + (bottom - top) * k / count) for k in range(1, count)), math.ceil(bottom)]
    for y0, y1 in pairwise(edges):
        low, high = _span(corners, y0, y1)
        x0, x1 = max(math.floor(low), 0), min(math.ceil(high), size)
        if x0 < x1 and y0 < y1:
            yield y0, y1, x0, x1


def _span(corners: list[tuple[float, float]], top: float, bottom: float) -> tuple[float, float]:
    """The columns that a convex outline touches between two rows."""
    inside = [px for px, py in corners if top <= py <= bottom]
    for (px, py), (qx, qy) in zip(corners, corners[1:] + corners[:1], strict=True):
        inside += [px + (qx - px) * (row - py) / (qy - py) for row in (top, bottom) if (py - row) * (qy - row) < 0]
    return (min(inside), max(inside)) if inside else (0.0, 0.0)
