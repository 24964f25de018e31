"""Looking at a video: frames, masks, prompts, timeline, what is worth a look, what an object remembers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from sam2s.app.context import Context, Desk, Who
from sam2s.app.doubt import next_doubtful, next_given
from sam2s.app.frames import MEDIA_TYPES, PictureFormat
from sam2s.app.ontology import ontology_names
from sam2s.app.problems import ApiError
from sam2s.app.remembered import memory_at
from sam2s.app.schemas import (
    Doubtful,
    FrameMasks,
    MemoryInfo,
    NextFrame,
    ObjectItem,
    PromptItem,
    TimelineData,
    VideoInfo,
)
from sam2s.app.thumbnails import overlay_thumbnail
from sam2s.app.timeline_view import timeline_data
from sam2s.app.views import frame_masks, object_items, prompt_items
from sam2s.workspace import ratio

router = APIRouter(prefix="/api/videos/{video_id}", tags=["look"])
Frame = Annotated[int, Query(ge=0, le=1 << 40)]


@router.get("")
def video(context: Context, desk: Desk) -> VideoInfo:
    """Open a video."""
    frames = desk.frames
    height, width = frames.source.size
    fps = frames.source.fps
    rate = float(fps) if fps else 25.0
    detail = context.engine.detail
    return VideoInfo(
        id=desk.entry.id,
        name=desk.entry.name,
        path=context.library.relative(desk.entry.path),
        width=width,
        height=height,
        length=frames.length,
        fps=rate,
        fps_exact=ratio(fps),
        duration=frames.length / rate,
        weights=context.weights_name,
        demonstration=context.engine.weights == "micro",
        device=detail["device"] if detail else "",
        ontology=ontology_names(tuple(detail["categories"]) if detail else ()),
    )


@router.get("/frames/{frame}", response_class=Response)
def picture(
    context: Context,
    desk: Desk,
    who: Who,
    frame: int,
    width: Annotated[int | None, Query(ge=1, le=1 << 16)] = None,
    format: PictureFormat = "jpeg",
) -> Response:
    """A frame by its exact index, at most `width` pixels wide; "png" is lossless."""
    if width is not None and width > context.settings.limits.frame_side:
        raise ApiError("invalid", f"width {width}: at most {context.settings.limits.frame_side}", "width")
    data = desk.frames.picture(frame, width, format)
    return Response(data, media_type=MEDIA_TYPES[format], headers={"Cache-Control": "private, max-age=600"})


@router.get("/frames/{frame}/overlay", response_class=Response)
def overlay(
    desk: Desk, frame: int, object_id: Annotated[int, Query(ge=1)], width: Annotated[int, Query(ge=16, le=640)] = 160
) -> Response:
    """A small picture of a frame round an object, its mask drawn in."""
    desk.frames.check(frame)
    return Response(overlay_thumbnail(desk, frame, object_id, width), media_type="image/jpeg")


@router.get("/frames/{frame}/masks")
def masks(context: Context, desk: Desk, who: Who, frame: int) -> FrameMasks:
    """All masks that are shown on a frame."""
    desk.frames.check(frame)
    if desk.lock.state(who.tab)[1]:
        desk.look(frame)
    return frame_masks(desk, frame)


@router.get("/masks")
def masks_of_span(
    context: Context, desk: Desk, start: Frame, stop: Frame, step: Annotated[int, Query(ge=1, le=1000)] = 1
) -> list[FrameMasks]:
    """Masks of the frames start, start + step, ... below stop, for playing."""
    stop = min(stop, desk.frames.length)
    wanted = range(start, stop, step)
    most = context.settings.limits.masks_per_request
    if len(wanted) > most:
        raise ApiError("invalid", f"{len(wanted)} frames: at most {most} at once; take a smaller span", "stop")
    if step > 4:
        return [frame_masks(desk, frame) for frame in wanted]
    reader = desk.reader()
    records = {record.index: record for record in reader.frames(start, stop)} if reader and wanted else {}
    return [frame_masks(desk, frame, records.get(frame)) for frame in wanted]


@router.get("/objects")
def objects(desk: Desk) -> list[ObjectItem]:
    """All objects."""
    return object_items(desk.reader())


@router.get("/prompts")
def prompts(desk: Desk, frame: Frame) -> list[PromptItem]:
    """The prompts on a frame that hold."""
    return prompt_items(desk.reader(), frame)


@router.get("/timeline")
def timeline(
    context: Context, desk: Desk, start: Frame, stop: Frame, buckets: Annotated[int, Query(ge=1)] = 512
) -> TimelineData:
    """What is known of each object between two frames, added up in columns of equal length."""
    most = context.settings.limits.timeline_buckets
    if buckets > most:
        raise ApiError("invalid", f"{buckets} columns: at most {most}", "buckets")
    if stop <= start:
        raise ApiError("invalid", f"frames {start} to {stop} are none; give a stop behind the start", "stop")
    return timeline_data(desk, start, stop, buckets)


@router.get("/doubtful")
def doubtful(desk: Desk, after: Annotated[int, Query(ge=-1, le=1 << 40)], below: float = 0.7) -> Doubtful:
    """The next frame worth a look after a frame: an unsure mask, or an object that comes or goes."""
    return next_doubtful(desk, after, below)


@router.get("/given")
def given(desk: Desk, object_id: Annotated[int, Query(ge=1)], frame: Frame, backward: bool = False) -> NextFrame:
    """The next frame, or the one before, on which a person gave an object its mask."""
    return NextFrame(frame=next_given(desk, object_id, frame, backward=backward))


@router.get("/memory")
def memory(desk: Desk, object_id: Annotated[int, Query(ge=1)], frame: Frame) -> MemoryInfo:
    """What an object remembered when a frame was tracked."""
    reader = desk.reader()
    desk.object(object_id)
    assert reader is not None, "an object lies in a workspace"
    return memory_at(reader, object_id, frame)
