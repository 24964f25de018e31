"""Drawing: sprites are warped onto a canvas of colour, slope and gloss; light falls on the finished canvas."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from .geometry import Box, Matrix, boxes, invert
from .motion import Track
from .shapes import Shape
from .textures import Surface, slopes

_BILINEAR, _BORDER, _REFLECTION = 0, 1, 2  # of torch.grid_sampler, which costs less a call than its functional form
_HALF = torch.tensor(0.5)

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
        rim.clamp_(max=-1)  # what lies beyond the grid repeats its rim, and must be outside at any magnification
    return Sprite(texture, shape.half, gloss)


class Elastic:
    """A smooth deformation over time; `turn` shifts the inside against the outline, as a rotating body does."""

    def __init__(self, rng: np.random.Generator, strength: float, period: float, turn: float = 0.0) -> None:
        self._phase = [Track(rng, period, 2.5, rng.uniform(0, 6)) for _ in range(4)]
        self._k = rng.uniform(1.0, 3.5, 4).tolist()
        self._strength = (strength * rng.uniform(0.3, 1, 4) / np.sqrt(self._k)).tolist()
        self._turn = [Track(rng, 2 * period, turn) for _ in range(2)] if turn else []

    def at(self, t: float) -> Warp:
        """The deformation at time `t`."""
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
        axis = (torch.arange(size) + 0.5) * (2 / size) - 1
        self._x, self._y = axis[None], axis[:, None]

    def fill(self, piece: Sprite, pose: Matrix, warp: Warp | None = None) -> None:
        """Covers everything with an endless (mirrored) sprite."""
        grid = self._grid(invert(pose), piece.half, (0, self.size, 0, self.size), warp)
        self.buffer = torch.grid_sampler(piece.texture[None], grid, _BILINEAR, _REFLECTION, False)[0]
        self.buffer[5] = piece.gloss

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
        a, b, _, c, d, _ = pose
        scale = math.sqrt(max(abs(a * d - b * c), 1e-9))
        sharpness = scale * self.size / 2 / (1 + (soft - 1) * self.size / 256)
        if shadow:
            self._darken(piece, pose, shadow, sharpness)
        turn = torch.tensor([[a / scale, b / scale], [c / scale, d / scale]], dtype=torch.float32)
        inverse, margin = invert(pose), 1.12 if warp else 1.0
        for box in boxes(pose, piece.half[0] * margin, piece.half[1] * margin, self.size):
            y0, y1, x0, x1 = box
            grid = self._grid(inverse, piece.half, box, warp)
            out = torch.grid_sampler(piece.texture[None], grid, _BILINEAR, _BORDER, False)[0]
            cover = torch.add(_HALF, out[5], alpha=sharpness).clamp_(0, 1)
            slope = out[3:5].view(2, -1)
            slope.copy_(turn @ slope)
            out[5] = piece.gloss
            if label is not None:
                self.labels[y0:y1, x0:x1].masked_fill_(cover > 0.5, label)
            self.buffer[:, y0:y1, x0:x1].lerp_(out, cover if opacity == 1 else cover.mul_(opacity))

    def _darken(self, piece: Sprite, pose: Matrix, shadow: tuple[float, float, float], sharpness: float) -> None:
        a, b, x, c, d, y = pose
        moved = (a, b, x + shadow[0], c, d, y + shadow[1])
        inverse = invert(moved)
        for box in boxes(moved, *piece.half, self.size):
            y0, y1, x0, x1 = box
            grid = self._grid(inverse, piece.half, box, None, step=4)
            distance = torch.grid_sampler(piece.texture[None, 5:], grid, _BILINEAR, _BORDER, False)
            dark = distance.mul_(sharpness / 5).clamp_(0, 1).mul_(-shadow[2]).add_(1)
            dark = F.interpolate(dark, (y1 - y0, x1 - x0), mode="bilinear", align_corners=True)[0, 0]
            self.buffer[:3, y0:y1, x0:x1] *= dark

    def _grid(
        self, inverse: Matrix, half: tuple[float, float], box: Box, warp: Warp | None, step: int = 1
    ) -> torch.Tensor:
        """Sampling positions `[1, rows, columns, 2]`, one in `step` pixels; a warp is evaluated on a coarse grid."""
        (y0, y1, x0, x1), (u, v) = box, half
        a, b, c, d, e, f = inverse
        x, y = self._x[:, x0:x1], self._y[y0:y1]
        coarse = 10 if warp else step
        if coarse > 1:
            edge = 2 / self.size
            left, right, top, bottom = ((n + 0.5) * edge - 1 for n in (x0, x1 - 1, y0, y1 - 1))
            x = torch.linspace(left, right, (x1 - x0 - 1) // coarse + 2)[None]
            y = torch.linspace(top, bottom, (y1 - y0 - 1) // coarse + 2)[:, None]
        planes = torch.empty(2, y.shape[0], x.shape[1])
        torch.add(x * (a / u) + c / u, y, alpha=b / u, out=planes[0])
        torch.add(x * (d / v) + f / v, y, alpha=e / v, out=planes[1])
        if warp:
            moved = torch.stack(warp(planes[0], planes[1]))[None]
            planes = F.interpolate(moved, (y1 - y0, x1 - x0), mode="bilinear", align_corners=True)[0]
        return planes.permute(1, 2, 0)[None]
