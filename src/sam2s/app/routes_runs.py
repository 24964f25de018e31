"""Propagations: begin, watch, stop."""

from __future__ import annotations

from fastapi import APIRouter

from sam2s.app.context import Context, Desk, Who
from sam2s.app.problems import ApiError
from sam2s.app.requests import PropagateRequest
from sam2s.app.runs_view import interrupted, run_items, stop_run
from sam2s.app.schemas import RunItem

router = APIRouter(prefix="/api/videos/{video_id}", tags=["propagate"])


@router.post("/propagate", status_code=202)
def propagate(context: Context, desk: Desk, who: Who, body: PropagateRequest) -> RunItem:
    """Carry objects from a frame; masks appear frame by frame, and one may work on meanwhile."""
    desk.frames.check(body.frame)
    limit = context.settings.limits.queued_runs
    if len(context.engine.running()) >= limit:
        raise ApiError("too-many", f"{limit} propagations share the device, the most at once; wait or stop one")
    length = desk.frames.length
    reach = length if body.until != "frames" else body.frames
    if reach is None:
        raise ApiError("invalid", 'until "frames" needs their number', "frames")
    start = body.frame if body.direction == "forward" else max(0, body.frame - reach)
    stop = body.frame + 1 if body.direction == "backward" else min(length, body.frame + reach + 1)
    with desk.editing(who.tab, who.user) as workspace:
        known = {info.object_id: info for info in workspace.objects()}
        chosen = body.objects if body.objects is not None else list(known)
        if missing := sorted(set(chosen) - set(known)):
            raise ApiError("not-found", f"there is no object {missing[0]}", "objects")
        open_ones = [object_id for object_id in chosen if not known[object_id].locked]
        if not open_ones:
            raise ApiError("invalid", "there is no object to carry; click one first, or unlock it", "objects")
        plan = {
            "objects": open_ones,
            "frame": body.frame,
            "start": start,
            "stop": stop,
            "direction": body.direction,
            "until": body.until,
            "search": body.search,
            "weights": context.engine.weights,
        }
        event = workspace.record("propagate", frame=body.frame, payload=plan, author=who.user)
    context.engine.send(desk.order("propagate", who.user, event_id=event.event_id, frame=body.frame))
    item = next((item for item in run_items(context, desk) if item.event_id == event.event_id), None)
    assert item is not None, "a propagation that was sent is known"
    return item


@router.get("/runs")
def runs(context: Context, desk: Desk) -> list[RunItem]:
    """Propagations that run, and how the last ones ended."""
    return run_items(context, desk)


@router.post("/runs/{event_id}/stop")
def stop(context: Context, desk: Desk, who: Who, event_id: int) -> RunItem:
    """Stop a propagation at once; what is done stays."""
    if all(item.event_id != event_id for item in run_items(context, desk)):
        raise ApiError("not-found", f"there is no propagation {event_id}", "event_id")
    item = stop_run(context, desk, who.user, event_id)
    assert item is not None, "it was known before"
    return item


@router.get("/interrupted")
def interrupted_runs(context: Context, desk: Desk) -> list[RunItem]:
    """Propagations that a kill of the server cut off; they can be begun again where they stopped."""
    reader = desk.reader()
    if reader is None:
        return []
    running = {report.event_id for report in context.engine.running(str(desk.folder))}
    items = []
    for event in interrupted(reader):
        if event.event_id in running:
            continue
        extents = reader.extents(event.event_id).values()
        plan = event.payload
        backward = plan["direction"] == "backward"
        reached = [first if backward else last for first, last, _ in extents]
        frame = (min(reached) if backward else max(reached)) if reached else plan["frame"]
        done = max((count for _, _, count in extents), default=0)
        items.append(
            RunItem(
                event_id=event.event_id,
                author=event.author,
                objects=plan["objects"],
                start=plan["start"],
                stop=plan["stop"],
                frame=frame,
                done=done,
                total=plan["stop"] - plan["start"],
                direction=plan["direction"],
                state="interrupted",
            )
        )
    return items[-3:]
