"""What of a video is to be hidden, and hiding it in a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from PIL import Image, ImageFilter

from sam2s.errors import ConfigError
from sam2s.video.event_kind import EventKind

from .event_detector import EventSpan

Cover = Literal["black", "blur"]

AREA_MARGIN = 4
"""Pixels that are hidden around an area that was given: a codec smears letters by a few."""

FRAME_CELLS, AREA_CELLS = 12, 3
"""A blurred frame keeps the means of so many cells along its longer side, a blurred area of so many: no letters."""


@dataclass(frozen=True)
class HiddenSpan:
    """Frames `start` to `stop` - 1 that are hidden as a whole, and why."""

    start: int
    stop: int
    reason: str


@dataclass(frozen=True)
class HiddenArea:
    """Pixels that are hidden in every frame: columns `x0` to `x1` - 1, rows `y0` to `y1` - 1."""

    x0: int
    y0: int
    x1: int
    y1: int

    def grown(self, size: tuple[int, int], margin: int = AREA_MARGIN) -> HiddenArea:
        """With a margin on all sides, in even numbers, as pixels share their colour by two; within (H, W)."""
        height, width = size
        x0, y0 = (max(0, n - margin) // 2 * 2 for n in (self.x0, self.y0))
        x1, y1 = (-(-(n + margin) // 2) * 2 for n in (self.x1, self.y1))
        return HiddenArea(x0, y0, min(width, x1), min(height, y1))


def check_areas(areas: Iterable[HiddenArea], size: tuple[int, int]) -> None:
    """Refuse areas that do not lie in a picture of size (H, W).

    Raises:
        ConfigError: one is empty or reaches out of the picture.
    """
    for area in areas:
        if not (0 <= area.x0 < area.x1 <= size[1] and 0 <= area.y0 < area.y1 <= size[0]):
            raise ConfigError(
                f"area {area.x0},{area.y0},{area.x1},{area.y1} does not lie in the picture of {size[1]}x{size[0]}; "
                "give --area x0,y0,x1,y1 with x0 < x1 and y0 < y1, in pixels from the upper left"
            )


def spans_to_hide(
    events: Iterable[EventSpan], rate: Fraction | float | None, margin: float, length: int
) -> list[HiddenSpan]:
    """Out-of-body spans with a margin before and after; what lies between two that then touch is hidden too.

    Args:
        events: of any kind.
        rate: frames a second; where nobody knows, 25 is taken for it.
        margin: seconds.
        length: frames of the video.
    """
    frames = math.ceil(margin * float(rate or 25))
    hidden: list[HiddenSpan] = []
    for event in sorted(events, key=lambda event: event.start):
        if event.kind is not EventKind.OUT_OF_BODY:
            continue
        start, stop = max(0, event.start - frames), min(length, event.stop + frames)
        if hidden and start <= hidden[-1].stop:
            hidden[-1] = HiddenSpan(hidden[-1].start, max(hidden[-1].stop, stop), EventKind.OUT_OF_BODY)
        else:
            hidden.append(HiddenSpan(start, stop, EventKind.OUT_OF_BODY))
    return hidden


def hide(
    image: np.ndarray, index: int, spans: Sequence[HiddenSpan], areas: Sequence[HiddenArea], cover: Cover
) -> np.ndarray:
    """A frame uint8 [H, W, 3] as it may be seen: all of it is covered within a span, else the areas are."""
    if any(span.start <= index < span.stop for span in spans):
        return covered(image, cover)
    if not areas:
        return image
    image = image.copy()
    for area in areas:
        window = image[area.y0 : area.y1, area.x0 : area.x1]
        window[:] = covered(window, cover, AREA_CELLS)
    return image


def covered(image: np.ndarray, cover: Cover, most: int = FRAME_CELLS) -> np.ndarray:
    """A picture uint8 [H, W, 3] that is black, or of which nothing but `most` means along its longer side is left."""
    if cover == "black":
        return np.zeros_like(image)
    height, width = image.shape[:2]
    cell = max(height, width) / most
    cells = max(1, round(width / cell)), max(1, round(height / cell))
    means = Image.fromarray(np.ascontiguousarray(image)).resize(cells, Image.Resampling.BOX)
    soft = means.resize((width, height), Image.Resampling.BILINEAR).filter(ImageFilter.GaussianBlur(cell / 4))
    return np.asarray(soft)
