"""What an object remembered when a frame was tracked, and which masks rest on what it was told to forget."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from sam2s.app.engine.propagation_job import memory_path
from sam2s.app.schemas import MemoryInfo, RememberedFrame
from sam2s.workspace import WorkspaceEvent, WorkspaceReader


def memory_at(reader: WorkspaceReader, object_id: int, frame: int) -> MemoryInfo:
    """The frames an object remembered when its mask on a frame was made; of others, those a person gave it."""
    entry = reader.read_frame(frame).objects.get(object_id)
    given: list[int] = []
    long_term: list[int] = []
    for line in _lines(reader, entry.event_id if entry else 0):
        behind = line["frame"] >= frame if line["reverse"] else line["frame"] <= frame
        if line["object"] == object_id and behind:
            given, long_term = line["given"], line["long"]
    if not given:
        given = [at for at, _, _ in reader.given_frames(object_id, limit=16)]
    dropped = forgotten(reader.events(kinds=("forget",)), object_id)
    frames = [
        RememberedFrame(frame=at, kind="conditioning", event_id=_author_of(reader, object_id, at))
        for at in given
        if at not in dropped
    ]
    frames += [
        RememberedFrame(frame=at, kind="long-term", event_id=_author_of(reader, object_id, at))
        for at in long_term
        if at not in dropped
    ]
    return MemoryInfo(object_id=object_id, frame=frame, frames=frames)


def _author_of(reader: WorkspaceReader, object_id: int, frame: int) -> int | None:
    """The act that wrote the mask of an object on a frame."""
    entry = reader.read_frame(frame).objects.get(object_id)
    return entry.event_id if entry else None


def forgotten(events: list[WorkspaceEvent], object_id: int) -> set[int]:
    """Frames that an object was told to forget."""
    return {
        event.frame
        for event in events
        if event.kind == "forget" and not event.undone and event.object_id == object_id and event.frame is not None
    }


def stale_spans(reader: WorkspaceReader, object_id: int) -> list[tuple[int, int]]:
    """Spans of masks that rest on a frame that was dropped since, and were not computed again."""
    events = reader.events(kinds=("forget", "propagate"))
    stale: list[tuple[int, int]] = []
    for place, event in enumerate(events):
        if event.kind != "forget" or event.undone or event.object_id != object_id or event.frame is None:
            continue
        for earlier in events[:place]:
            if earlier.kind == "propagate" and not earlier.undone:
                stale += _resting_on(reader, earlier, object_id, event.frame)
        for later in events[place + 1 :]:
            if later.kind == "propagate" and not later.undone and object_id in reader.extents(later.event_id):
                first, last, _ = reader.extents(later.event_id)[object_id]
                stale = [part for span in stale for part in _without(span, (first, last + 1))]
    return stale


def mark_columns(spans: list[tuple[int, int]], edges: np.ndarray) -> list[int]:
    """1 for every column [edges[i], edges[i + 1]) that overlaps a span."""
    marked = np.zeros(len(edges) - 1, np.int64)
    for start, stop in spans:
        marked |= (edges[:-1] < stop) & (edges[1:] > start)
    return marked.tolist()


def _resting_on(reader: WorkspaceReader, event: WorkspaceEvent, object_id: int, dropped: int) -> list[tuple[int, int]]:
    """Spans that a propagation wrote while an object remembered a frame."""
    extent = reader.extents(event.event_id).get(object_id)
    if extent is None:
        return []
    spans: list[tuple[int, int]] = []
    begin: int | None = None
    reverse = False
    for line in _lines(reader, event.event_id):
        if line["object"] != object_id:
            continue
        if begin is not None and line["reverse"] != reverse:  # the other direction begins anew
            spans.append(_ordered(begin, extent[0] if reverse else extent[1]))
            begin = None
        reverse = line["reverse"]
        remembers = dropped in line["given"] or dropped in line["long"]
        if remembers and begin is None:
            begin = line["frame"]
        elif not remembers and begin is not None:
            spans.append(_ordered(begin, line["frame"]))
            begin = None
    if begin is not None:
        spans.append(_ordered(begin, extent[0] if reverse else extent[1]))
    return spans


def _ordered(first: int, last: int) -> tuple[int, int]:
    return min(first, last), max(first, last) + 1


def _without(span: tuple[int, int], hole: tuple[int, int]) -> list[tuple[int, int]]:
    parts = [(span[0], min(span[1], hole[0])), (max(span[0], hole[1]), span[1])]
    return [part for part in parts if part[0] < part[1]]


def _lines(reader: WorkspaceReader, event_id: int) -> list[dict[str, Any]]:
    """The notes of a propagation; a torn last line counts as never written."""
    try:
        text = memory_path(reader.folder, event_id).read_text(encoding="utf-8")
    except OSError:
        return []
    lines = []
    for line in text.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines
