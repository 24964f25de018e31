"""Propagations as the page shows them, and how one is stopped."""

from __future__ import annotations

import time

from sam2s.app.context import AppContext
from sam2s.app.desk import VideoDesk
from sam2s.app.engine.messages import Report
from sam2s.app.schemas import RunItem
from sam2s.workspace import WorkspaceEvent, WorkspaceReader

_STOP_SECONDS = 15.0


def run_items(context: AppContext, desk: VideoDesk) -> list[RunItem]:
    """Propagations of a video that run, or ended while this server ran; the newest last."""
    reader = desk.reader()
    reports = context.engine.runs(str(desk.folder))
    if reader is None or not reports:
        return []
    events = {event.event_id: event for event in reader.events(kinds=("propagate",))}
    known = [(events[report.event_id], report) for report in reports if report.event_id in events]
    return [_item(event, report) for event, report in known[-8:]]


def stop_run(context: AppContext, desk: VideoDesk, user: str, event_id: int) -> RunItem | None:
    """Stop a propagation and wait until it has; what is done stays."""
    context.engine.send(desk.order("stop", user, event_id=event_id))
    limit = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < limit:
        if all(report.event_id != event_id for report in context.engine.running(str(desk.folder))):
            break
        time.sleep(0.01)
    return next((item for item in run_items(context, desk) if item.event_id == event_id), None)


def interrupted(reader: WorkspaceReader) -> list[WorkspaceEvent]:
    """Propagations of the app that neither ended nor were stopped: the server was killed."""
    ended = {event.payload.get("propagation") for event in reader.events(kinds=("note",))}
    events = reader.events(kinds=("propagate",))
    return [e for e in events if "direction" in e.payload and not e.undone and e.event_id not in ended]


def _item(event: WorkspaceEvent, report: Report) -> RunItem:
    plan = event.payload
    return RunItem(
        event_id=event.event_id,
        author=event.author,
        objects=plan.get("objects", []),
        start=plan.get("start", 0),
        stop=plan.get("stop", 0),
        frame=report.frame,
        done=report.done,
        total=report.total,
        direction=plan.get("direction", "forward"),
        state=report.state,
        message=report.message or None,
        queue=report.queue,
    )
