"""What happens to the video itself: cuts, out of the body, blurred, and so on, as the workspace notes it."""

from __future__ import annotations

import threading

from sam2s.app.schemas import VideoMark
from sam2s.quality import EventKind, EventSpan
from sam2s.workspace import WorkspaceReader

MARK_KINDS = tuple(str(kind) for kind in EventKind)


class VideoMarks:
    """Marks of one workspace, read again when it has changed.

    Attributes:
        pending: what a search has found and not written yet.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._change = -1
        self._marks: list[VideoMark] = []
        self.pending: list[EventSpan] = []

    def all(self, reader: WorkspaceReader | None) -> list[VideoMark]:
        """All marks, by kind; then those that a search has found so far."""
        found = [VideoMark(kind=span.kind, start=span.start, stop=span.stop) for span in self.pending]
        stored = self._stored(reader)
        return stored + [mark for mark in found if mark not in stored] if found else stored

    def _stored(self, reader: WorkspaceReader | None) -> list[VideoMark]:
        if reader is None:
            return []
        with self._lock:
            change = reader.change_counter()
            if change != self._change:
                self._marks = [
                    VideoMark(kind=kind, start=start, stop=stop)
                    for kind in MARK_KINDS
                    for start, stop, _ in reader.video_marks(kind)
                ]
                self._change = change
            return self._marks

    def between(self, reader: WorkspaceReader | None, start: int, stop: int) -> list[VideoMark]:
        """Marks that touch frames from `start` to before `stop`."""
        return [mark for mark in self.all(reader) if mark.stop > start and mark.start < stop]

    def on(self, reader: WorkspaceReader | None, frame: int) -> list[str]:
        """Kinds of the marks that a frame lies in."""
        return [mark.kind for mark in self.between(reader, frame, frame + 1)]
