"""Outlines as signed distance fields, with the slopes of the body they bound.

A `Shape` lives on a small grid over the local rectangle [-half[0], half[0]] x [-half[1], half[1]]; its distance is
positive inside, in local units, so that edges stay sharp at any magnification.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch


class Shape(NamedTuple):
    """`distance` `[h, w]`, `slope` `[2, h, w]` (to the right and down, at most about 1), and `half` extents."""

    distance: torch.Tensor
    slope: torch.Tensor
    half: tuple[float, float]


def grid(h: int, w: int, half: tuple[float, float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Local x `[1, w]` and y `[h, 1]` of the pixel centres."""
    x = ((torch.arange(w) + 0.5) * (2 / w) - 1) * half[0]
    y = ((torch.arange(h) + 0.5) * (2 / h) - 1) * half[1]
    return x[None], y[:, None]


def blob(rng: np.random.Generator, side: int, roughness: float, *, flat: float = 0.5, lobes: int = 6) -> Shape:
    """A closed curve of mean radius 1 around the origin, its body domed; `flat` near 1 keeps the middle level."""
    x, y = grid(side, side, (1.4, 1.4))
    radius = torch.hypot(x, y)
    angle = torch.atan2(y, x)
    outline = torch.ones_like(radius)
    for k in range(2, 2 + lobes):
        outline += float(roughness * rng.normal() / k**1.2) * torch.cos(k * angle + float(rng.uniform(0, 6.3)))
    outline.clamp_(0.35, 1.33)
    share = (radius / outline).clamp_(max=1.2)
    steep = share ** (1 + 4 * flat) / (radius + 1e-3)
    return Shape(outline - radius, torch.stack([x * steep, y * steep]), (1.4, 1.4))


def profile(
    xs: Sequence[float],
    widths: Sequence[float],
    centres: Sequence[float] | float = 0.0,
    *,
    slot: tuple[float, float, float] | None = None,
    teeth: tuple[float, float] | None = None,
    rows: int = 32,
    columns: int = 96,
) -> Shape:
    """A turned or flat part along x from `xs[0]` to `xs[-1]`, with a half width and a centre line at each of `xs`.

    `slot` (x0, x1, half width) is a hole along the middle, `teeth` (pitch, depth) notches the upper edge.
    """
    reach = max(abs(xs[0]), abs(xs[-1])) * 1.04 + 0.02
    lines = np.broadcast_to(np.asarray(centres, np.float64), (len(xs),))
    half = (reach, 1.15 * float(np.max(np.asarray(widths) + np.abs(lines))) + 0.01)
    x, y = grid(rows, columns, half)
    across = np.interp(x[0].numpy(), xs, widths).astype(np.float32)
    centre = torch.from_numpy(np.interp(x[0].numpy(), xs, lines).astype(np.float32))[None]
    width = torch.from_numpy(across)[None]
    offset = y - centre
    edge = width - torch.abs(offset)
    if teeth:
        saw = torch.abs(torch.frac(x / teeth[0] + 64) - 0.5) * 2 * teeth[1]
        edge = torch.where(offset < 0, edge - saw, edge)
    distance = torch.minimum(edge, torch.minimum(x - xs[0], xs[-1] - x).expand_as(edge))
    if slot:
        hole = torch.minimum(slot[2] - torch.abs(offset), torch.minimum(x - slot[0], slot[1] - x).expand_as(edge))
        distance = torch.minimum(distance, -hole)
    roundness = (offset / width.clamp(min=1e-3)).clamp_(-1, 1)
    return Shape(distance, torch.stack([torch.zeros_like(roundness), roundness]), half)


def stroke(points: np.ndarray, radii: np.ndarray | float, *, side: int = 96) -> Shape:
    """A round rod along the polyline `points` `[n, 2]`, with a radius at each point."""
    thick = np.broadcast_to(np.asarray(radii, np.float64), (len(points),))
    half = tuple((np.abs(points).max(0) + thick.max() + 0.05).tolist())
    rows, columns = (max(24, round(side * h / max(half))) for h in half[::-1])
    x, y = grid(rows, columns, half)
    p = torch.as_tensor(points, dtype=torch.float32)
    r = torch.as_tensor(thick.copy(), dtype=torch.float32)
    (ax, ay), (dx, dy) = p[:-1].T[..., None, None], (p[1:] - p[:-1]).T[..., None, None]
    share = ((x - ax) * dx + (y - ay) * dy).div_(dx * dx + dy * dy + 1e-9).clamp_(0, 1)
    ox, oy = x - ax - share * dx, y - ay - share * dy
    local = torch.lerp(r[:-1, None, None], r[1:, None, None], share)
    distance, best = (local - torch.hypot(ox, oy)).max(0)
    pick = best[None]
    slope = torch.stack([ox.gather(0, pick)[0], oy.gather(0, pick)[0]]) / local.gather(0, pick)[0]
    return Shape(distance, slope.clamp_(-1, 1), (half[0], half[1]))


def polygon(points: np.ndarray, rounding: float = 0.0, *, side: int = 80, edge: float = 0.15) -> Shape:
    """A flat plate within the polygon `points` `[n, 2]`, bevelled over `edge`."""
    half = tuple((np.abs(points).max(0) + rounding + 0.06).tolist())
    rows, columns = (max(24, round(side * h / max(half))) for h in half[::-1])
    x, y = grid(rows, columns, half)
    p = torch.as_tensor(points, dtype=torch.float32)
    q = p.roll(-1, 0)
    (ax, ay), (bx, by) = p.T[..., None, None], q.T[..., None, None]
    dx, dy = bx - ax, by - ay
    share = ((x - ax) * dx + (y - ay) * dy).div_(dx * dx + dy * dy + 1e-9).clamp_(0, 1)
    ox, oy = x - ax - share * dx, y - ay - share * dy
    away, best = torch.hypot(ox, oy).min(0)
    crossing = ((ay > y) != (by > y)) & (x < dx * (y - ay) / torch.where(dy.abs() < 1e-6, 1e-6, dy) + ax)
    inside = crossing.sum(0) % 2 == 1
    distance = torch.where(inside, away, -away) + rounding
    pick = best[None]
    outwards = torch.stack([ox.gather(0, pick)[0], oy.gather(0, pick)[0]]) / (away + 1e-4)
    outwards = torch.where(inside, -outwards, outwards)
    return Shape(distance, outwards * (1 - distance / edge).clamp(0, 1), (half[0], half[1]))


def join(*shapes: Shape) -> Shape:
    """The union of shapes on one grid."""
    distance, slope = shapes[0].distance, shapes[0].slope
    for other in shapes[1:]:
        slope = torch.where(other.distance > distance, other.slope, slope)
        distance = torch.maximum(distance, other.distance)
    return Shape(distance, slope, shapes[0].half)


def arc(centre: tuple[float, float], radius: float, start: float, stop: float, count: int = 10) -> np.ndarray:
    """Points `[count, 2]` along a circle, angles in radians."""
    angles = np.linspace(start, stop, count)
    return np.stack([centre[0] + radius * np.cos(angles), centre[1] + radius * np.sin(angles)], 1)


def wander(rng: np.random.Generator, count: int, step: float, bend: float) -> np.ndarray:
    """A smooth random path `[count, 2]` from the origin, centred on its own box."""
    turns = np.cumsum(np.convolve(rng.normal(0, bend, count + 4), np.ones(5) / 5, "valid")) + rng.uniform(
        0, 2 * math.pi
    )
    points = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1) * step, 0)
    return points - (points.min(0) + points.max(0)) / 2
