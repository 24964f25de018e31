"""A film to track in: blocks of colour that drift, and where to click."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np


def film(frames: int, height: int, width: int) -> Iterator[np.ndarray]:
    """Blocks of random colour that drift, uint8 [H, W, 3], drawn one at a time."""
    rng = np.random.default_rng(0)
    rows, columns = -(-height // 16), -(-width // 16)
    blocks = rng.integers(0, 256, (rows, columns + 64, 3), np.uint8)
    for t in range(frames):
        yield np.roll(blocks, t, 1)[:, :columns].repeat(16, 0).repeat(16, 1)[:height, :width]


def clicks(objects: int, height: int, width: int) -> list[tuple[float, float]]:
    """One click (x, y) for each object."""
    rng = np.random.default_rng(1)
    return [(float(x) * width, float(y) * height) for x, y in rng.uniform(0.2, 0.8, (objects, 2))]


def write_film(path: Path, frames: int, height: int, width: int) -> None:
    """The film as a video file of 25 frames a second."""
    from sam2s.video import VideoWriter

    with VideoWriter(path, (height, width), 25) as writer:
        for image in film(frames, height, width):
            writer.write(np.ascontiguousarray(image))
