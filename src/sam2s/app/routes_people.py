"""Who edits, who did what, and the notices that keep every open page up to date."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response, WebSocket, WebSocketDisconnect

from sam2s.app.context import AppContext, Caller, Desk, Who, get_caller, get_context
from sam2s.app.desk import VideoDesk
from sam2s.app.problems import ApiError
from sam2s.app.requests import LockRequest
from sam2s.app.routes_marks import search_state
from sam2s.app.runs_view import run_items
from sam2s.app.schemas import EventItem, LockState
from sam2s.errors import Sam2sError
from sam2s.workspace import WorkspaceEvent

router = APIRouter(prefix="/api/videos/{video_id}", tags=["people"])
POLL_SECONDS = 0.2
_SOCKETS = 256
_COLUMNS = ("event_id", "time", "author", "kind", "frame", "object_id", "undone", "payload")


@router.get("/lock")
def lock(desk: Desk, who: Who) -> LockState:
    """Who edits this video."""
    return _lock_state(desk, who.tab)


@router.put("/lock")
def take_lock(desk: Desk, who: Who, body: LockRequest) -> LockState:
    """Begin to edit; `take_over` although somebody else does, who is told."""
    desk.lock.take(who.tab, who.user, take_over=body.take_over)
    return _lock_state(desk, who.tab)


@router.delete("/lock")
def release_lock(desk: Desk, who: Who) -> LockState:
    """Stop editing."""
    desk.lock.release(who.tab)
    return _lock_state(desk, who.tab)


@router.get("/events")
def events(desk: Desk, since: Annotated[int, Query(ge=0, le=1 << 60)] = 0) -> list[EventItem]:
    """Acts after an event, at most 1000."""
    reader = desk.reader()
    return [_event_item(event) for event in (reader.events(since=since) if reader else [])[:1000]]


@router.get("/audit", response_class=Response)
def audit(desk: Desk, format: Literal["csv", "json"] = "csv") -> Response:
    """Every act with its time and author, also those that were taken back."""
    reader = desk.reader()
    items = [_event_item(event).model_dump() for event in (reader.events() if reader else [])]
    name = f"{desk.entry.path.stem}-audit.{format}"
    headers = {"Content-Disposition": _attachment(name)}
    if format == "json":
        return Response(json.dumps(items, indent=1), media_type="application/json", headers=headers)
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    for item in items:
        writer.writerow({name: _cell(item[name]) for name in _COLUMNS})
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@router.websocket("/notices")
async def notices(socket: WebSocket, video_id: str) -> None:
    """What changes: acts of others, propagations, who edits; the page asks for the rest."""
    context, who = get_context(socket), get_caller(socket)
    if socket.app.state.sockets >= _SOCKETS:
        await socket.close(4429)
        return
    try:
        desk = await asyncio.to_thread(lambda: context.desks.open(context.library.find(video_id)))
    except (ApiError, Sam2sError):
        await socket.close(4404)
        return
    socket.app.state.sockets += 1
    desk.lock.opened(who.tab)
    await socket.accept()
    listening = asyncio.create_task(_listen(socket))
    try:
        await _tell(socket, context, desk, who, listening)
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        listening.cancel()
        desk.lock.left(who.tab)
        socket.app.state.sockets -= 1


async def _tell(
    socket: WebSocket, context: AppContext, desk: VideoDesk, who: Caller, listening: asyncio.Task[None]
) -> None:
    said: dict[str, Any] = {}
    while not listening.done():
        desk.used = asyncio.get_running_loop().time()
        state = await asyncio.to_thread(_state, context, desk, who)
        news = {name: value for name, value in state.items() if said.get(name) != value}
        if news:
            await socket.send_json(news)
            said |= news
        await asyncio.sleep(POLL_SECONDS)


def _state(context: AppContext, desk: VideoDesk, who: Caller) -> dict[str, Any]:
    reader = desk.reader()
    detail = context.engine.detail
    return {
        "change": reader.change_counter() if reader else 0,
        "event": _newest(desk),
        "runs": [item.model_dump() for item in run_items(context, desk)],
        "lock": _lock_state(desk, who.tab).model_dump(),
        "engine": {
            "ready": detail is not None,
            "problem": context.engine.problem,
            "weights": context.weights_name,
        },
        "teaching": _teaching(context),
        "search": search_state(desk).model_dump(),
    }


def _teaching(context: AppContext) -> dict[str, Any] | None:
    """How far teaching is, of which every page shows a word."""
    progress = context.teaching.progress
    if progress is None:
        return None
    return {name: getattr(progress, name) for name in ("state", "stage", "done", "total", "number", "author")}


def _newest(desk: VideoDesk) -> int:
    """Number of the newest act, asked for from the one known last."""
    reader = desk.reader()
    if reader is None:
        return 0
    for event in reader.events(since=desk.newest):
        desk.newest = max(desk.newest, event.event_id)
    return desk.newest


async def _listen(socket: WebSocket) -> None:
    """Notice when the page is gone; it has nothing to say."""
    try:
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, RuntimeError, KeyError):
        return


def _lock_state(desk: VideoDesk, tab: str) -> LockState:
    holder, mine, since, notice = desk.lock.state(tab)
    return LockState(holder=holder, mine=mine, since=since, notice=notice)


def _event_item(event: WorkspaceEvent) -> EventItem:
    return EventItem(
        event_id=event.event_id,
        time=event.time,
        kind=event.kind,
        frame=event.frame,
        object_id=event.object_id,
        author=event.author,
        undone=event.undone,
        payload=event.payload,
    )


def _cell(value: Any) -> Any:
    """A value for a table; one that a spreadsheet would take for a formula is made text."""
    text = json.dumps(value) if isinstance(value, dict) else value
    return f"'{text}" if isinstance(text, str) and text[:1] in "=+-@\t\r" else text


def _attachment(name: str) -> str:
    from urllib.parse import quote

    return f"attachment; filename*=UTF-8''{quote(name)}"
