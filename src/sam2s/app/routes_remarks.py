"""Remarks on frames, for review: left by whoever looks on, settled by whoever mends."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sam2s.app.context import Desk, Who
from sam2s.app.problems import ApiError
from sam2s.app.requests import FrameIndex, ObjectId, Strict
from sam2s.workspace import WorkspaceReader

router = APIRouter(prefix="/api/videos/{video_id}/remarks", tags=["review"])


class RemarkRequest(Strict):
    """What is to be looked at on a frame, perhaps of one object."""

    frame: FrameIndex
    text: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
    object_id: ObjectId | None = None


class RemarkItem(BaseModel):
    """A remark; `settled_by` is who has seen to it, or null while it is open."""

    event_id: int
    frame: int
    object_id: int | None
    text: str
    author: str | None
    time: str
    settled_by: str | None = None


@router.get("")
def remarks(desk: Desk) -> list[RemarkItem]:
    """All remarks in the order of frames, open ones and settled ones."""
    return remark_items(desk.reader())


@router.post("", status_code=201)
def add_remark(desk: Desk, who: Who, body: RemarkRequest) -> RemarkItem:
    """Leave a remark; one need not be the one who edits."""
    desk.frames.check(body.frame)
    if body.object_id is not None:
        desk.object(body.object_id)
    payload = {"remark": body.text}
    event = desk.writer().record("note", frame=body.frame, object_id=body.object_id, payload=payload, author=who.user)
    return _find(desk.reader(), event.event_id)


@router.post("/{event_id}/settle")
def settle(desk: Desk, who: Who, event_id: int) -> RemarkItem:
    """Note that a remark was seen to; of no effect where it was before."""
    if _find(desk.reader(), event_id).settled_by is None:
        desk.writer().record("note", payload={"settles": event_id}, author=who.user)
    return _find(desk.reader(), event_id)


def remark_items(reader: WorkspaceReader | None) -> list[RemarkItem]:
    """The remarks of a workspace."""
    notes = reader.events(kinds=("note",)) if reader is not None else []
    settled = {note.payload["settles"]: note.author or "somebody" for note in notes if "settles" in note.payload}
    items = [
        RemarkItem(
            event_id=note.event_id,
            frame=note.frame or 0,
            object_id=note.object_id,
            text=str(note.payload["remark"]),
            author=note.author,
            time=note.time,
            settled_by=settled.get(note.event_id),
        )
        for note in notes
        if "remark" in note.payload
    ]
    return sorted(items, key=lambda item: (item.frame, item.event_id))


def _find(reader: WorkspaceReader | None, event_id: int) -> RemarkItem:
    for item in remark_items(reader):
        if item.event_id == event_id:
            return item
    raise ApiError("not-found", f"there is no remark {event_id}", "event_id")
