"""Masks drawn on pictures for people: translucent fill, smooth outline, a label that stays clear of the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy.special import ndtri

from sam2s.masks.palette import display_color

_HALO = 0.45  # opacity of the dark rim that keeps outlines visible on bright ground
_GLASS = (16, 18, 24, 185)  # background of a label, RGBA
_SHAPE_SCALE = 4  # rounded corners are drawn this much larger, then reduced
_FRINGE = 0.005  # share of a mask at its top and bottom that labels may ignore: specks should not attract them


class _Anchor(NamedTuple):
    """Where a mask can be pointed at: (x, y) of its top, bottom and middle, and the x range it spans."""

    top: tuple[int, int]
    bottom: tuple[int, int]
    middle: tuple[int, int]
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One object to draw.

    Attributes:
        object_id: chooses the colour and stands first in the label.
        mask: bool [H, W]; may be empty.
        name: what the object is called, or None.
        state: a word for the label when it is not "visible".
        presence: probability that the object is visible, shown small as a percentage, or None.
    """

    object_id: int
    mask: np.ndarray
    name: str | None = None
    state: str = "visible"
    presence: float | None = None


def draw(
    image: np.ndarray,
    layers: Iterable[Layer],
    *,
    opacity: float = 0.38,
    labels: bool = True,
    thickness: float | None = None,
    text_size: int | None = None,
) -> np.ndarray:
    """Draw objects on a picture; the input is left as it is.

    Args:
        image: uint8 [H, W, 3], RGB.
        layers: objects, drawn in order; objects with an empty mask are listed at the bottom left.
        opacity: of the fill, 0 (outline alone) to 1.
        labels: whether to write ids and names.
        thickness: of the outline in pixels; by default it grows with the picture.
        text_size: of labels in pixels; by default it grows with the picture.

    Returns:
        uint8 [H, W, 3].
    """
    canvas = np.array(image, dtype=np.uint8)
    shorter = min(canvas.shape[:2])
    thickness = max(1.4, shorter / 260) if thickness is None else thickness
    text_size = max(10, round(shorter / 34)) if text_size is None else text_size
    layers = list(layers)
    anchors = [_paint(canvas, layer, thickness, opacity) for layer in layers]
    if labels:
        _write_labels(canvas, layers, anchors, text_size)
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
    sheet = Image.new("RGB", (columns * (width + gap) + gap, rows * (cell + gap) + gap), (22, 24, 29))
    pen = ImageDraw.Draw(sheet)
    for number, (image, label, height) in enumerate(zip(images, labels, heights, strict=True)):
        x = gap + number % columns * (width + gap)
        y = gap + number // columns * (cell + gap)
        sheet.paste(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS), (x, y))
        pen.text((x + 2, y + height + caption), label, (225, 228, 234), _font(caption), anchor="lm")
    return np.asarray(sheet)


# ---------------------------------------------------------------------------------------------------------- one object


def _paint(canvas: np.ndarray, layer: Layer, thickness: float, opacity: float) -> _Anchor | None:
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
    margin = math.ceil(3 * sigma)
    window = np.s_[max(y0 - margin, 0) : y1 + margin, max(x0 - margin, 0) : x1 + margin]
    inside = np.multiply(mask[window], 255, dtype=np.uint8)
    soft = np.array(Image.fromarray(inside).filter(ImageFilter.GaussianBlur(sigma)))
    np.maximum(soft, inside >> 1, out=soft)  # what the blur would lose, thin shafts and tips, is drawn as outline
    keep, paint = _profile(display_color(layer.object_id), sigma, thickness, opacity)
    region = canvas[window]
    region[...] = (region * keep.take(soft)[..., None] + paint.take(soft, axis=0)) >> 8
    return _anchor(mask[y0:y1, x0:x1], x0, y0)


