"""What clips are cut from: videos with known masks, and the sources that hold many of them.

Legend: H W size of a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal, Protocol

import numpy as np

from sam2s.errors import DatasetError

Kind = Literal["file", "size", "empty", "ids", "gap", "jump", "leak", "list", "part"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or may be, with a video.

    Attributes:
        kind: what is wrong: a file, sizes, no masks, ids, frames that are missing, a leap of a mask, a split, or a set
            of which only a part is there.
        text: a sentence for people.
        frame: where, if it is one frame.
        fatal: whether the video cannot be used as it is; otherwise a person should look.
    """

    kind: Kind
    text: str
    frame: int | None = None
    fatal: bool = True


class TrainingVideo(Protocol):
    """A video, or a single picture, and what is known of its objects; pixels are read when they are asked for.

    Attributes:
        name: for messages.
        frames: numbers of the frames on which somebody looked for objects, in time order.
    """

    @property
    def name(self) -> str:
        """Name of the video or source, for messages."""
        ...

    @property
    def frames(self) -> Sequence[int]:
        """Indices of the frames that have labels, ascending."""
        ...

    def category(self, object_id: int) -> str | None:
        """What an object is, or None where nobody said."""
        ...

    def cover(self, frame: int) -> Mapping[int, float]:
        """Share of the frame that each visible object covers."""
        ...

    def images(self, frames: Sequence[int]) -> list[np.ndarray]:
        """Frames uint8 [H, W, 3], RGB; `frames` ascends and holds none twice."""
        ...

    def masks(self, frame: int, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """Masks bool [H, W] of those of `ids` that somebody looked for on this frame, all false where one is absent."""
        ...

    def problems(self) -> Iterator[Finding]:
        """What can be seen to be wrong without decoding pictures."""
        ...


class Source(Protocol):
    """Something to draw videos from.

    Attributes:
        name: for messages.
        weight: how much likelier its clips are than their number makes them.
        entries: its videos and pictures; none where they are made up on the spot.
    """

    @property
    def name(self) -> str:
        """Name of the video or source, for messages."""
        ...

    @property
    def weight(self) -> float:
        """Share of the clips that are drawn from this source, relative to the others."""
        ...

    @property
    def entries(self) -> Sequence[TrainingEntry]:
        """Its videos."""
        ...

    def clips(self, *, pictures: bool) -> int:
        """Clips that an epoch takes from it: of its single pictures, or of its videos."""
        ...

    def draw(self, rng: np.random.Generator, *, pictures: bool) -> TrainingVideo:
        """A random video, or a random picture."""
        ...


@dataclass(frozen=True, slots=True)
class TrainingEntry:
    """A video that is there to be read.

    Attributes:
        name: unlike that of any other of its source.
        frames: how many of its frames are annotated; 1 makes it a picture.
        read: opens it.
    """

    name: str
    frames: int
    read: Callable[[], TrainingVideo]


@dataclass(frozen=True)
class AnnotatedSpan:
    """A span of the annotated frames of a video, as a video of its own.

    Attributes:
        video: the whole.
        start, stop: of the span, counted in annotated frames.
    """

    video: TrainingVideo
    start: int
    stop: int

    @property
    def name(self) -> str:
        """Name of the whole."""
        return self.video.name

    @cached_property
    def frames(self) -> Sequence[int]:
        """Numbers of the frames of the span."""
        return self.video.frames[self.start : self.stop]

    def category(self, object_id: int) -> str | None:
        """What an object is."""
        return self.video.category(object_id)

    def cover(self, frame: int) -> Mapping[int, float]:
        """Share of the frame that each visible object covers."""
        return self.video.cover(frame)

    def images(self, frames: Sequence[int]) -> list[np.ndarray]:
        """Frames of the whole by their numbers."""
        return self.video.images(frames)

    def masks(self, frame: int, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """Masks of a frame."""
        return self.video.masks(frame, ids)

    def problems(self) -> Iterator[Finding]:
        """What is wrong with the whole."""
        return self.video.problems()


def divide(entry: TrainingEntry, held_out: float) -> tuple[TrainingEntry, TrainingEntry]:
    """The beginning of a video, to train on, and its end, of which `held_out` is the share; pictures go undivided."""
    kept = entry.frames if entry.frames == 1 else max(1, round(entry.frames * (1 - held_out)))
    spans = (0, kept), (kept, entry.frames)
    first, second = (TrainingEntry(entry.name, b - a, partial(_read_part, entry, a, b)) for a, b in spans)
    return first, second


def _read_part(entry: TrainingEntry, start: int, stop: int) -> TrainingVideo:
    return AnnotatedSpan(entry.read(), start, stop)


@dataclass(frozen=True)
class Shelf:
    """The videos and pictures of one place on disk.

    A video is drawn as often as it has frames, a picture once an epoch; so a long video counts for more, but for no
    more than `cap` frames, or a few endless operations would be all that is ever seen.
    """

    name: str
    entries: tuple[TrainingEntry, ...]
    weight: float = 1.0
    cap: int = 500

    def __post_init__(self) -> None:
        if not any(entry.frames for entry in self.entries):
            raise DatasetError(f"{self.name} holds no annotated frame; look at it with sam2s data check {self.name}")

    def clips(self, *, pictures: bool) -> int:
        """See `Source`."""
        counts = self._ends[pictures][1]
        return int(counts[-1]) if len(counts) else 0

    def draw(self, rng: np.random.Generator, *, pictures: bool) -> TrainingVideo:
        """See `Source`."""
        entries, ends = self._ends[pictures]
        return entries[int(np.searchsorted(ends, rng.integers(ends[-1]), side="right"))].read()

    @cached_property
    def _ends(self) -> dict[bool, tuple[list[TrainingEntry], np.ndarray]]:
        """Videos and pictures, each with the running sum of how often its entries are drawn."""
        videos = [entry for entry in self.entries if entry.frames > 1]
        pictures = [entry for entry in self.entries if entry.frames == 1]
        return {
            False: (videos, np.cumsum([min(entry.frames, self.cap) for entry in videos])),
            True: (pictures, np.arange(len(pictures)) + 1),
        }
