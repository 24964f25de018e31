"""Clips that are drawn on the spot, from seeds that no training uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import count

import numpy as np

from sam2s.synth import Scene
from sam2s.video import ArraySource

HELD_OUT = 500_000
"""First seed of the generated clips; training draws from a million up."""
SYNTHETIC_FRAMES, SYNTHETIC_SIZE, SYNTHETIC_AREA = 100, 256, 0.01


@dataclass(frozen=True)
class SyntheticVideo:
    """A generated clip; its objects are those that cover a hundredth of the first frame.

    Attributes:
        seed: of the scene.
        length: number of frames.
        size: side of the picture in pixels.
        subset: what its objects count as.
        every: only every so many frames of the scene are drawn, so that a short clip spans a long time.
    """

    seed: int
    length: int = SYNTHETIC_FRAMES
    size: int = SYNTHETIC_SIZE
    subset: str = "synthetic"
    every: int = 1

    @property
    def name(self) -> str:
        """The name, unlike that of any other video."""
        return f"{self.subset}/{self.seed}"

    @cached_property
    def objects(self) -> dict[int, str]:
        """By object id, its subset."""
        first = self._scene.render(0)[1]
        least = SYNTHETIC_AREA * self.size**2
        return {o.id: self.subset for o in self._scene.objects if (first == o.id).sum() >= least}

    @property
    def categories(self) -> dict[int, str]:
        """By object id, its name."""
        return {item.id: item.name for item in self._scene.objects if item.id in self.objects}

    @property
    def source(self) -> ArraySource:
        """The frames."""
        return ArraySource([image for image, _ in self._frames], name=self.name)

    @property
    def stems(self) -> tuple[str, ...]:
        """By frame, the name of its mask file."""
        return tuple(f"{frame:05}" for frame in range(self.length))

    @property
    def columns(self) -> frozenset[str]:
        """The subsets of its objects."""
        return frozenset({self.subset})

    @property
    def fingerprint(self) -> str:
        """What it is drawn from. Pixels may differ by one between numbers of threads."""
        return repr(self)

    def truth(self, frame: int) -> dict[int, np.ndarray]:
        """Masks bool [H, W] of all objects that are annotated on a frame."""
        return {object_id: self._frames[frame][1] == object_id for object_id in self.objects}

    def void(self, frame: int) -> np.ndarray | None:
        """A drawn clip has no undecided pixels."""
        return None

    @cached_property
    def _scene(self) -> Scene:
        return Scene(self.seed, self.size, self.length * self.every)

    @cached_property
    def _frames(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return [self._scene.render(frame * self.every) for frame in range(self.length)]


def synthetic(number: int, length: int = SYNTHETIC_FRAMES, size: int = SYNTHETIC_SIZE) -> list[SyntheticVideo]:
    """The first generated clips that no training sees and that show an object of some size."""
    clips: list[SyntheticVideo] = []
    for seed in count(HELD_OUT):
        if len(clips) == number:
            break
        if SyntheticVideo(seed, length, size).objects:
            clips.append(SyntheticVideo(seed, length, size))
    return clips
