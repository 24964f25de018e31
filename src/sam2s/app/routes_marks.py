"""Marks of the video itself: what there is, and a search for events that makes them."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from sam2s.app.context import Context, Desk, Who
from sam2s.app.desk import VideoDesk
from sam2s.app.problems import ApiError
from sam2s.app.schemas import VideoMark

router = APIRouter(prefix="/api/videos/{video_id}/marks", tags=["marks"])
MOST_SEARCHES = 2
"""Searches under way on one server, each of which keeps a processor busy."""


class EventSearchState(BaseModel):
    """How far a search for events is; "idle" where there was none while the server ran.

    `done` and `total` are frames, `found` events; `event_id` is the act that keeps them, which undo takes back.
    """

    state: Literal["idle", "running", "done", "stopped", "failed"]
    author: str | None = None
    done: int = 0
    total: int | None = None
    found: int = 0
    event_id: int | None = None
    message: str | None = None


@router.get("")
def marks(desk: Desk) -> list[VideoMark]:
    """Cuts, frames out of the body, smoke and the like, in the order of frames; also what a search has found so far."""
    return sorted(desk.marks.all(desk.reader()), key=lambda mark: (mark.start, mark.kind))


@router.post("/search", status_code=202)
def begin_search(context: Context, desk: Desk, who: Who) -> EventSearchState:
    """Look for events through the whole video, in the background; what is found replaces the marks that there are."""
    desk.lock.take(who.tab, who.user)
    if desk.search is not None and desk.search.running:
        raise ApiError("too-many", f"{desk.search.progress.author} has this video looked through already; wait or stop")
    if context.desks.searches() >= MOST_SEARCHES:
        raise ApiError("too-many", f"{MOST_SEARCHES} videos are looked through already, the most at once; try later")
    desk.begin_search(who.user)
    return search_state(desk)


@router.get("/search")
def search(desk: Desk) -> EventSearchState:
    """How far the search is, or how the last one ended."""
    return search_state(desk)


@router.post("/search/stop")
def stop_search(desk: Desk, who: Who) -> EventSearchState:
    """Stop the search; what it has found is kept."""
    if desk.search is not None and desk.search.running:
        desk.lock.take(who.tab, who.user)
        desk.search.stop()
    return search_state(desk)


def search_state(desk: VideoDesk) -> EventSearchState:
    """The search of a video in the shape of the API."""
    if desk.search is None:
        return EventSearchState(state="idle")
    return EventSearchState.model_validate(desk.search.progress, from_attributes=True)
