"""Masks drawn on pictures for people: translucent fill, smooth outline, a label that stays clear of the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.special import ndtri

from sam2s.masks.labels import LabelAnchor, Places, anchor_of, font, write_labels
from sam2s.masks.layer import OverlayLayer
from sam2s.masks.palette import display_color

GROUND = (22, 24, 29)
"""Colour of a contact sheet behind its pictures."""

_HALO = 0.45  # opacity of the dark rim that keeps outlines visible on bright ground
_STRIP = 48  # rows painted together


def draw(
    image: np.ndarray,
    layers: Iterable[OverlayLayer],
    *,
    opacity: float = 0.38,
    labels: bool = True,
    thickness: float | None = None,
    places: Places | None = None,
) -> np.ndarray:
    """Draw objects on a picture; the input is left as it is.

    Args:
        image: uint8 [H, W, 3], RGB.
        layers: objects, drawn in order; objects with an empty mask are listed at the bottom left.
        opacity: of the fill, 0 (outline alone) to 1.
        labels: whether to write ids and names.
        thickness: of the outline in pixels; by default it grows with the picture.
        places: for videos: one dict, empty at first, for all frames. Labels then stay on the side of their object where
            they stood as long as it is free, and glide instead of jumping.

    Returns:
        uint8 [H, W, 3].
    """
    canvas = np.array(image, dtype=np.uint8)
    shorter = min(canvas.shape[:2])
    thickness = max(1.4, shorter / 260) if thickness is None else thickness
    text_size = max(10, round(shorter / 34))
    layers = list(layers)
    anchors = [_paint(canvas, layer, thickness, opacity) for layer in layers]
    if labels:
        write_labels(canvas, layers, anchors, text_size, {} if places is None else places)
    return canvas


def contact_sheet(
    images: Sequence[np.ndarray], labels: Sequence[str], *, columns: int | None = None, width: int = 480, gap: int = 8
) -> np.ndarray:
    """Lay pictures out in a grid on dark ground, a caption under each.

    Args:
        images: uint8 [H, W, 3] each, of any sizes; one is scaled to `width` pixels.
        labels: captions, one per picture.
        columns: pictures in a row; by default the sheet becomes about as wide as 16:9.
    """
    if len(images) != len(labels) or not images:
        raise ValueError(
            f"a contact sheet needs one label per picture, got {len(images)} pictures, {len(labels)} labels"
        )
    caption = max(14, width // 24)
    heights = [round(image.shape[0] * width / image.shape[1]) for image in images]
    cell = max(heights) + 2 * caption
    columns = columns or min(len(images), max(1, round(math.sqrt(len(images) * 16 / 9 * cell / width))))
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * (width + gap) + gap, rows * (cell + gap) + gap), GROUND)
    pen = ImageDraw.Draw(sheet)
    for number, (image, label, height) in enumerate(zip(images, labels, heights, strict=True)):
        x = gap + number % columns * (width + gap)
        y = gap + number // columns * (cell + gap)
        sheet.paste(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS), (x, y))
        pen.text((x + 2, y + height + caption), label, (225, 228, 234), font(caption), anchor="lm")
    return np.asarray(sheet)


def _paint(canvas: np.ndarray, layer: OverlayLayer, thickness: float, opacity: float) -> LabelAnchor | None:
    """Blend fill and outline into the canvas; return where a label may point, or None when the mask is empty.

    A mask blurred with a Gaussian tells, near its edge, the distance to the edge. So the whole profile from the dark
    rim over the outline to the fill is one table from blurred value to colour and opacity, free of pixel stairs.
    """
    mask = layer.mask
    if mask.shape != canvas.shape[:2]:
        raise ValueError(f"mask of object {layer.object_id} is {mask.shape}, the picture {canvas.shape[:2]}")
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    x0, y0, x1, y1 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    sigma = 0.5 + thickness / 2
    keep, paint = _profile(display_color(layer.object_id), sigma, thickness, opacity)
    for top, bottom, left, right, reach in _areas(mask, (x0, y0, x1, y1), sigma):
        region = canvas[top:bottom, left:right]
        if not reach:  # all is deep inside
            region = region.reshape(bottom - top, -1)  # long rows are quicker than threes
            blend = np.multiply(region, keep[255, 0], dtype=np.uint16)
            blend += np.tile(paint[255], right - left)
        else:
            y, x = max(top - reach, 0), max(left - reach, 0)
            inside = np.multiply(mask[y : bottom + reach, x : right + reach], 255, dtype=np.uint8)
            soft = np.array(Image.fromarray(inside).filter(ImageFilter.GaussianBlur(sigma)))
            np.maximum(soft, inside >> 1, out=soft)  # thin shafts and tips, which the blur would lose, become outline
            soft = soft[top - y : bottom - y, left - x : right - x]
            blend = keep.take(soft, axis=0)
            blend *= region
            blend += paint.take(soft, axis=0)
        blend >>= 8
        region[...] = blend
    return anchor_of(mask[y0:y1, x0:x1], x0, y0)


def _areas(mask: np.ndarray, box: tuple[int, int, int, int], sigma: float) -> Iterator[tuple[int, int, int, int, int]]:
    """Where a mask that fills a box changes the picture, as rectangles: only those near its edge need the blur.

    Yields:
        Top, bottom, left, right, and how far the blur reaches there: 0 where all is deep inside.
    """
    reach = math.ceil(3 * sigma) + 2
    height, width = mask.shape
    x0, y0, x1, y1 = box
    lowest = min(y1 + reach, height)
    for top in range(max(y0 - reach, 0), lowest, _STRIP):
        bottom = min(top + _STRIP, lowest)
        part = mask[max(top - reach, 0) : bottom + reach, x0:x1]
        some, every = np.zeros((2, width), np.uint8)
        some[x0:x1], every[x0:x1] = part.any(0), part.all(0)
        span = 2 * reach + 1
        kind = maximum_filter1d(some, span, mode="nearest") + minimum_filter1d(every, span, mode="nearest")
        cuts = [0, *(np.flatnonzero(np.diff(kind)) + 1).tolist(), width]
        for left, right in pairwise(cuts):
            if kind[left]:
                yield top, bottom, left, right, reach if kind[left] == 1 else 0


@lru_cache(maxsize=512)
def _profile(
    color: tuple[int, int, int], sigma: float, thickness: float, opacity: float
) -> tuple[np.ndarray, np.ndarray]:
    """Tables over the blurred value, uint16 [256, 3]: 256ths of the picture that stay, and what is added."""
    distance = sigma * ndtri(np.linspace(0, 1, 256).clip(1e-4, 1 - 1e-4))  # pixels from the edge, positive inside
    half = thickness / 2
    line = np.clip(half + 0.5 - abs(distance), 0, 1)
    fill = opacity * np.clip(distance + 0.5, 0, 1)
    rim = _HALO * np.clip(1 + (distance + half) / (half + 1), 0, 1) * (distance < 0)
    rim[0] = 0
    paint = np.zeros((256, 3))
    keep = 1 - rim
    for alpha in (fill, line):
        paint = paint * (1 - alpha[:, None]) + alpha[:, None] * color
        keep = keep * (1 - alpha)
    kept = np.floor(keep * 256)
    return np.repeat(kept[:, None], 3, 1).astype(np.uint16), np.floor(paint * 256).clip(
        0, 65535 - 255 * kept[:, None]
    ).astype(np.uint16)
