"""The operating theatre as a scope sees it outside of the body: drapes, lamps, gloves, skin, screens."""

import colorsys
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from .noise import cut
from .textures import near, surface, tint

SIDE = 384
Array = NDArray[np.uint8]


class Theatre:
    """One view of the room through which the scope swings; a seed decides it, and any frame can be drawn."""

    def __init__(self, seed: int, size: int) -> None:
        rng = np.random.default_rng((seed, 8))
        self.size = size
        self._room = self._built(rng)
        self._phase, self._speed = rng.uniform(0, 6, 3), rng.uniform(0.02, 0.2, 3)
        self._soft = float(rng.choice([0.0, 1.0, 3.0])) * size / 256
        self._gain = float(rng.uniform(0.75, 1.5))

    def render(self, t: int) -> tuple[Array, Array]:
        """Frame `t`: picture uint8 [S, S, 3] and empty labels [S, S]."""
        x, y, turn = np.sin(self._phase + self._speed * t)
        side = SIDE * 0.6
        left, top = (SIDE - side) / 2 * (1 + x), (SIDE - side) / 2 * (1 + y)
        view = self._room.rotate(8 * turn, Image.Resampling.BILINEAR).crop((left, top, left + side, top + side))
        picture = view.resize((self.size, self.size), Image.Resampling.BILINEAR)
        if self._soft:
            picture = picture.filter(ImageFilter.GaussianBlur(float(self._soft)))
        pixels = np.clip(np.asarray(picture) * self._gain, 0, 255).astype(np.uint8)
        return pixels, np.zeros((self.size, self.size), np.uint8)

    def _built(self, rng: np.random.Generator) -> Image.Image:
        room = self._cloth(rng, _drape(rng))
        for _ in range(int(rng.integers(2, 6))):  # cloths that overlap
            corners = [tuple(p) for p in rng.uniform(-0.2, 1.2, (4, 2)) * SIDE]
            room.paste(self._cloth(rng, _drape(rng)), mask=_shape("polygon", corners, 1.5))
        if rng.random() < 0.35:  # the skin of the belly, with which colour alone cannot tell inside from outside
            box = _box(rng, 0.25, 0.55)
            skin = self._cloth(rng, tint(rng, "pale mucosa"))
            room.paste(skin, mask=_shape("ellipse", box, 6))
        for _ in range(int(rng.integers(0, 3))):  # hands in gloves
            glove = near(rng, (0.85, 0.82, 0.74) if rng.random() < 0.5 else (0.35, 0.5, 0.75), 0.1)
            box = _box(rng, 0.12, 0.3)
            room.paste(self._cloth(rng, glove), mask=_shape("ellipse", box, 3))
        for _ in range(int(rng.integers(0, 3))):  # lamps and screens
            box, round_ = _box(rng, 0.04, 0.16), rng.random() < 0.6
            light = Image.new("RGB", (SIDE, SIDE), (255, 255, 250) if round_ else (40, 60, 90))
            outline = _shape("ellipse", box, 4) if round_ else _shape("rectangle", box, 1)
            room.paste(light, mask=outline)
        return room

    def _cloth(self, rng: np.random.Generator, colour: tuple[float, float, float]) -> Image.Image:
        shades = (colour, near(rng, colour, 0.08, 0.05), near(rng, colour, 0.15, 0.05))
        weave = surface(rng, SIDE, SIDE, shades, contrast=rng.uniform(0.02, 0.15), fine=("grain", "fibre"))
        folds = 0.7 + 0.6 * cut(rng, ("cloud", "ridge"), SIDE, SIDE, rng.uniform(0.3, 0.9))
        pixels = (weave.colour * folds).clamp(0, 1).mul(255).to(torch.uint8).permute(1, 2, 0)
        return Image.fromarray(pixels.contiguous().numpy())


def _drape(rng: np.random.Generator) -> tuple[float, float, float]:
    """Blue, green, grey or white, as drapes, floors and walls are."""
    hue, saturation, value = {
        "blue": (rng.uniform(195, 225), rng.uniform(0.2, 0.65), rng.uniform(0.3, 0.85)),
        "green": (rng.uniform(140, 180), rng.uniform(0.15, 0.5), rng.uniform(0.3, 0.75)),
        "grey": (rng.uniform(20, 260), rng.uniform(0, 0.12), rng.uniform(0.15, 0.7)),
        "white": (rng.uniform(20, 260), rng.uniform(0, 0.08), rng.uniform(0.75, 1.0)),
    }[str(rng.choice(["blue", "green", "grey", "white"], p=[0.4, 0.25, 0.2, 0.15]))]
    return colorsys.hsv_to_rgb(hue / 360, saturation, value)


def _box(rng: np.random.Generator, low: float, high: float) -> list[float]:
    (x, y), (rx, ry) = rng.uniform(0.1, 0.9, 2) * SIDE, rng.uniform(low, high, 2) * SIDE
    return [x - rx, y - ry, x + rx, y + ry]


def _shape(kind: Literal["polygon", "ellipse", "rectangle"], place: Sequence[Any], soft: float) -> Image.Image:
    mask = Image.new("L", (SIDE, SIDE))
    getattr(ImageDraw.Draw(mask), kind)(place, 255)
    return mask.filter(ImageFilter.GaussianBlur(soft))
