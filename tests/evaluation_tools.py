"""A tiny video whose truth is known, in memory or as a folder."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from sam2s.masks.palette import write_label_map
from sam2s.video import ArraySource

SIZE = (40, 56)


def scene(frames=6, late=2, seed=0):
    """Frames [T, H, W, 3] and label maps [T, H, W]: a block that moves; from frame `late` on another one."""
    rng = np.random.default_rng(seed)
    images = np.repeat(rng.integers(60, 120, (1, *SIZE, 3), np.uint8), frames, 0)
    labels = np.zeros((frames, *SIZE), np.uint8)
    for t in range(frames):
        labels[t, 6:22, 4 + 2 * t : 22 + 2 * t] = 1
        if t >= late:
            labels[t, 26:37, 30 : 44 + t] = 2
    images[labels == 1] = (220, 40, 30)
    images[labels == 2] = (30, 200, 90)
    return images, labels


@dataclass(frozen=True)
class TinyVideo:
    """The scene as an `EvalVideo`; frame 3 is not annotated."""

    name: str = "tiny/one"
    frames: int = 6
    late: int = 2

    @cached_property
    def scene(self):
        return scene(self.frames, self.late)

    @property
    def source(self):
        return ArraySource(self.scene[0])

    @property
    def stems(self):
        return tuple(f"{t:05}" for t in range(self.frames))

    objects = {1: "tiny", 2: "tiny"}  # noqa: RUF012

    def truth(self, frame):
        return {} if frame == 3 else {i: self.scene[1][frame] == i for i in (1, 2)}


def write_sequence(folder, frames=6, seed=0):
    """Write the scene as <folder>/frames and <folder>/masks."""
    for t, (image, labels) in enumerate(zip(*scene(frames, seed=seed), strict=True)):
        path = folder / "frames" / f"{t:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
        write_label_map(folder / "masks" / f"{t:03}.png", labels)
    return folder
