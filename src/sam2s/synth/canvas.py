"""Drawing: sprites are warped onto a canvas of colour, slope and gloss; light falls on the finished canvas."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F

from .motion import Matrix, Track
from .shapes import Shape
from .textures import Surface, slopes

Warp = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Moves normalised local coordinates (x, y in -1..1 over a sprite) to where the sprite is to be sampled."""


@dataclass(frozen=True)
class Sprite:
    """A flat piece of the world: `texture` `[6, h, w]` holds red, green, blue, slope x, slope y and signed distance."""

    texture: torch.Tensor
    half: tuple[float, float]
    gloss: float = 0.3


def sprite(shape: Shape, skin: Surface, *, bump: float = 1.0, bulge: float = 0.7, gloss: float = 0.3) -> Sprite:
    """Covers `shape` with `skin` of its size; `bulge` scales the body's slopes, `bump` those of the skin's relief."""
    relief = slopes(skin.height, bump) + bulge * shape.slope
    texture = torch.cat([skin.colour, relief, shape.distance[None]])
    for rim in (texture[5, 0], texture[5, -1], texture[5, :, 0], texture[5, :, -1]):
        rim.clamp_(max=-0.02)  # what lies beyond the grid repeats its rim and must be outside
    return Sprite(texture, shape.half, gloss)


