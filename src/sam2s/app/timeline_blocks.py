"""What the timeline says of an object, added up in blocks of frames that are counted again only where masks changed."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np

from sam2s.workspace import Workspace, WorkspaceReader
from sam2s.workspace.timeline import BUCKET

BLOCK = 64
"""Frames of a block; columns of so many frames or a multiple of it are added up from blocks."""
COUNTS = tuple(name for name in BUCKET.names or () if BUCKET[name] == np.int64 and name not in ("start", "stop"))

_MANY = 2000
"""Blocks that are worth opening the workspace again for, so that several processors count."""
_MOST_WORKERS = 4

Extent = tuple[int, int, int, int]


class _Run(NamedTuple):
    """Blocks of an object from `start` to before `stop`."""

    object_id: int
    start: int
    stop: int


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
        if not _in_blocks(start, stop, buckets):
            return reader.timeline(object_id, start, stop, buckets)
        with self._lock:
            self._forget_changes(reader)
            for run in self._missing(object_id, start, stop):
                self._keep(run, _count(reader, run))
            blocks = self._objects[object_id].blocks[start // BLOCK : stop // BLOCK]
            return add_up(blocks.reshape(buckets, -1))

    def count(self, reader: WorkspaceReader, object_ids: Sequence[int], start: int, stop: int, buckets: int) -> None:
        """Count what `timeline` will be asked for of several objects; where that is a lot, of several at a time."""
        if not _in_blocks(start, stop, buckets):
            return
        with self._lock:
            self._forget_changes(reader)
            runs = [run for object_id in object_ids for run in self._missing(object_id, start, stop)]
            workers = min(len(runs), _MOST_WORKERS, os.cpu_count() or 1)
            if workers < 2 or sum(run.stop - run.start for run in runs) < _MANY:
                return
            readers: SimpleQueue[WorkspaceReader] = SimpleQueue()
            with ExitStack() as opened, ThreadPoolExecutor(workers) as pool:
                for _ in range(workers):
                    readers.put(opened.enter_context(Workspace.open(reader.folder)))
                for run, blocks in zip(runs, pool.map(partial(_count_with, readers), runs), strict=True):
                    self._keep(run, blocks)

    def _missing(self, object_id: int, start: int, stop: int) -> list[_Run]:
        """Runs of blocks of an object that are not counted."""
        known = self._objects.setdefault(object_id, _ObjectBlocks())
        first, last = start // BLOCK, stop // BLOCK
        known.grow(last)
        missing = first + np.flatnonzero(~known.counted[first:last])
        runs = np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1)
        return [_Run(object_id, int(run[0]), int(run[-1]) + 1) for run in runs if run.size]

    def _keep(self, run: _Run, blocks: np.ndarray) -> None:
        known = self._objects[run.object_id]
        known.blocks[run.start : run.stop] = blocks
        known.counted[run.start : run.stop] = True

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


def _in_blocks(start: int, stop: int, buckets: int) -> bool:
    """Whether columns are made of whole blocks."""
    each, rest = divmod(stop - start, buckets)
    return not (rest or each % BLOCK or start % BLOCK)


def _count(reader: WorkspaceReader, run: _Run) -> np.ndarray:
    return reader.timeline(run.object_id, run.start * BLOCK, run.stop * BLOCK, run.stop - run.start)


def _count_with(readers: SimpleQueue[WorkspaceReader], run: _Run) -> np.ndarray:
    """Count with a reader that no other thread has at this moment."""
    reader = readers.get()
    try:
        return _count(reader, run)
    finally:
        readers.put(reader)


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
    return columns
