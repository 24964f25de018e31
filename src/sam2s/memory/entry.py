"""What is remembered of one object on one frame, and what a frame reads of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

CONDITIONING_SLOT, LONG_TERM_SLOT = 6, 7
"""Temporal slots of memory attention; 0 to 5 are the short-term distances 1 to 6."""


@dataclass(frozen=True, slots=True, eq=False)
class MemoryEntry:
    """One object on one frame.

    Attributes:
        time: position of the frame among the frames that are processed.
        pointer: object pointer [C].
        iou: predicted IoU of its mask.
        visible: whether the network judged the object present.
        map: memory map [mem_dim, h, w]; None once only the pointer is of use.
    """

    time: int
    pointer: Tensor
    iou: float
    visible: bool
    map: Tensor | None

    def without_map(self) -> MemoryEntry:
        """The same entry after its map has left the memory."""
        return self if self.map is None else replace(self, map=None)


@dataclass(frozen=True, slots=True)
class Recall:
    """What one object reads for one frame, in reading order.

    Attributes:
        maps: memory maps [mem_dim, h, w].
        slots: a temporal slot for each map: distance - 1 for short-term ones, then conditioning, then long-term.
        pointers: object pointers [C].
        distances: signed distance in frames for each pointer, positive behind the frame in the direction of tracking.
        times: of the frame of each map.
        pointer_times: of the frame of each pointer.
    """

    maps: tuple[Tensor, ...]
    slots: tuple[int, ...]
    pointers: tuple[Tensor, ...]
    distances: tuple[int, ...]
    times: tuple[int, ...]
    pointer_times: tuple[int, ...]
