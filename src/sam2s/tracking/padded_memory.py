"""Memories of different lengths as one batch of a few fixed sizes, so that a GPU sees few shapes and few calls.

What is added up to the size is left out of attention by a mask; the answers differ from those without it by rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sam2s.memory import Recall
from sam2s.model import LONG_TERM_SLOT

OBJECTS, MAPS, POINTERS = (1, 2, 4, 8, 16), (2, 4, 7, 11, 16, 24, 32), (2, 8, 16, 24, 32)
"""Sizes that batches, maps and pointers are filled up to; beyond the last, to the next multiple of it."""


class PaddedMemory(NamedTuple):
    """What B objects remember, filled up; only rows, maps and pointers that are read count.

    Attributes:
        maps: [B, M, mem_dim, h, w].
        slots: [B, M] rows of the temporal codes.
        pointers: [B, R, C].
        distances: [B, R], divided by (pointer limit - 1).
        read_maps: bool [B, M].
        read_pointers: bool [B, R].
    """

    maps: Tensor
    slots: Tensor
    pointers: Tensor
    distances: Tensor
    read_maps: Tensor
    read_pointers: Tensor


def filled(count: int, sizes: Sequence[int]) -> int:
    """The smallest of the sizes that holds a count, or the next multiple of the largest."""
    last = sizes[-1]
    return next((size for size in sizes if size >= count), -(-count // last) * last)


def batches(recalls: Sequence[Recall]) -> Iterator[Sequence[Recall]]:
    """Cut objects into batches of at most the largest size."""
    for start in range(0, len(recalls), OBJECTS[-1]):
        yield recalls[start : start + OBJECTS[-1]]


def pad_recalls(recalls: Sequence[Recall], *, last_slot: int, pointer_limit: int, pointer_dim: int) -> PaddedMemory:
    """Put what objects remember into one batch of a fixed size.

    Args:
        recalls: of objects that hold at least one map; their slots and distances may differ.
        last_slot: row of the temporal codes for long-term memory, the last.
        pointer_limit: how many frames back pointers are read; distances are divided by one less.
        pointer_dim: C.
    """
    rows = [*recalls, *[recalls[-1]] * (filled(len(recalls), OBJECTS) - len(recalls))]
    count = filled(max(len(recall.maps) for recall in rows), MAPS)
    held = filled(max(len(recall.pointers) for recall in rows), POINTERS)
    first = rows[0].maps[0]
    nothing = first.new_zeros(first.shape)
    blank = next((r.pointers[0] for r in rows if r.pointers), first).new_zeros(pointer_dim)
    slots, distances = torch.zeros(len(rows), count, dtype=torch.long), torch.zeros(len(rows), held)
    maps, pointers = [], []
    for row, recall in enumerate(rows):
        slots[row, : len(recall.slots)] = torch.tensor(
            [last_slot if slot == LONG_TERM_SLOT else slot for slot in recall.slots]
        )
        distances[row, : len(recall.distances)] = torch.tensor(recall.distances, dtype=torch.float32)
        maps += [*recall.maps, *[nothing] * (count - len(recall.maps))]
        pointers += [*recall.pointers, *[blank] * (held - len(recall.pointers))]
    numbers = torch.arange(count)[None] < torch.tensor([[len(recall.maps)] for recall in rows])
    places = torch.arange(held)[None] < torch.tensor([[len(recall.pointers)] for recall in rows])
    device = first.device
    return PaddedMemory(
        torch.stack(maps).unflatten(0, (len(rows), count)),
        slots.to(device, non_blocking=True),
        torch.stack(pointers).unflatten(0, (len(rows), held)),
        (distances / max(1, pointer_limit - 1)).to(device, non_blocking=True),
        numbers.to(device, non_blocking=True),
        places.to(device, non_blocking=True),
    )