class Elastic:
    """A smooth deformation over time; `turn` shifts the inside against the outline, as a rotating body does."""

    def __init__(self, rng: np.random.Generator, strength: float, period: float, turn: float = 0.0) -> None:
        self._phase = [Track(rng, period, 2.5, rng.uniform(0, 6)) for _ in range(4)]
        self._k = rng.uniform(1.0, 3.5, 4).tolist()
        self._strength = (strength * rng.uniform(0.3, 1, 4) / np.sqrt(self._k)).tolist()
        self._turn = [Track(rng, 2 * period, turn) for _ in range(2)] if turn else []

    def at(self, t: float) -> Warp:
        (p0, p1, p2, p3), (k0, k1, k2, k3) = (p(t) for p in self._phase), self._k
        a0, a1, a2, a3 = self._strength
        tx, ty = (track(t) for track in self._turn) if self._turn else (0.0, 0.0)

        def warp(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            u = x + a0 * torch.sin(k0 * y + p0) + a1 * torch.sin(k1 * (x + y) + p1)
            v = y + a2 * torch.sin(k2 * x + p2) + a3 * torch.sin(k3 * (x - y) + p3)
            if tx or ty:
                inner = (1 - 2 * (x * x + y * y)).clamp_(min=0)
                u, v = u + tx * inner, v + ty * inner
            return u, v

        return warp


class Canvas:
    """`buffer` `[6, S, S]` (red, green, blue, slope x, slope y, gloss) and `labels` `[S, S]` under construction."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.buffer = torch.zeros(6, size, size)
        self.labels = torch.zeros(size, size, dtype=torch.uint8)
        self._axis = (torch.arange(size) + 0.5) * (2 / size) - 1

    def fill(self, piece: Sprite, pose: Matrix, warp: Warp | None = None) -> None:
        """Covers everything with an endless (mirrored) sprite."""
        grid = self._grid(_invert(pose), piece.half, 0, self.size, 0, self.size, warp)
        out = F.grid_sample(piece.texture[None], grid, padding_mode="reflection", align_corners=False)[0]
        out[5] = piece.gloss
        self.buffer = out

    def draw(
        self,
        piece: Sprite,
        pose: Matrix,
        label: int | None = 0,
        *,
        warp: Warp | None = None,
        soft: float = 1.0,
        opacity: float = 1.0,
        shadow: tuple[float, float, float] | None = None,
    ) -> None:
        """Draws a sprite, and its label where it covers more than half a pixel (`None` leaves the labels as they are).

        `soft` widens the edge (in pixels of 256), `shadow` is its offset x, y and strength.
        """
        inverse, linear = _invert(pose), pose[:, :2]
        scale = math.sqrt(abs(linear[0, 0] * linear[1, 1] - linear[0, 1] * linear[1, 0]))
        sharpness = scale * self.size / 2 / (1 + (soft - 1) * self.size / 256)
        if shadow:
            self._darken(piece, pose, shadow, sharpness)
        (a, b), (c, d) = (linear / scale).tolist()
        for y0, y1, x0, x1 in self._boxes(pose, piece.half, 0.12 if warp else 0.0):
            grid = self._grid(inverse, piece.half, y0, y1, x0, x1, warp)
            out = F.grid_sample(piece.texture[None], grid, padding_mode="border", align_corners=False)[0]
            cover = out[5].mul(sharpness).add_(0.5).clamp_(0, 1)
            nx, ny = out[3], out[4].clone()
            torch.add(ny * d, nx, alpha=c, out=out[4])
            torch.add(nx * a, ny, alpha=b, out=out[3])
            out[5] = piece.gloss
            if label is not None:
                self.labels[y0:y1, x0:x1].masked_fill_(cover > 0.5, label)
            self.buffer[:, y0:y1, x0:x1].lerp_(out, cover.mul_(opacity) if opacity != 1 else cover)

    def _darken(self, piece: Sprite, pose: Matrix, shadow: tuple[float, float, float], sharpness: float) -> None:
        dx, dy, strength = shadow
        moved = pose.copy()
        moved[:, 2] += (dx, dy)
        inverse = _invert(moved)
        for y0, y1, x0, x1 in self._boxes(moved, piece.half, 0.0):
            grid = self._grid(inverse, piece.half, y0, y1, x0, x1, None, step=4)
            distance = F.grid_sample(piece.texture[None, 5:], grid, padding_mode="border", align_corners=False)
            dark = distance.mul_(sharpness / 5).add_(0.5).clamp_(0, 1).mul_(-strength).add_(1)
            dark = F.interpolate(dark, (y1 - y0, x1 - x0), mode="bilinear", align_corners=True)[0, 0]
            self.buffer[:3, y0:y1, x0:x1] *= dark

    def _boxes(self, pose: Matrix, half: tuple[float, float], margin: float) -> Iterator[tuple[int, int, int, int]]:
        """Disjoint boxes (y0, y1, x0, x1) that cover a sprite; a long slanted one is cut into bands."""
        (a, b, x), (c, d, y) = pose.tolist()
        u, v, side = half[0] * (1 + margin), half[1] * (1 + margin), self.size / 2
        corners = [
            ((a * p + b * q + x + 1) * side, (c * p + d * q + y + 1) * side)
            for p, q in ((-u, -v), (u, -v), (u, v), (-u, v))
        ]
        top, bottom = (min(max(f(q for _, q in corners), 0.0), float(self.size)) for f in (min, max))
        rows = bottom - top
        width = min(max(p for p, _ in corners), self.size) - max(min(p for p, _ in corners), 0)
        if rows <= 0 or width <= 0:
            return
        full = abs(a * d - b * c) * 4 * u * v * side * side
        bands = min(6, math.ceil(rows / 40)) if rows * width > max(2 * full, 8000) else 1
        edges = [math.floor(top), *(round(top + rows * k / bands) for k in range(1, bands)), math.ceil(bottom)]
        for y0, y1 in pairwise(edges):
            low, high = (
                _span(corners, y0, y1) if bands > 1 else (min(p for p, _ in corners), max(p for p, _ in corners))
            )
            x0, x1 = max(math.floor(low), 0), min(math.ceil(high), self.size)
            if x0 < x1 and y0 < y1:
                yield y0, y1, x0, x1

    def _grid(
        self,
        inverse: Matrix,
        half: tuple[float, float],
        y0: int,
        y1: int,
        x0: int,
        x1: int,
        warp: Warp | None,
        step: int = 1,
    ) -> torch.Tensor:
        """Sampling positions `[1, rows, columns, 2]`, one in `step` pixels; a warp is evaluated on a coarse grid."""
        (a, b, c), (d, e, f) = (inverse / np.array(half)[:, None]).tolist()
        x, y = self._axis[None, x0:x1], self._axis[y0:y1, None]
        coarse = 10 if warp else step
        if coarse > 1:
            x = torch.linspace(float(x[0, 0]), float(x[0, -1]), (x1 - x0 - 1) // coarse + 2)[None]
            y = torch.linspace(float(y[0, 0]), float(y[-1, 0]), (y1 - y0 - 1) // coarse + 2)[:, None]
        planes = torch.empty(2, y.shape[0], x.shape[1])
        torch.add(a * x + c, y, alpha=b, out=planes[0])
        torch.add(d * x + f, y, alpha=e, out=planes[1])
        if warp:
            moved = torch.stack(warp(planes[0], planes[1]))[None]
            planes = F.interpolate(moved, (y1 - y0, x1 - x0), mode="bilinear", align_corners=True)[0]
        return planes.permute(1, 2, 0)[None]


def _invert(pose: Matrix) -> Matrix:
    (a, b, x), (c, d, y) = pose.tolist()
    det = a * d - b * c
    det = det if abs(det) > 1e-9 else 1e-9
    return np.array([[d, -b, b * y - d * x], [-c, a, c * x - a * y]]) / det


def _span(corners: list[tuple[float, float]], top: float, bottom: float) -> tuple[float, float]:
    """The columns that a convex outline touches between two rows."""
    inside = [px for px, py in corners if top <= py <= bottom]
    for (px, py), (qx, qy) in zip(corners, corners[1:] + corners[:1], strict=True):
        inside += [px + (qx - px) * (row - py) / (qy - py) for row in (top, bottom) if (py - row) * (qy - row) < 0]
    return (min(inside), max(inside)) if inside else (0.0, 0.0)
