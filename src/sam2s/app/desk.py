"""An open video on the server: its frames, its workspace to read and to write, who edits it, what runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sam2s.app.edit_lock import EditLock
from sam2s.app.engine.client import Engine, order_for
from sam2s.app.engine.messages import Do, Order
from sam2s.app.event_search.runner import EventSearch
from sam2s.app.frames import FrameServer, PictureCache
from sam2s.app.library import VideoEntry
from sam2s.app.problems import ApiError
from sam2s.app.settings import AppLimits
from sam2s.app.timeline_blocks import TimelineBlocks
from sam2s.app.video_marks import VideoMarks
from sam2s.errors import WorkspaceInUseError
from sam2s.quality import EventSpan, write_marks
from sam2s.workspace import ObjectInfo, VideoIdentity, Workspace, WorkspaceEvent, WorkspaceReader

QUIET_SECONDS = 20.0
"""The right to write is let go so long after the last act, so that `sam2s track` and others may have it."""


class VideoDesk:
    """One video that is open; made by `Desks`.

    Attributes:
        entry: which video.
        frames: its pictures.
        blocks: what its timeline says, from afar.
        marks: what happens to the video itself.
        lock: who edits it.
        search: the present or the last search for events, or None.
        used: when it was used last.
        newest: the newest act that pages were told of.
    """

    def __init__(self, entry: VideoEntry, limits: AppLimits, cache: PictureCache, engine: Engine) -> None:
        self.entry, self._engine = entry, engine
        self.frames = FrameServer(entry.path, entry.workspace, limits, cache)
        self.blocks = TimelineBlocks()
        self.marks = VideoMarks()
        self.lock = EditLock()
        self.search: EventSearch | None = None
        self.used = time.monotonic()
        self._guard = threading.RLock()
        self._reader: WorkspaceReader | None = None
        self._slow_reader: WorkspaceReader | None = None
        self._writer: Workspace | None = None
        self._wrote = 0.0
        self.newest = 0

    @property
    def folder(self) -> Path:
        """The folder of its workspace."""
        return self.entry.workspace

    def reader(self, *, slow: bool = False) -> WorkspaceReader | None:
        """The workspace to read; None where nothing was done yet. `slow` keeps long questions out of others' way."""
        with self._guard:
            name = "_slow_reader" if slow else "_reader"
            known: WorkspaceReader | None = getattr(self, name)
            if known is None and Workspace.exists(self.folder):
                known = Workspace.open(self.folder)
                setattr(self, name, known)
            return known

    def object(self, object_id: int) -> ObjectInfo:
        """An object of the video.

        Raises:
            ApiError: there is none of this id.
        """
        reader = self.reader()
        objects = {item.object_id: item for item in reader.objects()} if reader else {}
        if object_id not in objects:
            known = ", ".join(map(str, objects)) or "none"
            raise ApiError("not-found", f"there is no object {object_id}; objects: {known}", "object_id")
        return objects[object_id]

    @contextmanager
    def editing(self, tab: str, user: str) -> Iterator[Workspace]:
        """The workspace to write, for the tab that edits; made with the first act.

        Raises:
            ApiError: another tab edits the video, or another program writes to its workspace.
        """
        self.lock.take(tab, user)
        with self._guard:
            self._wrote = time.monotonic()
            yield self._open_writer()
            self._wrote = time.monotonic()

    def writer(self) -> Workspace:
        """The workspace to write, for what goes on in the background."""
        with self._guard:
            self._wrote = time.monotonic()
            return self._open_writer()

    def order(self, do: Do, user: str = "", *, event_id: int = 0, frame: int = 0) -> Order:
        """An order for the tracking process about this video."""
        owner = self.writer().owner or ""
        return order_for(do, self.folder, self.entry.path, owner, event_id=event_id, frame=frame, user=user)

    def look(self, frame: int) -> None:
        """Let the tracking process make a frame ready that somebody who edits looks at."""
        if self._writer is not None and self._engine.detail is not None:
            self._engine.send(self.order("look", frame=frame))

    def begin_search(self, author: str) -> None:
        """Look for events of the video; what is found is shown at once, and kept as one act at the end."""

        def keep(spans: list[EventSpan], within: tuple[int, int] | None) -> WorkspaceEvent | None:
            try:
                return write_marks(self.writer(), spans, within=within, author=author)
            finally:
                self.marks.pending = []

        self.search = EventSearch(self.entry.path, self.folder, author, keep)
        self.marks.pending = self.search.spans

    def rest(self) -> None:
        """Let go of the right to write when nobody has used it for a while."""
        with self._guard:
            if self._writer is None or time.monotonic() - self._wrote < QUIET_SECONDS:
                return
            if self._engine.running(str(self.folder)):
                self._wrote = time.monotonic()
                return
            self._let_go()

    def close(self) -> None:
        """Let go of everything; idempotent."""
        if self.search is not None:
            self.search.stop()
        with self._guard:
            if self._writer is not None:
                self._let_go()
            for reader in (self._reader, self._slow_reader):
                if reader is not None:
                    reader.close()
            self._reader = self._slow_reader = None
        self.frames.close()

    @property
    def busy(self) -> bool:
        """Whether somebody edits it or something runs."""
        searching = self.search is not None and self.search.running
        return searching or self._writer is not None or bool(self._engine.running(str(self.folder)))

    def _open_writer(self) -> Workspace:
        if self._writer is None:
            try:
                if Workspace.exists(self.folder):
                    self._writer = Workspace.open(self.folder, write=True)
                else:
                    identity = VideoIdentity.of(self.frames.source)
                    self._writer = Workspace.create(self.folder, identity)
            except WorkspaceInUseError as error:
                raise ApiError("locked", str(error)) from error
        return self._writer

    def _let_go(self) -> None:
        assert self._writer is not None
        if self._engine.pid is not None and self._engine.detail is not None:
            order = order_for("close", self.folder, self.entry.path, self._writer.owner or "")
            self._engine.send(order)
        self._writer.close()
        self._writer = None


