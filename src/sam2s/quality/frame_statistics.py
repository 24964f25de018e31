"""A frame in a dozen numbers: light, colour, texture and change, cheap enough to be taken of every frame."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

SAMPLES = 64
"""About so many rows of a picture are looked at, and as many columns as its shape has for that."""

TILES = 32
"""The change of structure is measured between pictures of TILES x TILES means."""

LIT = 16
"""Luminance that a pixel must have had at some time to lie inside the scope's border."""

FEATURELESS = 3.0
"""Standard deviation of luminance under which a picture has no structure that could change."""

Array = np.ndarray


class FrameStatistics(NamedTuple):
    """What is measured of a frame, over the pixels inside the scope's border.

    Attributes:
        bright: largest channel that all but 2 % of the pixels stay under, 0 to 255.
        haze: smallest channel that 20 % of the pixels stay under, by 255: smoke leaves no pixel dark or colourful.
        contrast: mean step of luminance between neighbouring samples, by 255.
        saturation: mean of (max - min) / max of the channels.
        tissue: share of the pixels whose red clearly exceeds green and blue.
        cool: share of the pixels that are clearly more blue or green than red.
        blood: share of the pixels of a deep red.
        sharpness: mean step of green over a few pixels by that over a fortieth of the width: 0 in a smooth ramp, 1 in
            noise.
        flat: share of the samples that equal their neighbours.
        columns: how far the picture consists of vertical bars, 0 to 1.
        change: difference to the frame before that 99 % of the samples stay under, 0 to 255; 255 on the first frame.
        turmoil: change of structure since the frame before that no shift of the picture explains, 0 to 2.
    """

    bright: float
    haze: float
    contrast: float
    saturation: float
    tissue: float
    cool: float
    blood: float
    sharpness: float
    flat: float
    columns: float
    change: float
    turmoil: float


class StatisticsMeter:
    """Measures one frame after another; it remembers the frame before, and which pixels were ever lit."""

    def __init__(self) -> None:
        self._before: Array | None = None
        self._tiles: Array | None = None
        self._lit: Array | None = None

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, as plain JSON."""
        return {name: None if (kept := getattr(self, name)) is None else kept.tolist() for name in _KEPT}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on as the meter that `state_dict` was taken of."""
        for name in _KEPT:
            setattr(self, name, None if state[name] is None else np.array(state[name], np.float32))

    def step(self, image: Array) -> FrameStatistics:
        """Measure the next frame, uint8 [H, W, 3] RGB."""
        small = sample_picture(image)
        grey = luminance(small)
        if self._before is None or self._before.shape != grey.shape:
            self._before = self._tiles = self._lit = None
        self._lit = grey if self._lit is None else np.maximum(self._lit * np.float32(0.9995), grey)
        inside = self._lit >= LIT
        if inside.mean() < 0.05:  # nothing was lit so far
            inside = np.ones_like(inside)
        before, self._before = self._before, grey
        change = 255.0 if before is None else float(np.percentile(np.abs(grey - before)[::2, ::2], 99))
        tiles = tile_means(grey)
        turmoil = 0.0 if self._tiles is None else unexplained_change(self._tiles, tiles)
        self._tiles = tiles
        across, down = np.abs(np.diff(grey, axis=1))[:-1], np.abs(np.diff(grey, axis=0))[:, :-1]
        steps, within = np.maximum(across, down), (inside[1:] & inside[:-1])[:, 1:] & inside[:-1, :-1]
        steps = steps[within] if within.any() else steps.ravel()
        colours = _colours(small[inside])
        return FrameStatistics(
            bright=float(np.percentile(small[inside].max(-1), 98)),
            contrast=float(steps.mean()) / 255,
            sharpness=_sharpness(image),
            flat=float((steps < 1.5).mean()),
            columns=_columns(grey),
            change=change,
            turmoil=turmoil,
            **colours,
        )


_KEPT = ("_before", "_tiles", "_lit")


def sample_picture(image: Array) -> Array:
    """Pixels at even distances of a picture uint8 [H, W, 3], about `SAMPLES` rows of them, as float32 [h, w, 3]."""
    step = max(1, min(image.shape[:2]) // SAMPLES)
    return image[step // 2 :: step, step // 2 :: step].astype(np.float32)


def luminance(picture: Array) -> Array:
    """Luminance [h, w] of a picture float32 [h, w, 3]."""
    return picture @ np.array([0.299, 0.587, 0.114], np.float32)


def tile_means(grey: Array) -> Array:
    """Means [TILES, TILES] of a picture [h, w]; fewer of a smaller one."""
    rows, columns = (np.linspace(0, n, min(TILES, n) + 1).astype(int) for n in grey.shape)
    sums = np.add.reduceat(np.add.reduceat(grey, rows[:-1], axis=0), columns[:-1], axis=1)
    return sums / (np.diff(rows)[:, None] * np.diff(columns)[None])


def unexplained_change(before: Array, now: Array) -> float:
    """One minus the correlation of two pictures [n, m] at the shift of up to an eighth that makes it largest."""
    a, b = before - before.mean(), now - now.mean()
    if min(a.std(), b.std()) < FEATURELESS:
        return 0.0
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    n, m = a.shape
    correlation = np.fft.irfft2(np.fft.rfft2(a, (2 * n, 2 * m)).conj() * np.fft.rfft2(b, (2 * n, 2 * m)))
    rows, columns = np.arange(-(n // 8), n // 8 + 1), np.arange(-(m // 8), m // 8 + 1)
    overlap = (1 - np.abs(rows) / n)[:, None] * (1 - np.abs(columns) / m)[None]
    return 1.0 - float((correlation[np.ix_(rows, columns)] / overlap).max()) / scale


def _colours(pixels: Array) -> dict[str, float]:
    """The statistics of colour of pixels float32 [N, 3]."""
    red, green, blue = pixels.T
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    other = np.maximum(green, blue)
    coloured = high - low > 12
    return {
        "haze": float(np.percentile(low, 20)) / 255,
        "saturation": float(((high - low) / np.maximum(high, 1)).mean()),
        "tissue": float((coloured & (red > 1.1 * other)).mean()),
        "cool": float((coloured & (other > 1.1 * red)).mean()),
        "blood": float(((red > 24) & (other < 0.35 * red)).mean()),
    }


def _sharpness(image: Array) -> float:
    """Fine by coarse steps along some rows of the full picture, whose fine detail a sample does not have."""
    height, width = image.shape[:2]
    rows = image[:: max(1, height // 24), :, 1].astype(np.int16)
    fine, coarse = max(1, width // 320), max(2, width // 40)
    if width <= 2 * coarse:
        return 1.0
    large = float(np.abs(rows[:, coarse:] - rows[:, :-coarse]).mean())
    if large < 0.5:
        return 0.0
    ramp = fine / coarse  # what is left of a step in a picture without any detail
    return (float(np.abs(rows[:, fine:] - rows[:, :-fine]).mean()) / large - ramp) / (1 - ramp)


def _columns(grey: Array) -> float:
    """Share of the variance of the upper half that lies between columns; 0 for a picture of one colour."""
    upper = grey[: max(1, grey.shape[0] // 2)]
    whole = float(upper.var())
    return float(upper.mean(0).var()) / whole if whole > 4 else 0.0
