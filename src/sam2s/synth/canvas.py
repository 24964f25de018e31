"""Drawing: sprites are warped onto a canvas of colour, slope and gloss; light falls on the finished canvas."""

import math
from collections.abc import Callable
from dataclasses import dataclass

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
    """Covers `shape` with `skin` (of the same size): `bulge` scales the body's slopes, `bump` those of the skin's relief."""
    relief = slopes(skin.height, bump) + bulge * shape.slope
    return Sprite(torch.cat([skin.colour, relief, shape.distance[None]]), shape.half, gloss)


class Elastic:
    """A smooth deformation that changes with time; `turn` shifts the inside against the outline as a rotating body does."""

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
        gain: float = 1.0,
        soft: float = 1.0,
        opacity: float = 1.0,
        shadow: tuple[float, float, float] | None = None,
    ) -> None:
        """Draws a sprite, and its label where it covers more than half a pixel (`None` leaves the labels as they are).

        `soft` widens the edge (in pixels of 256), `shadow` is its offset x, y and strength.
        """
        box = self._box(pose, piece.half, 0.12 if warp else 0.0)
        if box is None:
            return
        y0, y1, x0, x1 = box
        inverse = _invert(pose)
        linear = pose[:, :2]
        scale = math.sqrt(abs(linear[0, 0] * linear[1, 1] - linear[0, 1] * linear[1, 0]))
        sharpness = scale * self.size / 2 / (1 + (soft - 1) * self.size / 256)
        if shadow:
            self._shade(piece, pose, shadow, sharpness)
        grid = self._grid(inverse, piece.half, y0, y1, x0, x1, warp)
        out = F.grid_sample(piece.texture[None], grid, padding_mode="border", align_corners=False)[0]
        cover = out[5] * sharpness + 0.5
        cover.clamp_(0, 1)
        if gain != 1:
            out[:3] *= gain
        (a, b), (c, d) = (linear / scale).tolist()
        nx, ny = out[3], out[4]
        out[3], out[4] = a * nx + b * ny, c * nx + d * ny
        out[5] = piece.gloss
        if label is not None:
            self.labels[y0:y1, x0:x1].masked_fill_(cover > 0.5, label)
        self.buffer[:, y0:y1, x0:x1].lerp_(out, cover * opacity if opacity != 1 else cover)

    def _shade(self, piece: Sprite, pose: Matrix, shadow: tuple[float, float, float], sharpness: float) -> None:
        dx, dy, strength = shadow
        moved = pose.copy()
        moved[:, 2] += (dx, dy)
        box = self._box(moved, piece.half, 0.0)
        if box is None:
            return
        y0, y1, x0, x1 = box
        grid = self._grid(_invert(moved), piece.half, y0, y1, x0, x1, None)
        distance = F.grid_sample(piece.texture[None, 5:], grid, padding_mode="border", align_corners=False)[0, 0]
        self.buffer[:3, y0:y1, x0:x1] *= 1 - strength * (distance * (sharpness / 5) + 0.5).clamp_(0, 1)

    def _box(self, pose: Matrix, half: tuple[float, float], margin: float) -> tuple[int, int, int, int] | None:
        """Rows and columns that a sprite may touch."""
        reach = np.abs(pose[:, :2]) @ np.multiply(half, 1 + margin)
        low = np.floor((pose[:, 2] - reach + 1) * (self.size / 2))
        high = np.ceil((pose[:, 2] + reach + 1) * (self.size / 2))
        (x0, y0), (x1, y1) = np.clip(low, 0, self.size).tolist(), np.clip(high, 0, self.size).tolist()
        return None if x0 >= x1 or y0 >= y1 else (int(y0), int(y1), int(x0), int(x1))

    def _grid(
        self, inverse: Matrix, half: tuple[float, float], y0: int, y1: int, x0: int, x1: int, warp: Warp | None
    ) -> torch.Tensor:
        """Sampling positions `[1, rows, columns, 2]`; a warp is evaluated on a coarse grid and interpolated."""
        (a, b, c), (d, e, f) = (inverse / np.array(half)[:, None]).tolist()
        x, y = self._axis[None, x0:x1], self._axis[y0:y1, None]
        if warp is None:
            grid = torch.empty(1, y1 - y0, x1 - x0, 2)
            torch.add(a * x + c, b * y, out=grid[0, ..., 0])
            torch.add(d * x + f, e * y, out=grid[0, ..., 1])
            return grid
        rows, columns = ((n - 1) // 10 + 2 for n in (y1 - y0, x1 - x0))
        x = torch.linspace(float(x[0, 0]), float(x[0, -1]), columns)[None]
        y = torch.linspace(float(y[0, 0]), float(y[-1, 0]), rows)[:, None]
        coarse = torch.stack(warp(a * x + c + b * y, d * x + f + e * y))[None]
        fine = F.interpolate(coarse, (y1 - y0, x1 - x0), mode="bilinear", align_corners=True)
        return fine.permute(0, 2, 3, 1)


def _invert(pose: Matrix) -> Matrix:
    (a, b, x), (c, d, y) = pose.tolist()
    det = a * d - b * c
    det = det if abs(det) > 1e-9 else 1e-9
    return np.array([[d, -b, b * y - d * x], [-c, a, c * x - a * y]]) / det
