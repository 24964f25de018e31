"""What the server asks of workspaces that are not open: whose they are and how far they have come."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sam2s.errors import Sam2sError
from sam2s.workspace import FILE, Workspace

_PATIENCE = 1.0
"""Seconds that a card waits for a count."""


@dataclass(frozen=True, slots=True)
class WorkspaceSummary:
    """What a card says of a workspace.

    Attributes:
        video: path of its video, as noted when it was made.
        masked: frames with masks.
        object_frames: frames with masks, of all objects together.
        accepted: those of them that are accepted.
        objects: number of objects.
        author: who did something last.
        changed: when, in seconds since 1970.
        counted: whether masks have been counted; of a long video that takes seconds, and is done in the background.
    """

    video: Path | None
    masked: int
    object_frames: int
    accepted: int
    objects: int
    author: str | None
    changed: float
    counted: bool = True


class Summaries:
    """Summaries of workspaces, made again when their files have changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], WorkspaceSummary | None]] = {}
        self._videos: dict[Path, tuple[int, Path | None]] = {}
        self._lock = threading.Lock()
        self._counting: dict[Path, tuple[Future[WorkspaceSummary], tuple[int, int]]] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sam2s-count")

    def video_path(self, folder: Path) -> Path | None:
        """Path of the video of a workspace, or None where it cannot be read."""
        try:
            inode = (folder / FILE).stat().st_ino
        except OSError:
            return None
        with self._lock:
            known = self._videos.get(folder)
        if known is None or known[0] != inode:
            path: Path | None = None
            try:
                with Workspace.open(folder) as workspace:
                    path = Path(workspace.video.path) if workspace.video.path else None
            except (Sam2sError, ValueError):
                path = None
            known = inode, path
            with self._lock:
                self._videos[folder] = known
        return known[1]

    def summary(self, folder: Path) -> WorkspaceSummary | None:
        """What there is in a workspace; None where there is none yet.

        Nobody waits long for a count: what was counted last is returned until the new count is there.

        Raises:
            Sam2sError: it cannot be read.
        """
        try:
            stamps = [path.stat() for path in (folder / FILE, folder / f"{FILE}-wal") if path.exists()]
        except OSError:
            return None
        if not stamps:
            return None
        stamp = max(stat.st_mtime_ns for stat in stamps), sum(stat.st_size for stat in stamps)
        with self._lock:
            known = self._known.get(folder)
            if known is not None and known[0] == stamp:
                return known[1]
            if folder not in self._counting:
                self._counting[folder] = self._pool.submit(_summarise, folder, stamp[0] / 1e9), stamp
            counting, counted_at = self._counting[folder]
        try:
            counted = counting.result(_PATIENCE)
        except TimeoutError:
            return known[1] if known is not None else _glance(folder, stamp[0] / 1e9)
        finally:
            if counting.done():
                with self._lock:
                    self._counting.pop(folder, None)
        with self._lock:
            self._known[folder] = counted_at, counted
        return counted


def _glance(folder: Path, changed: float) -> WorkspaceSummary:
    """What can be said without counting masks."""
    with Workspace.open(folder) as workspace:
        path = Path(workspace.video.path) if workspace.video.path else None
        return WorkspaceSummary(path, 0, 0, 0, len(workspace.objects()), None, changed, counted=False)


def _summarise(folder: Path, changed: float) -> WorkspaceSummary:
    with Workspace.open(folder) as workspace:
        indices = workspace.frame_indices()
        stop = int(indices[-1]) + 1 if len(indices) else 0
        objects = workspace.objects()
        rows = [workspace.timeline(item.object_id, 0, stop, 1)[0] for item in objects] if stop else []
        author = next((event.author for event in reversed(workspace.events()) if event.author), None)
        return WorkspaceSummary(
            Path(workspace.video.path) if workspace.video.path else None,
            len(indices),
            sum(int(row["frames"]) for row in rows),
            sum(int(row["accepted"]) for row in rows),
            len(objects),
            author,
            changed,
        )
