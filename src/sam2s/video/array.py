"""Frames that are already in memory, or in a memory-mapped .npy file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from sam2s.errors import SourceError
from sam2s.picture_files import as_rgb
from sam2s.video.frame import Frame, check_range


class ArraySource:
    """Frames of an array [T, H, W, C] or [T, H, W], or of a list of arrays [H, W, C] or [H, W]; uint8.

    Three channels are RGB. Grey (no channel axis, or one channel) is repeated three times; of four channels the last,
    alpha, is dropped. Nothing is copied before a frame is asked for.
    """

    seekable = True
    pixel_aspect = Fraction(1)

    def __init__(
        self, frames: np.ndarray | Sequence[np.ndarray], *, fps: Fraction | None = None, name: str = "array"
    ) -> None:
        """Check shapes and type of all frames.

        Raises:
            SourceError: if there are no frames, they differ in shape, or are not uint8 pictures.
        """
        if isinstance(frames, np.ndarray) and frames.ndim == 0:
            raise SourceError(f"{name}: is a single value; give an array [T, H, W, 3] of uint8")
        if len(frames) == 0:
            raise SourceError(f"{name}: holds no frames; give at least one picture")
        for i, frame in enumerate(frames[:1] if isinstance(frames, np.ndarray) else frames):
            _check_picture(frame, f"{name}[{i}]")
            if frame.shape != frames[0].shape:
                raise SourceError(
                    f"{name}: frame 0 has shape {frames[0].shape} and frame {i} has {frame.shape}; all must be alike"
                )
        self._frames = frames
        self.name = name
        self.fps = fps
        self.length: int | None = len(frames)
        self.size: tuple[int, int] = frames[0].shape[:2]

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """Yield frames start, start + step, ... below stop."""
        check_range(start, stop, step)
        for index in range(start, len(self._frames) if stop is None else min(stop, len(self._frames)), step):
            yield self.frame(index)

    def frame(self, index: int) -> Frame:
        """Return one frame.

        Raises:
            SourceError: if there is no such frame.
        """
        if not 0 <= index < len(self._frames):
            raise SourceError(f"{self.name}: no frame {index}; it has {len(self._frames)} frames, counted from 0")
        return Frame(as_rgb(self._frames[index]), index, index / self.fps if self.fps else None)

    def fingerprint(self) -> str:
        """Hash of all pixels."""
        digest = hashlib.blake2b(f"{len(self._frames)} {self._frames[0].shape}".encode(), digest_size=16)
        for frame in self._frames:
            digest.update(np.ascontiguousarray(frame).data)
        return digest.hexdigest()

    def close(self) -> None:
        """Nothing to release."""


def _check_picture(frame: np.ndarray, name: str) -> None:
    shape = getattr(frame, "shape", None)
    if shape is None or not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))) or 0 in shape:
        raise SourceError(
            f"{name}: shape {shape} is not a picture; allowed are [H, W], [H, W, 1], [H, W, 3] and [H, W, 4]"
        )
    if frame.dtype != np.uint8:
        raise SourceError(
            f"{name}: type {frame.dtype}, but pixels must be uint8 from 0 to 255; make them of floats between 0 and 1 "
            "by (x * 255).round().astype(np.uint8)"
        )
