"""Labels made worse on purpose, to learn what training makes of bad ones (SAM2S paper, Sec. ARL)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F

from .video import Finding, Source, TrainingEntry, TrainingVideo

MissedAs = Literal["unknown", "absent"]

_KNOTS = 9
"""Places along a side where a displacement is drawn; between them it is smooth."""


@dataclass(frozen=True)
class NoisyVideo:
    """A video whose masks have wrong outlines, or are missing where the object is visible.

    The faults of a mask depend on the video, the frame and the object alone, as those of an annotator would: whoever
    reads it again reads the same.

    Attributes:
        video: the one with good labels.
        jitter: standard deviation of the displacement of outlines, as a share of the frame's longer side.
        missed: share of masks that nobody drew.
        missed_as: what a missing mask says: "unknown", that nobody looked, so that it counts in no loss; or "absent",
            that the object is not there, as in a label map whose author overlooked it. The second teaches false
            absence: at 3 % of missed masks half of all absent examples of consecutive clips are false.
    """

    video: TrainingVideo
    jitter: float = 0.0
    missed: float = 0.0
    missed_as: MissedAs = "unknown"

    @property
    def name(self) -> str:
        """See `TrainingVideo`."""
        return self.video.name

    @property
    def frames(self) -> Sequence[int]:
        """See `TrainingVideo`."""
        return self.video.frames

    def category(self, object_id: int) -> str | None:
        """See `TrainingVideo`."""
        return self.video.category(object_id)

    def cover(self, frame: int) -> dict[int, float]:
        """See `TrainingVideo`."""
        return {i: share for i, share in self.video.cover(frame).items() if not self._fault(frame, i)[0]}

    def images(self, frames: Sequence[int]) -> list[np.ndarray]:
        """See `TrainingVideo`."""
        return self.video.images(frames)

    def masks(self, frame: int, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """See `TrainingVideo`."""
        noisy: dict[int, np.ndarray] = {}
        for i, mask in self.video.masks(frame, ids).items():
            missed, rng = self._fault(frame, i)
            if not missed:
                noisy[i] = _displaced(mask, self.jitter, rng) if self.jitter else mask
            elif self.missed_as == "absent" or not mask.any():
                noisy[i] = np.zeros_like(mask)
        return noisy

    def problems(self) -> Iterator[Finding]:
        """See `TrainingVideo`."""
        return self.video.problems()

    def _fault(self, frame: int, object_id: int) -> tuple[bool, np.random.Generator]:
        rng = np.random.default_rng((zlib.crc32(self.name.encode()), frame, object_id))
        return bool(rng.random() < self.missed), rng


@dataclass(frozen=True)
class Noisy:
    """A source whose videos are all made worse; see `NoisyVideo`."""

    source: Source
    jitter: float = 0.0
    missed: float = 0.0
    missed_as: MissedAs = "unknown"

    @property
    def name(self) -> str:
        """See `Source`."""
        return self.source.name

    @property
    def weight(self) -> float:
        """See `Source`."""
        return self.source.weight

    @property
    def entries(self) -> Sequence[TrainingEntry]:
        """See `Source`."""
        return self.source.entries

    def clips(self, *, pictures: bool) -> int:
        """See `Source`."""
        return self.source.clips(pictures=pictures)

    def draw(self, rng: np.random.Generator, *, pictures: bool) -> TrainingVideo:
        """See `Source`."""
        return NoisyVideo(self.source.draw(rng, pictures=pictures), self.jitter, self.missed, self.missed_as)


def _displaced(mask: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Every pixel taken from a place a little off, by a smooth random field."""
    height, width = mask.shape
    knots = torch.from_numpy(rng.normal(0, sigma * max(height, width), (1, 2, _KNOTS, _KNOTS)))
    down, right = F.interpolate(knots, (height, width), mode="bicubic", align_corners=True)[0].round().long().numpy()
    rows, columns = np.indices(mask.shape)
    return mask[np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)]