def _anchor(part: np.ndarray, x0: int, y0: int) -> _Anchor:
    filled = np.cumsum(np.count_nonzero(part, axis=1))
    top, middle, bottom = np.searchsorted(filled, filled[-1] * np.array([_FRINGE, 0.5, 1 - _FRINGE]))

    def spot(row: int, rows: slice) -> tuple[int, int]:
        columns = np.flatnonzero(part[rows].any(0))
        return x0 + int(columns[columns.size // 2]), y0 + int(row)

    return _Anchor(
        spot(top, np.s_[: top + 1]),
        spot(bottom, np.s_[bottom:]),
        spot(middle, np.s_[middle : middle + 1]),
        x0,
        x0 + part.shape[1],
    )


@lru_cache(maxsize=512)
def _profile(
    color: tuple[int, int, int], sigma: float, thickness: float, opacity: float
) -> tuple[np.ndarray, np.ndarray]:
    """Tables over the blurred value: 256ths of the picture that stay, uint16 [256], and what is added, [256, 3]."""
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
    return kept.astype(np.uint16), np.floor(paint * 256).clip(0, 65535 - 255 * kept[:, None]).astype(np.uint16)


# -------------------------------------------------------------------------------------------------------------- labels


def _write_labels(canvas: np.ndarray, layers: Sequence[Layer], anchors: Sequence[_Anchor | None], size: int) -> None:
    taken: list[tuple[int, int, int, int]] = []
    absent = []
    for layer, anchor in sorted(zip(layers, anchors, strict=True), key=lambda pair: pair[1].top[1] if pair[1] else 0):
        if anchor is None:
            absent.append(layer)
            continue
        state = "" if layer.state == "visible" else layer.state.replace("_", " ")
        note = state if layer.presence is None else f"{state} {100 * layer.presence:.0f}%"
        chip = _chip(_title(layer), note.strip(), display_color(layer.object_id), size)
        _place(canvas, chip, _spots(anchor, *chip.shape[:2]), taken)
    for layer in absent[::-1]:  # stacked from the bottom left, the first one on top
        state = "absent" if layer.state == "visible" else layer.state.replace("_", " ")
        _place(canvas, _chip(_title(layer), state, display_color(layer.object_id), size), [], taken)


def _title(layer: Layer) -> str:
    return f"{layer.object_id} {layer.name}" if layer.name else str(layer.object_id)


def _spots(anchor: _Anchor, h: int, w: int) -> list[tuple[int, int]]:
    """Top-left corners for a label, best first: above, below, right, left, on the object."""
    gap = h // 3
    (tx, ty), (bx, by), (mx, my) = anchor.top, anchor.bottom, anchor.middle
    return [
        (tx - w // 2, ty - h - gap),
        (bx - w // 2, by + gap),
        (anchor.right + gap, my - h // 2),
        (anchor.left - w - gap, my - h // 2),
        (mx - w // 2, my - h // 2),
    ]


def _place(
    canvas: np.ndarray, chip: np.ndarray, spots: list[tuple[int, int]], taken: list[tuple[int, int, int, int]]
) -> None:
    """Blend a label in at the first free spot within the frame, else where there is room; without room leave it out."""
    height, width = canvas.shape[:2]
    h, w = chip.shape[:2]
    gap = h // 4
    lowest, rightmost = height - h - gap, width - w - gap
    good = [(min(max(x, gap), rightmost), y) for x, y in spots if gap <= y <= lowest and -w < 2 * x < 2 * width - w]
    shifted = [(min(max(x, gap), rightmost), min(max(y, gap), lowest)) for x, y in spots[::-1]]
    anywhere = [(x, y) for x in range(gap, rightmost + 1, w + gap) for y in range(lowest, gap - 1, -h - gap)]
    for x, y in good + shifted + anywhere:
        clear = all(x >= x1 or x + w <= x0 or y >= y1 or y + h <= y0 for x0, y0, x1, y1 in taken)
        if x < 0 or y < 0 or not clear:
            continue
        taken.append((x, y, x + w, y + h))
        region = canvas[y : y + h, x : x + w]
        alpha = chip[..., 3:].astype(np.uint16)
        region[...] = (region * (255 - alpha) + chip[..., :3] * alpha + 127) // 255
        return


@lru_cache(maxsize=1024)
def _chip(title: str, note: str, color: tuple[int, int, int], size: int) -> np.ndarray:
    """A label as uint8 RGBA [h, w, 4]: dark glass, a dot in the object's colour, the title, a small grey note."""
    font, small = _font(size), _font(max(8, round(size * 0.8)))
    pad, dot = round(size * 0.5), round(size * 0.62)
    title_width = math.ceil(font.getlength(title))
    note_width = math.ceil(small.getlength(note)) + pad if note else 0
    height = round(size * 1.6)
    width = pad + dot + pad + title_width + note_width + pad
    chip = Image.new("RGBA", (width, height), _GLASS)
    pen = ImageDraw.Draw(chip)
    pen.text((pad + dot + pad, height / 2), title, (255, 255, 255, 255), font, anchor="lm")
    if note:
        pen.text((width - pad, height / 2), note, (190, 196, 206, 255), small, anchor="rm")
    top = (height - dot) / 2
    chip.paste((*color, 255), mask=_rounded((width, height), (pad, top, pad + dot, top + dot), dot / 2))
    body = _rounded((width, height), (0, 0, width, height), height * 0.3)
    glass = np.array(chip)
    glass[..., 3] = glass[..., 3].astype(np.uint16) * np.asarray(body) // 255
    return glass


def _rounded(size: tuple[int, int], box: tuple[float, float, float, float], radius: float) -> Image.Image:
    """A smooth rounded rectangle as an 8-bit mask of the given (width, height)."""
    k = _SHAPE_SCALE
    shape = Image.new("L", (size[0] * k, size[1] * k))
    x0, y0, x1, y1 = (k * value for value in box)
    ImageDraw.Draw(shape).rounded_rectangle((x0, y0, x1 - 1, y1 - 1), radius * k, fill=255)
    return shape.reduce(k)


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