class Desks:
    """The open videos of a server; beyond a bound the one used least recently is closed."""

    def __init__(self, limits: AppLimits, engine: Engine) -> None:
        self._limits, self._engine = limits, engine
        self._cache = PictureCache(limits.frame_cache_bytes)
        self._lock = threading.Lock()
        self._desks: dict[str, VideoDesk] = {}
        self._opening: dict[str, threading.Lock] = {}

    def open(self, entry: VideoEntry) -> VideoDesk:
        """The desk of a video, opened if it is not.

        Raises:
            SourceError: the video cannot be read.
        """
        with self._lock:
            opening = self._opening.setdefault(entry.id, threading.Lock())
        with opening:
            with self._lock:
                desk = self._desks.get(entry.id)
            if desk is None or desk.entry != entry:
                if desk is not None:
                    desk.close()
                desk = VideoDesk(entry, self._limits, self._cache, self._engine)
                with self._lock:
                    self._desks[entry.id] = desk
            desk.used = time.monotonic()
        self._bound(entry.id)
        return desk

    def rest(self) -> None:
        """Let quiet videos go to rest."""
        with self._lock:
            desks = list(self._desks.values())
        for desk in desks:
            desk.rest()

    def searches(self) -> int:
        """How many videos are being looked through for events."""
        with self._lock:
            return sum(desk.search is not None and desk.search.running for desk in self._desks.values())

    def close(self) -> None:
        """Close all."""
        with self._lock:
            desks, self._desks = list(self._desks.values()), {}
        for desk in desks:
            desk.close()

    def _bound(self, newest: str) -> None:
        with self._lock:
            spare = sorted(
                (desk for name, desk in self._desks.items() if name != newest and not desk.busy),
                key=lambda desk: desk.used,
            )
            gone = spare[: max(0, len(self._desks) - self._limits.open_videos)]
            for desk in gone:
                del self._desks[desk.entry.id]
        for desk in gone:
            desk.close()
