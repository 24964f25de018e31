"""Labels of objects: placed clear of each other, and steady from frame to frame of a video."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sam2s.masks.layer import OverlayLayer
from sam2s.masks.palette import display_color

_GLASS = (16, 18, 24, 185)  # background of a label, RGBA
_SHAPE_SCALE = 4  # rounded corners are drawn this much larger, then reduced
_GLIDE = 0.3  # share of the way to its best place that a label goes in a frame of a video
_FRINGE = 0.005  # share of a mask at its top and bottom that labels may ignore: specks should not attract them

Places = dict[int, tuple[int, float, float]]
"""Where labels stood on the frame before, by object: side of the object, and (x, y) of the top-left corner."""


_Spot = tuple[int | None, tuple[int, int]]


class LabelAnchor(NamedTuple):
    """Where a mask can be pointed at: (x, y) of its top, bottom and middle, and the x range it spans."""

    top: tuple[int, int]
    bottom: tuple[int, int]
    middle: tuple[int, int]
    left: int
    right: int


def anchor_of(part: np.ndarray, x0: int, y0: int) -> LabelAnchor:
    """Where a mask can be pointed at; `part` is its box, whose top left corner is (x0, y0)."""
    filled = np.cumsum(np.count_nonzero(part, axis=1))
    top, middle, bottom = np.searchsorted(filled, filled[-1] * np.array([_FRINGE, 0.5, 1 - _FRINGE]))

    def spot(row: int, rows: slice) -> tuple[int, int]:
        columns = np.flatnonzero(part[rows].any(0))
        return x0 + int(columns[columns.size // 2]), y0 + int(row)

    return LabelAnchor(
        spot(top, np.s_[: top + 1]),
        spot(bottom, np.s_[bottom:]),
        spot(middle, np.s_[middle : middle + 1]),
        x0,
        x0 + part.shape[1],
    )


def write_labels(
    canvas: np.ndarray, layers: Sequence[OverlayLayer], anchors: Sequence[LabelAnchor | None], size: int, places: Places
) -> None:
    """Write a label for each layer; `anchors` has None for empty masks. See `sam2s.masks.overlay.draw`."""
    shown = [(layer, anchor) for layer, anchor in zip(layers, anchors, strict=True) if anchor is not None]
    absent = [layer for layer, anchor in zip(layers, anchors, strict=True) if anchor is None]
    for layer in absent:
        places.pop(layer.object_id, None)
    taken: list[tuple[int, int, int, int]] = []
    # Labels that have a place keep it before others choose; those go from top to bottom.
    for layer, anchor in sorted(shown, key=lambda pair: (pair[0].object_id not in places, pair[1].top[1])):
        state = "" if layer.state == "visible" else layer.state.replace("_", " ")
        note = state if layer.presence is None else f"{state} {100 * layer.presence:.0f}%"
        chip = _chip(_title(layer), note.strip(), display_color(layer.object_id), size)
        spots = _spots(anchor, *chip.shape[:2])
        side = _place(canvas, chip, spots, taken, places.get(layer.object_id))
        if side is not None:
            places[layer.object_id] = side, *taken[-1][:2]
    for layer in absent[::-1]:  # stacked from the bottom left, the first one on top
        state = "absent" if layer.state == "visible" else layer.state.replace("_", " ")
        _place(canvas, _chip(_title(layer), state, display_color(layer.object_id), size), [], taken)


def _title(layer: OverlayLayer) -> str:
    return f"{layer.object_id} {layer.name}" if layer.name else str(layer.object_id)


def _spots(anchor: LabelAnchor, h: int, w: int) -> list[tuple[int, int]]:
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
    canvas: np.ndarray,
    chip: np.ndarray,
    spots: list[tuple[int, int]],
    taken: list[tuple[int, int, int, int]],
    before: tuple[int, float, float] | None = None,
) -> int | None:
    """Blend a label in at the first free spot within the frame, else where there is room; without room leave it out.

    Returns:
        Which of the spots it was, pushed into the frame if need be; None for anywhere else.
    """
    height, width = canvas.shape[:2]
    h, w = chip.shape[:2]
    gap = h // 4
    lowest, rightmost = height - h - gap, width - w - gap

    def pushed(x: float, y: float) -> tuple[int, int]:
        return round(min(max(x, gap), rightmost)), round(min(max(y, gap), lowest))

    within = [gap <= y <= lowest and -w < 2 * x < 2 * width - w for x, y in spots]
    good: list[_Spot] = [(side, pushed(*spot)) for side, spot in enumerate(spots) if within[side]]
    shifted: list[_Spot] = [(side, pushed(*spots[side])) for side in reversed(range(len(spots)))]
    anywhere: list[_Spot] = [
        (None, (x, y)) for x in range(gap, rightmost + 1, w + gap) for y in range(lowest, gap - 1, -h - gap)
    ]
    kept: list[_Spot] = []
    if before is not None and within[before[0]]:
        side, *was = before
        dx, dy = spots[side][0] - was[0], spots[side][1] - was[1]
        if abs(dx) < 2 * w and abs(dy) < 6 * h:  # farther: the object was lost and found elsewhere
            kept = [(side, pushed(was[0] + _GLIDE * dx, was[1] + _GLIDE * dy))]
    for spot, (x, y) in kept + good + shifted + anywhere:
        clear = all(x >= x1 or x + w <= x0 or y >= y1 or y + h <= y0 for x0, y0, x1, y1 in taken)
        if x < 0 or y < 0 or not clear:
            continue
        taken.append((x, y, x + w, y + h))
        region = canvas[y : y + h, x : x + w]
        alpha = chip[..., 3:].astype(np.uint16)
        region[...] = (region * (255 - alpha) + chip[..., :3] * alpha + 127) // 255
        return spot
    return None


@lru_cache(maxsize=1024)
def _chip(title: str, note: str, color: tuple[int, int, int], size: int) -> np.ndarray:
    """A label as uint8 RGBA [h, w, 4]: dark glass, a dot in the object's colour, the title, a small grey note."""
    regular, small = font(size), font(max(8, round(size * 0.8)))
    pad, dot = round(size * 0.5), round(size * 0.62)
    title_width = math.ceil(regular.getlength(title))
    note_width = math.ceil(small.getlength(note)) + pad if note else 0
    height = round(size * 1.6)
    width = pad + dot + pad + title_width + note_width + pad
    chip = Image.new("RGBA", (width, height), _GLASS)
    pen = ImageDraw.Draw(chip)
    pen.text((pad + dot + pad, height / 2), title, (255, 255, 255, 255), regular, anchor="lm")
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
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font of pictures, size in pixels."""
    return ImageFont.load_default(size)
