"""Constructed absence: does a tracker say that the object is gone when the picture goes black or shows another scene?

A probe begins like the video, with the objects of one frame pointed at there; after a few frames the picture is
replaced. All that a tracker shows from then on is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from PIL import Image

from sam2s.evaluation.record import TrackedFrame
from sam2s.evaluation.videos import EvalVideo
from sam2s.video import ArraySource

SEEN, PROBED = 8, 8
"""Frames of the video itself, and frames that replace what follows."""


class ProbeCounts(NamedTuple):
    """Answers to frames on which every object is absent, counted over objects and frames.

    Attributes:
        frames: answers in all.
        masks: answers with a mask.
        visible: answers that call the object visible; None from a tracker that has no opinion of it.
    """

    frames: int
    masks: int
    visible: int | None

    def rates(self) -> tuple[float, float]:
        """Parts of the answers with a mask and of those that say visible; NaN where there are none."""
        if not self.frames:
            return math.nan, math.nan
        return self.masks / self.frames, math.nan if self.visible is None else self.visible / self.frames


@dataclass(frozen=True)
class ProbeVideo:
    """The beginning of a video, followed by frames on which none of its objects is.

    Attributes:
        video: the video.
        start: index of the frame that it begins with; the objects on it are tracked.
        other: the video whose frames follow; black ones without.
    """

    video: EvalVideo
    start: int
    other: EvalVideo | None = None

    @property
    def name(self) -> str:
        """The name of the video."""
        return self.video.name

    @cached_property
    def _first(self) -> dict[int, np.ndarray]:
        return {i: mask for i, mask in self.video.truth(self.start).items() if mask.any()}

    @cached_property
    def objects(self) -> dict[int, str]:
        """By object id, its subset: the objects on the first frame."""
        return {i: subset for i, subset in self.video.objects.items() if i in self._first}

    @property
    def categories(self) -> Mapping[int, str]:
        """The names of objects have no part in a probe."""
        return {}

    @cached_property
    def source(self) -> ArraySource:
        """The frames of the video, then the frames that replace the others."""
        stop = min(self.start + SEEN, len(self.video.stems))
        frames = [self.video.source.frame(index).image for index in range(self.start, stop)]
        height, width = frames[0].shape[:2]
        if self.other is None:
            frames += [np.zeros_like(frames[0])] * PROBED
        else:
            length = len(self.other.stems)
            middle = max(0, (length - PROBED) // 2)
            for index in range(middle, middle + PROBED):
                picture = Image.fromarray(self.other.source.frame(min(index, length - 1)).image)
                frames.append(np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)))
        return ArraySource(frames, name=self.name)

    @property
    def stems(self) -> tuple[str, ...]:
        """By frame, a number."""
        return tuple(f"{index:05}" for index in range(self.source.length or 0))

    @property
    def columns(self) -> frozenset[str]:
        """The subsets of its objects."""
        return frozenset(self.objects.values())

    @property
    def fingerprint(self) -> str:
        """That of the video."""
        return self.video.fingerprint

    def truth(self, frame: int) -> dict[int, np.ndarray]:
        """The objects on the first frame; nothing is annotated on the others."""
        return self._first if frame == 0 else {}

    def void(self, frame: int) -> np.ndarray | None:
        """Nothing is undecided in a probe."""
        return None


def count_probe(tracked: Iterable[TrackedFrame], objects: Iterable[int]) -> ProbeCounts:
    """Count the answers to the last `PROBED` frames of a probe."""
    ids = list(objects)
    frames = list(tracked)[-PROBED:]
    masks = sum(frame.masks[i].any() for frame in frames for i in ids if i in frame.masks)
    claims = [frame.claims[i].visible for frame in frames for i in ids if i in frame.claims]
    visible = sum(claim is True for claim in claims) if claims else None
    return ProbeCounts(len(frames) * len(ids), int(masks), visible)
