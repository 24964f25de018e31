"""Drawn scenes (`sam2s.synth`) as an endless source of clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from sam2s.synth import CutoutFolder, CutoutScene, Scene

from .video import Finding, TrainingEntry, TrainingVideo

FIRST_SEED = 1_000_000
"""Scenes with smaller seeds are kept for evaluation."""

EPOCH = 1000
"""Scenes that count as one epoch of what has no end."""


@dataclass(frozen=True)
class SceneVideo:
    """A drawn scene; a frame is drawn once, picture and masks together."""

    scene: Scene
    _drawn: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """See `TrainingVideo`."""
        return f"scene {self.scene.seed}"

    @property
    def frames(self) -> range:
        """See `TrainingVideo`."""
        return range(self.scene.length)

    def category(self, object_id: int) -> str:
        """See `TrainingVideo`."""
        return next(o.name for o in self.scene.objects if o.id == object_id)

    def cover(self, frame: int) -> dict[int, float]:
        """See `TrainingVideo`."""
        labels = self._draw(frame)[1]
        counts = np.bincount(labels.ravel())
        return {o.id: counts[o.id] / labels.size for o in self.scene.objects if o.id < len(counts) and counts[o.id]}

    def images(self, frames: Sequence[int]) -> list[np.ndarray]:
        """See `TrainingVideo`."""
        return [self._draw(frame)[0] for frame in frames]

    def masks(self, frame: int, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """See `TrainingVideo`."""
        return {i: self._draw(frame)[1] == i for i in ids}

    def problems(self) -> Iterator[Finding]:
        """See `TrainingVideo`."""
        return iter(())

    def _draw(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        if frame not in self._drawn:
            self._drawn[frame] = self.scene.render(frame)
        return self._drawn[frame]


@dataclass(frozen=True)
class Scenes:
    """Ever new scenes; see `Scene` for `size`, `length`, `kind`, `tempo` and `drift`."""

    size: int
    length: int = 100
    kind: str | None = None
    tempo: float | None = None
    drift: float = 0.25
    weight: float = 1.0
    name: str = "synthetic"
    entries: tuple[TrainingEntry, ...] = ()

    def clips(self, *, pictures: bool) -> int:
        """See `Source`."""
        return EPOCH

    def draw(self, rng: np.random.Generator, *, pictures: bool) -> TrainingVideo:
        """See `Source`."""
        seed = int(rng.integers(FIRST_SEED, 2**31))
        return SceneVideo(Scene(seed, self.size, self.length, kind=self.kind, tempo=self.tempo, drift=self.drift))


@dataclass(frozen=True)
class CutoutScenes:
    """Ever new scenes of the cut-outs of a folder; see `CutoutScene` for `size`, `length`, `tempo` and `drift`."""

    size: int
    folder: CutoutFolder
    length: int = 100
    tempo: float | None = None
    drift: float = 0.25
    weight: float = 1.0
    name: str = "cutouts"
    entries: tuple[TrainingEntry, ...] = ()

    def clips(self, *, pictures: bool) -> int:
        """Scenes that count as one epoch, as of drawn ones."""
        return EPOCH

    def draw(self, rng: np.random.Generator, *, pictures: bool) -> TrainingVideo:
        """A scene of a random seed."""
        seed = int(rng.integers(FIRST_SEED, 2**31))
        return SceneVideo(CutoutScene(seed, self.size, self.length, self.folder, tempo=self.tempo, drift=self.drift))
