"""Pictures of more than eight bits: which they are, how many of their bits are in use, and their way to eight."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sam2s.errors import PictureError

DEPTHS = (8, 10, 12, 14, 16)
"""Bits that cameras use."""
_BITS, _MAX_SAMPLE = 258, 281  # tags of TIFF
_HEAD = 1 << 12


def is_deep(image: Image.Image) -> bool:
    """Whether an opened picture has more than eight bits a channel."""
    if image.mode.startswith("I") or image.mode == "F":
        return True
    if image.format == "TIFF":
        bits: Any = image.tag_v2.get(_BITS, (8,))  # type: ignore[attr-defined]
        return max(bits if isinstance(bits, tuple) else (bits,)) > 8
    return image.format == "PNG" and any("16" in str(t[3]) for t in getattr(image, "tile", ()))


@dataclass(frozen=True)
class PixelDepth:
    """The value that becomes 255 when a deep picture is brought to eight bits.

    Attributes:
        white: the value; 0 stays 0.
        declared: whether the files say so, or it was measured.
    """

    white: float
    declared: bool

    def convert(self, pixels: np.ndarray) -> np.ndarray:
        """Bring pixels of any number type to uint8."""
        scaled = pixels * np.float32(255 / self.white)
        np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled)
        return scaled.astype(np.uint8)


def largest_value(pixels: np.ndarray, path: Path) -> float:
    """The largest value of a deep picture, if it has a depth."""
    low, high = float(pixels.min()), float(pixels.max())
    if not (low >= 0 and high <= 65535):  # also false for NaN
        raise PictureError(
            f"{path}: its pixels range from {low:g} to {high:g}; from 0 to 1, or to at most 65535, can be "
            "brought to 8 bits: scale the pictures of the video alike, and save them as 8 or 16 bits"
        )
    return high


def declared_bits(image: Image.Image, path: Path) -> int:
    """How many bits a deep picture says are in use, below 16; 0 where it says nothing."""
    if image.format == "PNG":
        with path.open("rb") as file:
            head = file.read(_HEAD)
        place = head.find(b"sBIT")
        length = struct.unpack(">I", head[place - 4 : place])[0] if place >= 4 else 0
        bits = max(head[place + 4 : place + 4 + length], default=0) if 1 <= length <= 4 else 0
        return bits if 8 <= bits < 16 else 0
    if image.format == "TIFF" and image.mode != "F":
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        each = tags.get(_BITS, 8)
        bits = max(each) if isinstance(each, tuple) else each
        limits = tags.get(_MAX_SAMPLE)
        limit = max(limits) if isinstance(limits, tuple) and limits else limits
        if isinstance(limit, int) and 255 <= limit < 1 << 16:
            bits = limit.bit_length()
        return bits if 8 < bits < 16 else 0
    return 0


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn an array as an EXIF orientation says."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
        orientation = {5: 1, 6: 2, 7: 3, 8: 4}.get(orientation, 1)
    rows, columns = {2: (1, -1), 3: (-1, -1), 4: (-1, 1)}.get(orientation, (1, 1))
    return pixels[::rows, ::columns]
