"""One decoded picture, and what every source of pictures offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, runtime_checkable

import numpy as np

from sam2s.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture and its name.

    Attributes:
        image: uint8 [H, W, 3], RGB, upright (rotation metadata already applied).
        index: position in presentation order, counted from 0 at the first frame the stream holds.
        pts: exact presentation time in seconds, or None where the source has no clock (a folder of images).
    """

    image: np.ndarray
    index: int
    pts: Fraction | None = None


@runtime_checkable
class VideoSource(Protocol):
    """Anything that yields frames in order: a file, a folder, an array, a camera.

    Attributes:
        name: short name for people and for output files.
        size: (height, width) in pixels.
        fps: frames a second as an exact fraction, or None where unknown.
        length: number of frames where it is known without decoding everything, else None.
        pixel_aspect: width of a pixel by its height, as players show it; 1 for square pixels.
        seekable: whether `frame` works and `frames` may be called more than once.
    """

    name: str
    size: tuple[int, int]
    fps: Fraction | None
    pixel_aspect: Fraction
    seekable: bool

    @property
    def length(self) -> int | None:
        """Number of frames, or None if nobody knows."""
        ...

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """Yield frames start, start+step, ... below stop; nothing is read ahead beyond a small bounded queue.

        Raises:
            TruncatedSourceError: after the last good frame of a damaged source.
        """
        ...

    def frame(self, index: int) -> Frame:
        """Read one frame by index (seekable sources only)."""
        ...

    def fingerprint(self) -> str:
        """A short hash that tells this content from another; equal on every opening of the same content."""
        ...

    def close(self) -> None:
        """Release the decoder; idempotent."""
        ...


def check_range(start: int, stop: int | None, step: int) -> None:
    """Refuse arguments of `VideoSource.frames` that no source can serve."""
    if start < 0 or step < 1 or (stop is not None and stop < 0):
        raise ConfigError(f"frames(start={start}, stop={stop}, step={step}): start and stop count from 0, step from 1")
