"""Acts on masks and objects: each is in the workspace before it is answered, and can be undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fastapi import APIRouter

from sam2s.app.context import AppContext, Caller, Context, Desk, Who
from sam2s.app.desk import VideoDesk
from sam2s.app.problems import ApiError
from sam2s.app.requests import (
    BrushRequest,
    ClearRequest,
    ForgetRequest,
    MergeRequest,
    ObjectRequest,
    PromptRequest,
    SpanRequest,
    SplitRequest,
    SwapRequest,
)
from sam2s.app.runs_view import stop_run
from sam2s.app.schemas import ActResult
from sam2s.app.transfers import turn_rest_of_import
from sam2s.app.views import frame_masks, parse_colour
from sam2s.masks import rle
from sam2s.session.events import encode_prompt
from sam2s.tracking import Box, ObjectState, Points
from sam2s.workspace import FrameRecord, Layer, ObjectInfo, ObjectRecord, Workspace, WorkspaceEvent

router = APIRouter(prefix="/api/videos/{video_id}", tags=["act"])
_WORDS = {
    "prompt": "a click",
    "brush": "a stroke",
    "propagate": "a propagation",
    "delete_masks": "a deletion",
    "object": "a change of an object",
    "remove": "a removal",
    "forget": "a forgotten frame",
    "clear": "cleared prompts",
    "end": "the end of an object",
    "accept": "an acceptance",
    "unaccept": "a withdrawn acceptance",
    "import": "an import",
    "video_mark": "a search for events",
}


@router.post("/prompts")
def point(context: Context, desk: Desk, who: Who, body: PromptRequest) -> ActResult:
    """Click or box an object; answered with its mask. Clicks add to earlier ones on the same frame."""
    desk.frames.check(body.frame)
    payload = _prompt_payload(desk, body)
    with desk.editing(who.tab, who.user) as workspace:
        _unlocked(workspace, [body.object_id])
        event = workspace.record("prompt", frame=body.frame, object_id=body.object_id, payload=payload, author=who.user)
    try:
        report = context.engine.ask(desk.order("prompt", who.user, event_id=event.event_id))
    except ApiError:
        desk.writer().undo(event.event_id, author=who.user)  # nothing came of it
        raise
    return ActResult(
        event_id=event.event_id,
        object_id=body.object_id,
        masks=frame_masks(desk, body.frame),
        seconds=round(report.seconds, 4),
        encoder_seconds=round((report.detail or {}).get("encoder_seconds", 0.0), 4),
    )


@router.post("/prompts/clear")
def clear(desk: Desk, who: Who, body: ClearRequest) -> ActResult:
    """Take back the prompts of an object on a frame, and the mask that answered them."""
    desk.frames.check(body.frame)
    with desk.editing(who.tab, who.user) as workspace:
        _unlocked(workspace, [body.object_id])
        event = workspace.clear_prompts(body.object_id, body.frame, author=who.user)
    return ActResult(event_id=event.event_id, masks=frame_masks(desk, body.frame))


@router.post("/brush")
def brush(desk: Desk, who: Who, body: BrushRequest) -> ActResult:
    """Put the mask of an object on a frame, as it is after painting or erasing."""
    desk.frames.check(body.frame)
    mask = rle.Rle(size=body.rle.size, counts=body.rle.counts)
    if tuple(body.rle.size) != tuple(desk.frames.source.size):
        raise ApiError("invalid", f"the mask has size {body.rle.size}, frames {list(desk.frames.source.size)}", "rle")
    try:
        area = int(rle.decode(mask).sum())
    except (ValueError, IndexError, OverflowError) as error:
        raise ApiError("invalid", f"the mask cannot be read: {error}", "rle.counts") from error
    state = ObjectState.VISIBLE if area else ObjectState.ABSENT
    with desk.editing(who.tab, who.user) as workspace:
        _unlocked(workspace, [body.object_id])
        kept = workspace.read_frame(body.frame).objects.get(body.object_id)
        layer = Layer.ACCEPTED if kept is not None and kept.layer == Layer.ACCEPTED else Layer.BRUSHED
        entry = ObjectRecord(body.object_id, mask, 1.0, float(area > 0), state)
        with workspace.transaction():
            event = workspace.record("brush", frame=body.frame, object_id=body.object_id, author=who.user)
            record = FrameRecord(body.frame, desk.frames.pts(body.frame), {body.object_id: entry})
            workspace.write_frame(record, event.event_id, layer=layer)
        workspace.make_durable()
    return ActResult(event_id=event.event_id, object_id=body.object_id, masks=frame_masks(desk, body.frame))


@router.post("/objects", status_code=201)
def add_object(context: Context, desk: Desk, who: Who, body: ObjectRequest) -> ActResult:
    """A new object; its masks come with the first click."""
    with desk.editing(who.tab, who.user) as workspace:
        if len(workspace.objects()) >= context.settings.limits.objects:
            raise ApiError("too-many", f"a video may have {context.settings.limits.objects} objects")
        info = ObjectInfo(workspace.next_object_id())
        event = workspace.put_object(_changed(info, body), author=who.user)
    return ActResult(event_id=event.event_id, object_id=info.object_id)


@router.patch("/objects/{object_id}")
def change_object(desk: Desk, who: Who, object_id: int, body: ObjectRequest) -> ActResult:
    """Name, colour, hide, lock or end an object."""
    info = desk.object(object_id)
    with desk.editing(who.tab, who.user) as workspace:
        changed = _changed(info, body)
        kind = "end" if changed == replace(info, end_frame=changed.end_frame) and changed != info else "object"
        event = workspace.put_object(changed, author=who.user, kind=kind)
    return ActResult(event_id=event.event_id, object_id=object_id)


@router.delete("/objects/{object_id}")
def remove_object(desk: Desk, who: Who, object_id: int) -> ActResult:
    """Remove an object with its masks; undo brings it back."""
    desk.object(object_id)
    with desk.editing(who.tab, who.user) as workspace:
        _unlocked(workspace, [object_id])
        event = workspace.remove_object(object_id, author=who.user)
    return ActResult(event_id=event.event_id, object_id=object_id)


@router.post("/accept")
def accept(desk: Desk, who: Who, body: SpanRequest) -> ActResult:
    """Accept masks of a span: no propagation rewrites them, and the tracker is given them."""
    with desk.editing(who.tab, who.user) as workspace:
        event = workspace.accept(_chosen(workspace, desk, body), body.start, body.stop, author=who.user)
    return ActResult(event_id=event.event_id)


@router.post("/unaccept")
def unaccept(desk: Desk, who: Who, body: SpanRequest) -> ActResult:
    """Take acceptance back in a span."""
    with desk.editing(who.tab, who.user) as workspace:
        event = workspace.unaccept(_chosen(workspace, desk, body), body.start, body.stop, author=who.user)
    return ActResult(event_id=event.event_id)


@router.post("/delete-masks")
def delete_masks(desk: Desk, who: Who, body: SpanRequest) -> ActResult:
    """Delete masks in a span, but not accepted ones."""
    with desk.editing(who.tab, who.user) as workspace:
        objects = _chosen(workspace, desk, body)
        _unlocked(workspace, objects)
        event = workspace.delete_masks(objects, body.start, body.stop, author=who.user)
    return ActResult(event_id=event.event_id)


@router.post("/merge")
def merge(desk: Desk, who: Who, body: MergeRequest) -> ActResult:
    """Make one object of two; where both have a mask, the union."""
    desk.object(body.into)
    desk.object(body.object_id)
    with desk.editing(who.tab, who.user) as workspace:
        _unlocked(workspace, [body.into, body.object_id])
        event = workspace.merge_objects(body.into, body.object_id, author=who.user)
    return ActResult(event_id=event.event_id, object_id=body.into)


@router.post("/split")
def split(desk: Desk, who: Who, body: SplitRequest) -> ActResult:
    """Give the masks of an object from a frame on to a new object."""
    desk.object(body.object_id)
    with desk.editing(who.tab, who.user) as workspace:
        _unlocked(workspace, [body.object_id])
        made = workspace.split_object(body.object_id, body.frame, author=who.user)
    return ActResult(object_id=made, message=f"from frame {body.frame} on it is object {made}")


@router.post("/swap")
def swap(desk: Desk, who: Who, body: SwapRequest) -> ActResult:
    """Exchange the identities of two objects from a frame on."""
    desk.object(body.a)
    desk.object(body.b)
    with desk.editing(who.tab, who.user) as workspace:
        _unlocked(workspace, [body.a, body.b])
        event = workspace.swap_objects(body.a, body.b, body.frame, author=who.user)
    return ActResult(event_id=event.event_id)


@router.post("/memory/drop")
def drop_memory(desk: Desk, who: Who, body: ForgetRequest) -> ActResult:
    """Let an object forget a frame; masks that rest on it are marked stale until they are computed again."""
    desk.object(body.object_id)
    with desk.editing(who.tab, who.user) as workspace:
        event = workspace.record("forget", frame=body.frame, object_id=body.object_id, author=who.user)
    return ActResult(event_id=event.event_id, message="masks that rest on it are hatched until you propagate again")


@router.post("/undo")
def undo(context: Context, desk: Desk, who: Who) -> ActResult:
    """Take the last act back, without limit, also after a restart."""
    return _turn(context, desk, who, "undo")


@router.post("/redo")
def redo(context: Context, desk: Desk, who: Who) -> ActResult:
    """Do again what was taken back last, if nothing was done since."""
    return _turn(context, desk, who, "redo")


def _turn(context: AppContext, desk: VideoDesk, who: Caller, how: str) -> ActResult:
    if desk.reader() is None:
        return ActResult(message=f"there is nothing to {how}")
    with desk.editing(who.tab, who.user) as workspace:
        for run in context.engine.running(str(desk.folder)):
            stop_run(context, desk, who.user, run.event_id)
        event: WorkspaceEvent | None = getattr(workspace, how)(author=who.user)
        if event is not None:
            event = turn_rest_of_import(workspace, event, how, who.user)
    if event is None:
        return ActResult(message=f"there is nothing to {how}")
    what = _WORDS.get(event.kind, f"a {event.kind}")
    at = "" if event.frame is None else f" on frame {event.frame}"
    return ActResult(event_id=event.event_id, message=f"{what}{at} {'taken back' if how == 'undo' else 'done again'}")


def _prompt_payload(desk: VideoDesk, body: PromptRequest) -> dict[str, object]:
    """The prompt as events hold it, after the checks that every prompt goes through."""
    height, width = desk.frames.source.size
    if (body.box is None) == (not body.points):
        raise ApiError("invalid", "give either points or a box", "points")
    if body.box is not None:
        box = Box(*body.box)
        if box.x1 <= 0 or box.y1 <= 0 or box.x0 >= width or box.y0 >= height:
            raise ApiError("invalid", f"the box lies outside the frame of {width} x {height} pixels", "box")
        return {"prompt": encode_prompt(box), "keep": True}
    for point in body.points:
        if not (0 <= point.x <= width and 0 <= point.y <= height):
            raise ApiError(
                "invalid", f"the click at {point.x:g},{point.y:g} lies outside {width} x {height} pixels", "points"
            )
    points = Points([(p.x, p.y) for p in body.points], [int(p.positive) for p in body.points])
    return {"prompt": encode_prompt(points), "keep": True}


def _changed(info: ObjectInfo, body: ObjectRequest) -> ObjectInfo:
    given = body.model_dump(exclude_none=True)
    if "colour" in given:
        given["colour"] = parse_colour(given["colour"])
    if given.get("end_frame") == -1:
        given["end_frame"] = None
    return replace(info, **given)


def _chosen(workspace: Workspace, desk: VideoDesk, body: SpanRequest) -> list[int]:
    """The objects of a request, all where it names none.

    Raises:
        ApiError: the span holds no frame of the video, or there is no object.
    """
    if not body.start < body.stop <= desk.frames.length:
        raise ApiError(
            "invalid", f"frames {body.start} to {body.stop}: the video has {desk.frames.length}, and stop is left out"
        )
    known = [info.object_id for info in workspace.objects()]
    chosen = known if body.objects is None else body.objects
    if missing := sorted(set(chosen) - set(known)):
        raise ApiError("not-found", f"there is no object {missing[0]}", "objects")
    if not chosen:
        raise ApiError("invalid", "there are no objects yet; click one first", "objects")
    return chosen


def _unlocked(workspace: Workspace, object_ids: Iterable[int]) -> None:
    """Refuse to change a locked object, or one that does not exist."""
    known = {info.object_id: info for info in workspace.objects()}
    for object_id in object_ids:
        if object_id not in known:
            raise ApiError("not-found", f"there is no object {object_id}; make it first", "object_id")
        if known[object_id].locked:
            raise ApiError("locked", f"object {object_id} is locked; unlock it in the list of objects", "object_id")
