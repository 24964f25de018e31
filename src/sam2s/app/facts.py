"""Size and length of videos for their cards, looked up once for each file."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from sam2s.app.library import VideoEntry
from sam2s.app.video_files import open_video
from sam2s.errors import Sam2sError

_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class VideoFact:
    """What a card says of a video.

    Attributes:
        size: (height, width).
        length: frames; where the container has no table, what its duration says.
        duration: seconds, or None where unknown.
    """

    size: tuple[int, int]
    length: int | None
    duration: float | None


class VideoFacts:
    """Facts of files by path, size and time of change; also that one cannot be read, and why."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, int, int], VideoFact | Sam2sError] = {}
        self._lock = threading.Lock()

    def of(self, entry: VideoEntry) -> VideoFact:
        """Facts of a video.

        Raises:
            Sam2sError: it cannot be read.
        """
        stat = entry.path.stat()
        key = entry.path, stat.st_mtime_ns, stat.st_size
        with self._lock:
            known = self._known.get(key)
        if known is None:
            try:
                known = _look(entry.path, entry.workspace)
            except Sam2sError as error:
                known = error
            with self._lock:
                if len(self._known) > _KEPT:
                    self._known.clear()
                self._known[key] = known
        if isinstance(known, Sam2sError):
            raise known
        return known


def _look(path: Path, workspace: Path) -> VideoFact:
    source = open_video(path, workspace)
    try:
        declared = getattr(source, "duration", None)
        length = source.length
        if length is None and declared and source.fps:
            length = round(declared * source.fps)
        duration = float(length / source.fps) if length and source.fps else float(declared) if declared else None
        return VideoFact((int(source.size[0]), int(source.size[1])), length, duration)
    finally:
        source.close()
