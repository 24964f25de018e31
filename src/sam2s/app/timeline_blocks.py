"""What the timeline says of an object, added up in blocks of frames that are counted again only where masks changed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from sam2s.workspace import WorkspaceReader
from sam2s.workspace.timeline import BUCKET

BLOCK = 64
"""Frames of a block; columns of so many frames or a multiple of it are added up from blocks."""
COUNTS = tuple(name for name in BUCKET.names or () if BUCKET[name] == np.int64 and name not in ("start", "stop"))

Extent = tuple[int, int, int, int]


@dataclass(slots=True)
class _ObjectBlocks:
    """Blocks of one object, and which of them are counted."""

    blocks: np.ndarray = field(default_factory=lambda: np.zeros(0, BUCKET))
    counted: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    def grow(self, count: int) -> None:
        more = count - len(self.blocks)
        if more > 0:
            self.blocks = np.concatenate([self.blocks, np.zeros(more, BUCKET)])
            self.counted = np.concatenate([self.counted, np.zeros(more, bool)])


class TimelineBlocks:
    """Timelines of one workspace; see `WorkspaceReader.timeline`, whose answers these are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[int, _ObjectBlocks] = {}
        self._extents: dict[tuple[int, int], Extent] = {}
        self._change = -1

    def timeline(self, reader: WorkspaceReader, object_id: int, start: int, stop: int, buckets: int) -> np.ndarray:
        """Add up the frames from `start` to `stop` of an object in columns of equal length: BUCKET [buckets]."""
        each, rest = divmod(stop - start, buckets)
        if rest or each % BLOCK or start % BLOCK:
            return reader.timeline(object_id, start, stop, buckets)
        with self._lock:
            self._forget_changes(reader)
            known = self._objects.setdefault(object_id, _ObjectBlocks())
            first, last = start // BLOCK, stop // BLOCK
            known.grow(last)
            missing = first + np.flatnonzero(~known.counted[first:last])
            for run in np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1):
                if run.size:
                    low, high = int(run[0]), int(run[-1]) + 1
                    known.blocks[low:high] = reader.timeline(object_id, low * BLOCK, high * BLOCK, high - low)
                    known.counted[low:high] = True
            return add_up(known.blocks[first:last].reshape(buckets, -1))

    def _forget_changes(self, reader: WorkspaceReader) -> None:
        """Let go of blocks in which an act wrote masks, or was taken back, since the last look."""
        change = reader.change_counter()
        if change == self._change:
            return
        extents = reader.written()
        for key in extents.keys() | self._extents.keys():
            before, now = self._extents.get(key), extents.get(key)
            known = self._objects.get(key[1])
            if before != now and known is not None:
                for extent in (before, now):
                    if extent is not None:
                        known.counted[extent[0] // BLOCK : extent[1] // BLOCK + 1] = False
        self._extents, self._change = extents, change


def add_up(blocks: np.ndarray) -> np.ndarray:
    """Blocks BUCKET [C, K] -> columns BUCKET [C]; frames count alike, confidence where the object is present."""
    columns = np.zeros(len(blocks), BUCKET)
    columns["start"], columns["stop"] = blocks["start"][:, 0], blocks["stop"][:, -1]
    for name in COUNTS:
        columns[name] = blocks[name].sum(1)
    present = blocks["present"].astype(float) * blocks["frames"]
    frames, seen = columns["frames"], present.sum(1)
    columns["present"] = np.divide(seen, frames, out=np.zeros(len(blocks)), where=frames > 0)
    confident = np.where(present > 0, blocks["min_confidence"], np.inf).min(1)
    columns["min_confidence"] = np.where(seen > 0, confident, 0)
    weighted = (blocks["mean_confidence"].astype(float) * present).sum(1)
    columns["mean_confidence"] = np.divide(weighted, seen, out=np.zeros(len(blocks)), where=seen > 0)
    return columns
