"""A fixed bank of grey fields, from which every texture of every scene is cut.

The bank is built once in a process (about a second) from a constant seed; scenes look different because they cut at
other places, angles and scales, mix several fields and colour them anew. That keeps the set-up of a scene short.
"""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy.spatial import cKDTree

SIDE = 256
Array = NDArray[np.float32]

SMOOTH = ("cloud", "warped")
FINE = ("ridge", "warped", "cells", "cracks", "fibre", "spots", "grain")
ORGANIC = ("ridge", "warped", "fibre", "spots", "grain")
REGULAR = ("stripes", "bricks")
VESSELS = ("vessels",)


def _unit(field: np.ndarray) -> Array:
    """Centres a field on 0.5 with a standard deviation of 0.2, within 0..1."""
    return np.clip((field - field.mean()) / (field.std() + 1e-6) * 0.2 + 0.5, 0, 1).astype(np.float32)


def _fractal(rng: np.random.Generator, beta: float, stretch: float = 1.0) -> Array:
    """Noise with spectrum 1 / frequency**beta, drawn out along x by `stretch`."""
    fy, fx = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij")
    radius = np.hypot(fx * stretch, fy)
    radius[0, 0] = 1
    phase = np.exp(2j * np.pi * rng.random(radius.shape))
    return _unit(np.fft.irfft2(phase * radius**-beta * (radius < 0.4), s=(SIDE, SIDE)))


def _lookup(field: Array, x: np.ndarray, y: np.ndarray) -> Array:
    return field[np.int32(y) % SIDE, np.int32(x) % SIDE]


def _warped(rng: np.random.Generator) -> Array:
    y, x = np.mgrid[:SIDE, :SIDE]
    reach = rng.uniform(20, 90)
    dx, dy = (_fractal(rng, 2.4) - 0.5 for _ in range(2))
    return _unit(_lookup(_fractal(rng, 1.6), x + reach * dx, y + reach * dy))


def _cells(rng: np.random.Generator, cracks: bool) -> Array:
    """Voronoi cells: each its own grey, or dark borders between them."""
    points = rng.random((int(rng.integers(40, 240)), 2)) * SIDE
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    wobble = 14 * (_fractal(rng, 1.8) - 0.5)
    where = np.stack([(x + wobble) % SIDE, (y + wobble.T) % SIDE], -1)
    near, index = cKDTree(points, boxsize=SIDE).query(where, k=2)
    return (
        _unit(np.minimum(near[..., 1] - near[..., 0], 6)) if cracks else _unit(rng.random(len(points))[index[..., 0]])
    )


def _stripes(rng: np.random.Generator) -> Array:
    y, x = np.mgrid[:SIDE, :SIDE] * (2 * np.pi / SIDE)
    kx, ky = rng.integers(-9, 10), rng.integers(3, 14)
    wave = np.sin(kx * x + ky * y + rng.uniform(0, 8) * (_fractal(rng, 2.2) - 0.5))
    return _unit(np.clip(wave * rng.uniform(1, 6), -1, 1))


def _bricks(rng: np.random.Generator) -> Array:
    """Overlapping rectangles: the man-made side of the world."""
    field = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(int(rng.integers(60, 200))):
        (y, x), (h, w) = rng.integers(0, SIDE, 2), rng.integers(6, 70, 2)
        field[np.ix_(np.arange(y, y + h) % SIDE, np.arange(x, x + w) % SIDE)] = rng.random()
    return _unit(field)


def _spots(rng: np.random.Generator) -> Array:
    noise = _fractal(rng, rng.uniform(0.8, 1.8))
    return _unit(np.clip((noise - rng.uniform(0.6, 0.75)) * 12, 0, 1))


def _vessels(rng: np.random.Generator) -> Array:
    """Branching curves that thin out, 1 on a vessel and 0 off it."""
    canvas = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(canvas)

    def grow(x: float, y: float, angle: float, width: float, depth: int) -> None:
        for _ in range(int(rng.integers(8, 26))):
            angle += rng.normal(0, 0.28)
            step = 2.5 + width
            nx, ny = x + step * np.cos(angle), y + step * np.sin(angle)
            for ox in (-SIDE, 0, SIDE):
                for oy in (-SIDE, 0, SIDE):
                    draw.line((x + ox, y + oy, nx + ox, ny + oy), int(110 + 24 * min(width, 6)), max(1, round(width)))
            x, y = nx % SIDE, ny % SIDE
            if depth and rng.random() < 0.13:
                grow(x, y, angle + rng.choice((-1, 1)) * rng.uniform(0.4, 1.1), width * 0.65, depth - 1)

    for _ in range(int(rng.integers(4, 10))):
        x, y = (rng.random(2) * SIDE).tolist()
        grow(x, y, rng.uniform(0, 6.3), rng.uniform(1.5, 5), 4)
    blurred = np.asarray(canvas.filter(ImageFilter.GaussianBlur(0.9)))
    return blurred.astype(np.float32) / np.float32(255)


@cache
def bank() -> tuple[torch.Tensor, dict[str, tuple[int, ...]]]:
    """All fields `[F, S, S]`, and which of them belong to each family."""
    rng = np.random.default_rng(20250)
    families = {
        "cloud": [_fractal(rng, b) for b in (1.3, 1.6, 1.9, 2.2, 2.5, 1.7)],
        "warped": [_warped(rng) for _ in range(6)],
        "ridge": [_unit(-np.abs(_fractal(rng, b) - 0.5)) for b in (1.2, 1.5, 1.8, 2.2)],
        "cells": [_cells(rng, False) for _ in range(4)],
        "cracks": [_cells(rng, True) for _ in range(4)],
        "fibre": [_fractal(rng, 1.2, s) for s in (6, 12, 20)],
        "spots": [_spots(rng) for _ in range(4)],
        "grain": [_fractal(rng, b) for b in (0.3, 0.7, 1.0)],
        "stripes": [_stripes(rng) for _ in range(5)],
        "bricks": [_bricks(rng) for _ in range(4)],
        "vessels": [_vessels(rng) for _ in range(5)],
    }
    rows: dict[str, tuple[int, ...]] = {}
    fields: list[Array] = []
    for name, members in families.items():
        rows[name] = tuple(range(len(fields), len(fields) + len(members)))
        fields += members
    return torch.from_numpy(np.stack(fields)), rows


def cut(
    rng: np.random.Generator, families: tuple[str, ...], h: int, w: int, zoom: float, stretch: float = 1.0
) -> torch.Tensor:
    """A patch `[h, w]` of a random field, at a random place and angle.

    `zoom` is how many sides of the field the longer edge of the patch spans; `stretch` draws it out along one axis.
    """
    fields, rows = bank()
    row = rows[families[rng.integers(len(families))]]
    index = row[rng.integers(len(row))]
    angle, ox, oy = rng.uniform(0, 2 * np.pi), rng.uniform(-1, 1), rng.uniform(-1, 1)
    step = 2 * zoom / max(h, w)
    cos, sin = float(np.cos(angle) * step), float(np.sin(angle) * step)
    y, x = torch.arange(h, dtype=torch.float32)[:, None], torch.arange(w, dtype=torch.float32)[None]
    planes = torch.empty(2, h, w)
    torch.add(cos * x + float(ox), y, alpha=sin, out=planes[0])
    torch.add(-sin / stretch * x + float(oy), y, alpha=cos / stretch, out=planes[1])
    grid = planes.permute(1, 2, 0)[None]
    return F.grid_sample(fields[index][None, None], grid, padding_mode="reflection", align_corners=True)[0, 0]
