"""What instruments are made of: brushed metal, plastic and ceramics, and the shafts that come in from the border."""

from collections.abc import Sequence

import numpy as np
import torch

from .canvas import Sprite, sprite
from .noise import cut
from .shapes import Shape, profile
from .textures import Colour, Surface, near

LOOKS: dict[str, Colour] = {
    "steel": (0.66, 0.68, 0.7),
    "dull steel": (0.45, 0.46, 0.48),
    "black": (0.07, 0.07, 0.08),
    "white": (0.85, 0.84, 0.8),
    "blue": (0.18, 0.3, 0.6),
    "gold": (0.72, 0.55, 0.25),
    "grey": (0.3, 0.3, 0.32),
    "green": (0.2, 0.5, 0.4),
    "red": (0.62, 0.16, 0.14),
    "violet": (0.42, 0.25, 0.55),
    "orange": (0.78, 0.42, 0.14),
}


def metal(rng: np.random.Generator, shape: Shape, look: str) -> Surface:
    """Brushed metal or plastic that mirrors bright and dark bands along a rounded body."""
    base = near(rng, LOOKS[look], 0.12)
    h, w = shape.distance.shape
    grain = cut(rng, ("fibre", "grain", "cloud"), h, w, rng.uniform(0.2, 0.8))
    turn = shape.slope[1] + 0.4 * shape.slope[0]
    strength = rng.uniform(0.1, 0.5) * (1.0 if "steel" in look or look == "gold" else 0.4)
    bands = torch.cos(turn * float(rng.uniform(2, 6)) + float(rng.uniform(-2, 2)))
    shade = (1 + strength * bands) * (1 + rng.uniform(0, 0.4) * (grain - 0.5))
    colour = torch.tensor(base)[:, None, None] * shade
    if rng.random() < 0.25:
        stain = cut(rng, ("cloud", "spots"), h, w, rng.uniform(0.3, 1))
        blood = torch.tensor([0.35, 0.05, 0.04])[:, None, None]
        colour = torch.lerp(colour, blood, ((stain - rng.uniform(0.5, 0.8)) * 5).clamp_(0, 0.8))
    return Surface(colour.clamp_(0, 1), grain)


def forged(rng: np.random.Generator, shape: Shape, look: str) -> Sprite:
    """A sprite of the material `look`."""
    gloss = {"black": 0.8, "white": 0.35, "blue": 0.35, "green": 0.35, "grey": 0.4}.get(look, 0.9)
    return sprite(shape, metal(rng, shape, look), bump=0.3, bulge=0.95, gloss=gloss * rng.uniform(0.6, 1.2))


def shaft(rng: np.random.Generator, look: str, collar: Sequence[str] = (), *, length: float = 48.0) -> Sprite:
    """The rod that comes in from the border: a collar of coloured bands behind the tip, at times rings, a tapered neck.

    `collar` names the bands' materials from the tip backwards; makers mark the kinds of their instruments so.
    """
    xs, widths = [-length, -6.0, -1.0, 0.0], [1.0, 1.0, 1.0, rng.uniform(0.6, 1.0)]
    shape = profile(xs, widths, rows=20, columns=192)
    piece = forged(rng, shape, look)
    x = torch.linspace(-shape.half[0], shape.half[0], 192)
    shade = piece.texture[:3].mean(0, keepdim=True) / piece.texture[:3].mean()
    end = -rng.uniform(0.2, 0.8)
    for band in collar:
        start = end - rng.uniform(1.8, 3.2)
        colour = torch.tensor(near(rng, LOOKS[band], 0.1))[:, None, None]
        piece.texture[:3] = torch.where(
            ((x > start) & (x < end))[None, None], (colour * shade).clamp(0, 1), piece.texture[:3]
        )
        end = start - rng.uniform(0.0, 0.6)
    for ring in rng.uniform(-16, 0, rng.integers(0, 4)):
        piece.texture[:3] *= torch.where((x - float(ring)).abs() < 0.18, 0.35, 1.0)
    return piece
