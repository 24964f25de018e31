"""The memory of one object on one frame, and what a frame reads from a memory bank."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

CONDITIONING_SLOT, LONG_TERM_SLOT = 6, 7
"""Temporal slots of memory attention; 0 to 5 are the short-term distances 1 to 6."""


@dataclass(frozen=True, slots=True, eq=False)
class MemoryEntry:
    """The memory of one object on one frame.

    Attributes:
        time: number of the frame among those that are tracked.
        pointer: object pointer [C].
        iou: predicted IoU of its mask.
        visible: whether the object was predicted as present.
        map: memory map [mem_dim, h, w]; None once it was dropped and only the pointer is left.
    """

    time: int
    pointer: Tensor
    iou: float
    visible: bool
    map: Tensor | None

    def without_map(self) -> MemoryEntry:
        """The entry without its map."""
        return self if self.map is None else replace(self, map=None)


@dataclass(frozen=True, slots=True)
class Recall:
    """What one frame reads from the memory bank of an object, in reading order.

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
