"""From a decoded picture in the codec's own colours to an upright RGB array."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import VideoReformatter

# Pixels still flatter than this are a mistake of the header.
_FLATTEST = Fraction(1, 8)


class RgbConverter:
    """Converts pictures of one stream; what the first one says about rotation and size holds for all.

    A picture of another size (a stream may change it half-way) is scaled to the first one's. Not thread-safe: it keeps
    the scaler between calls.

    Attributes:
        size: (height, width) of the upright picture.
    """

    def __init__(self, first: Any, stretch: Fraction = Fraction(1), scale: Fraction = Fraction(1)) -> None:
        """Look at the first picture; `stretch` widens all, before they are turned, `scale` makes them smaller."""
        self._coded = (max(1, round(first.width * stretch * scale)), max(1, round(first.height * scale)))
        self._matrix = display_matrix(first)
        self._reformatter = VideoReformatter()
        self.size = self._coded if self.turned else self._coded[::-1]

    @property
    def turned(self) -> bool:
        """Whether pictures lie on their side in the file."""
        return bool(abs(self._matrix[0, 1]) > abs(self._matrix[0, 0]))

    def __call__(self, picture: Any) -> np.ndarray:
        """Convert a picture to uint8 [H, W, 3]."""
        width, height = self._coded
        rgb = self._reformatter.reformat(picture, width, height, "rgb24").to_ndarray()
        # The matrix sends source (x, y) to (a x + c y, b x + d y); cameras use the eight turns and mirrors only.
        (a, b), (c, d) = self._matrix
        if self.turned:
            rgb, a, d = rgb.transpose(1, 0, 2), c, b
        return np.ascontiguousarray(rgb[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def display_matrix(picture: Any) -> np.ndarray:
    """The 2x2 part of the display matrix that says how a picture has to be turned; identity where there is none."""
    data = picture.side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return np.eye(2)
    return np.frombuffer(bytes(data), np.int32).reshape(3, 3)[:2, :2].astype(float)


def pixel_aspect_of(stream: Any) -> Fraction:
    """Width of a stored pixel by its height as a stream says it; 1 where it says nothing or nonsense."""
    aspect: Fraction | None = stream.sample_aspect_ratio
    return aspect if aspect and _FLATTEST <= aspect <= 1 / _FLATTEST else Fraction(1)
