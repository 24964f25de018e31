"""Surfaces: colours and heights, mixed from the noise bank under palettes of tissue, metal and the world outside."""

import colorsys
from typing import NamedTuple

import numpy as np
import torch

from .noise import FINE, ORGANIC, REGULAR, SMOOTH, VESSELS, cut

Colour = tuple[float, float, float]


class Surface(NamedTuple):
    """`colour` `[3, h, w]` in 0..1 and `height` `[h, w]`, about 0.5 ± 0.2."""

    colour: torch.Tensor
    height: torch.Tensor


# Hue in degrees, saturation, value: centre and spread of each.
TISSUE: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "mucosa": ((22, 0.52, 0.8), (9, 0.15, 0.12)),
    "pale mucosa": ((22, 0.32, 0.85), (10, 0.1, 0.1)),
    "red mucosa": ((8, 0.6, 0.68), (8, 0.15, 0.14)),
    "muscle": ((2, 0.62, 0.55), (8, 0.14, 0.15)),
    "liver": ((356, 0.55, 0.36), (10, 0.14, 0.1)),
    "fat": ((42, 0.55, 0.85), (9, 0.18, 0.1)),
    "serosa": ((354, 0.3, 0.75), (12, 0.12, 0.14)),
    "gall": ((335, 0.18, 0.66), (30, 0.1, 0.15)),
    "spleen": ((345, 0.45, 0.34), (12, 0.15, 0.1)),
    "sclera": ((356, 0.45, 0.8), (10, 0.25, 0.12)),
    "blood": ((358, 0.85, 0.38), (6, 0.1, 0.12)),
    "grey": ((30, 0.08, 0.6), (40, 0.08, 0.25)),
    "meat": ((14, 0.4, 0.6), (14, 0.2, 0.2)),
}


def tint(rng: np.random.Generator, name: str) -> Colour:
    """A colour of the tissue palette `name`."""
    centre, spread = TISSUE[name]
    hue, saturation, value = (c + s * rng.uniform(-1, 1) for c, s in zip(centre, spread, strict=True))
    return colorsys.hsv_to_rgb(hue / 360 % 1, min(max(saturation, 0), 1), min(max(value, 0.05), 1))


def any_tint(rng: np.random.Generator) -> Colour:
    """A colour from the world at large: mostly muted, at times vivid."""
    saturation = rng.beta(1.2, 2.2)
    return colorsys.hsv_to_rgb(rng.random(), saturation, rng.uniform(0.08, 1))


def near(rng: np.random.Generator, colour: Colour, spread: float, hue: float = 0.25) -> Colour:
    """`colour`, brighter or darker by about `spread` and, by the share `hue` of it, off in each channel."""
    gain = np.exp(rng.normal(0, spread))
    r, g, b = (float(np.clip(c * gain + rng.normal(0, spread * hue), 0.02, 1)) for c in colour)
    return r, g, b


def _smoothstep(field: torch.Tensor, low: float, high: float) -> torch.Tensor:
    s = ((field - low) / (high - low)).clamp_(0, 1)
    return s * s * (3 - 2 * s)


def _column(colour: Colour) -> torch.Tensor:
    return torch.tensor(colour, dtype=torch.float32)[:, None, None]


def surface(
    rng: np.random.Generator,
    h: int,
    w: int,
    colours: tuple[Colour, Colour, Colour],
    *,
    scale: float = 1.0,
    contrast: float = 0.3,
    vessels: float = 0.0,
    regular: float = 0.0,
    fine: tuple[str, ...] = FINE,
) -> Surface:
    """A textured surface of three colours: two mixed smoothly, the third in patches.

    `scale` grows with the area that the surface covers, `vessels` is the strength of a vessel tree (0 for none),
    `regular` the chance of stripes and rectangles, `fine` the noise of patches and detail.
    """
    mix = cut(rng, SMOOTH, h, w, scale * rng.uniform(0.3, 0.9))
    families = REGULAR if rng.random() < regular else (*SMOOTH, *fine)
    patches = cut(rng, families, h, w, scale * rng.uniform(0.4, 1.6), rng.choice([1, 1, 2, 4]))
    detail = cut(rng, fine, h, w, scale * rng.uniform(0.7, 2.0))
    first, second, third = (_column(c) for c in colours)
    colour = torch.lerp(first, second, _smoothstep(mix, 0.25, 0.75))
    edge = rng.uniform(0.35, 0.75)
    colour = torch.lerp(colour, third, rng.uniform(0.3, 1) * _smoothstep(patches, edge, edge + rng.uniform(0.05, 0.4)))
    colour = colour * (1 + contrast * (detail - 0.5) * 2)
    if vessels:
        tree = cut(rng, VESSELS, h, w, scale * rng.uniform(0.5, 1.2))
        dark = colour * torch.tensor([0.72, 0.38, 0.42])[:, None, None]
        colour = torch.lerp(colour, dark, vessels * tree)
    height = rng.uniform(0.3, 1) * mix + rng.uniform(0, 0.4) * patches + rng.uniform(0, 0.5) ** 2 * detail
    return Surface(colour.clamp_(0, 1), height)


def tissue(
    rng: np.random.Generator,
    h: int,
    w: int,
    name: str,
    *,
    scale: float = 1.0,
    spread: float = 0.15,
    vessels: float = 0.0,
    like: Colour | None = None,
) -> Surface:
    """A surface of the tissue palette `name`, or in the colours of what it lies on (`like`)."""
    base = tint(rng, name) if like is None else near(rng, like, 0.08)
    other = near(rng, base, 1.5 * spread, 0.15)
    if rng.random() < 0.25:
        other = tint(rng, str(rng.choice(["fat", "red mucosa", "serosa"])))
    colours = (base, near(rng, base, spread, 0.15), other)
    fine = ORGANIC if rng.random() < 0.85 else FINE
    contrast = rng.uniform(0.02, 0.3)
    return surface(rng, h, w, colours, scale=scale, contrast=contrast, vessels=vessels, fine=fine)


def anything(rng: np.random.Generator, h: int, w: int, *, scale: float = 1.0, like: Colour | None = None) -> Surface:
    """A surface from the world at large, or one `like` a given colour."""
    base = near(rng, like, 0.1) if like is not None else any_tint(rng)
    if rng.random() < 0.5:
        colours = (base, near(rng, base, 0.25), near(rng, base, 0.5))
    else:
        colours = (base, near(rng, base, 0.25), any_tint(rng))
    vessels = rng.uniform(0.3, 1) if rng.random() < 0.1 else 0.0
    contrast = rng.uniform(0, 0.8)
    return surface(rng, h, w, colours, scale=scale, contrast=contrast, vessels=vessels, regular=0.3)


def slopes(height: torch.Tensor, bump: float) -> torch.Tensor:
    """Slopes `[2, h, w]` (x, y) of a height field, scaled by `bump`."""
    result = torch.zeros(2, *height.shape)
    result[0, :, 1:-1] = height[:, :-2] - height[:, 2:]
    result[1, 1:-1] = height[:-2] - height[2:]
    return result.mul_(bump)
