"""Events of the video as marks in a workspace, where the app's timeline shows them."""

from __future__ import annotations

from collections.abc import Iterable

from sam2s.video.event_kind import EventKind
from sam2s.workspace import Workspace, WorkspaceEvent, WorkspaceReader

from .event_detector import EventSpan


def write_marks(
    workspace: Workspace,
    spans: Iterable[EventSpan],
    *,
    within: tuple[int, int] | None = None,
    author: str = "sam2s events",
) -> WorkspaceEvent | None:
    """Note events in a workspace in place of those noted before, of which only those that lie elsewhere stay.

    Args:
        workspace: whose video it is.
        spans: the events.
        within: first frame that was looked at, and the one behind the last; None for the whole video.
        author: who looked for them.

    Returns:
        The act, which `undo` takes back as a whole; None where there is nothing to note.
    """
    known = read_marks(workspace)
    elsewhere = [s for s in known if within and (s.stop <= within[0] or s.start >= within[1])]
    marks: dict[str, list[tuple[int, int, float | None]]] = {}
    for span in sorted([*elsewhere, *spans], key=lambda span: span.start):
        marks.setdefault(span.kind, []).append((span.start, span.stop, None))
    for span in known:
        marks.setdefault(span.kind, [])
    return workspace.put_video_marks(marks, author=author) if marks else None


def read_marks(workspace: Workspace | WorkspaceReader) -> list[EventSpan]:
    """Events that are noted in a workspace, by their start."""
    spans = [EventSpan(kind, start, stop) for kind in EventKind for start, stop, _ in workspace.video_marks(kind)]
    return sorted(spans, key=lambda span: (span.start, span.kind))
