"""Trackers from outside as Python classes, the two baselines, and what every tracker gets: frames and where to begin.

A tracker gets the clicks or the box with which the protocol points at each object, and the mask that our weights make
of them (the paper's "SAM2 + Cutie"); with `--prompt mask` that is the true mask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sam2s.evaluation.protocols import InteractionLog, point
from sam2s.evaluation.rules import Prompting
from sam2s.evaluation.videos import EvalVideo, appearances
from sam2s.masks.palette import label_map
from sam2s.memory import MemoryPolicy
from sam2s.model import Network
from sam2s.tracking import Mask, Prompt, Tracker
from sam2s.video import VideoSource

MaskCarrier = Callable[[Iterable[np.ndarray], np.ndarray], Iterator[np.ndarray]]


@dataclass(frozen=True)
class ObjectStart:
    """Where an object begins.

    Attributes:
        frame: index of the frame on which it first appears.
        mask: bool [H, W], what to track.
        prompts: clicks (one `Points` each), a `Box`, or a `Mask`, as they were given.
    """

    frame: int
    mask: np.ndarray
    prompts: tuple[Prompt, ...]


class Method(Protocol):
    """A tracker from outside; the class is made once without arguments, in each process."""

    def track(
        self, frames: Sequence[np.ndarray], starts: Mapping[int, ObjectStart]
    ) -> Iterable[Mapping[int, np.ndarray]]:
        """Track the objects of one video forward.

        Args:
            frames: uint8 [H, W, 3], RGB; each is read from disk when asked for. Whoever looks ahead is not causal.
            starts: where each object begins, by id.

        Returns:
            for every frame in order, masks bool [H, W] by object id; objects that are not seen may be left out.
        """
        ...


class VideoMethod(Protocol):
    """A tracker as the evaluation runs it."""

    def track_video(
        self, video: EvalVideo, frames: LazyFrames, starts: Mapping[int, ObjectStart], notes: list[str]
    ) -> Iterator[Mapping[int, np.ndarray]]:
        """Track the objects of one video forward.

        Args:
            video: the video; a causal tracker looks at `frames` alone.
            frames: its frames.
            starts: where each object begins, by id.
            notes: what was decided on the way is added here.

        Returns:
            for every frame in order, masks bool [H, W] by object id.
        """
        ...


@dataclass(frozen=True)
class ClassMethod:
    """A Python class with a `track` as in `Method`; the baselines are such classes too."""

    method: Method

    def track_video(
        self, video: EvalVideo, frames: LazyFrames, starts: Mapping[int, ObjectStart], notes: list[str]
    ) -> Iterator[Mapping[int, np.ndarray]]:
        """Let the class track."""
        yield from self.method.track(frames, starts)


class LazyFrames(Sequence[np.ndarray]):
    """The frames of a source, read when asked for; the latest one is kept.

    Attributes:
        last_read: the largest index that was asked for, -1 before any.
    """

    def __init__(self, source: VideoSource) -> None:
        self._source = source
        self._latest: tuple[int, np.ndarray] | None = None
        self.last_read = -1

    def __len__(self) -> int:
        return self._source.length or 0

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        index %= len(self)
        self.last_read = max(self.last_read, index)
        if self._latest is None or self._latest[0] != index:
            self._latest = index, self._source.frame(index).image
        return self._latest[1]


@dataclass(frozen=True)
class MaskPropagationBaseline:
    """A baseline that carries a label map along (`copy_first`, `warp_by_flow`); late objects get a map of their own."""

    carry: MaskCarrier

    def track(
        self, frames: Sequence[np.ndarray], starts: Mapping[int, ObjectStart]
    ) -> Iterator[Mapping[int, np.ndarray]]:
        """Carry the masks on, frame by frame; objects that begin on one frame share a label map."""
        running: list[tuple[list[int], Iterator[np.ndarray]]] = []
        for index, frame in enumerate(frames):
            if new := {object_id: start.mask for object_id, start in starts.items() if start.frame == index}:
                rest = (frames[i] for i in range(index, len(frames)))
                running.append((list(new), self.carry(rest, label_map(new, (frame.shape[0], frame.shape[1])))))
            label_maps = [(ids, next(maps)) for ids, maps in running]
            yield {object_id: labels == object_id for ids, labels in label_maps for object_id in ids}


def start_all(
    load: Callable[[], Network], video: EvalVideo, protocol: Prompting, interactions: InteractionLog
) -> dict[int, ObjectStart]:
    """Point at every object on its first frame; unless true masks are the prompts, our network `load()` answers."""
    starts: dict[int, ObjectStart] = {}
    first = appearances(video)
    for index in sorted(set(first.values())):
        truth = {object_id: mask for object_id, mask in video.truth(index).items() if first.get(object_id) == index}
        if protocol is Prompting.MASK:
            starts |= {object_id: ObjectStart(index, mask, (Mask(mask),)) for object_id, mask in truth.items()}
            continue
        result, prompts = point(
            Tracker(load(), MemoryPolicy()), video.source.frame(index), truth, protocol, interactions
        )
        starts |= {i: ObjectStart(index, result.objects[i].mask, tuple(prompts[i])) for i in truth}
    return starts
