"""What a workspace holds, in the shapes of the API."""

from __future__ import annotations

from fractions import Fraction

from sam2s.app.desk import VideoDesk
from sam2s.app.requests import ClickPoint, RleMask
from sam2s.app.schemas import FrameMasks, ObjectItem, ObjectMask, PromptItem
from sam2s.masks import rle
from sam2s.masks.palette import display_color
from sam2s.quality import ADVICE
from sam2s.session.events import decode_prompt
from sam2s.tracking import Alarm, Box, ObjectState, Points
from sam2s.workspace import FrameRecord, Layer, ObjectInfo, ObjectRecord, WorkspaceEvent, WorkspaceReader, ratio

UNNAMED = "object"


def hex_colour(info: ObjectInfo) -> str:
    """The colour of an object, as "#rrggbb"."""
    red, green, blue = info.colour or display_color(info.object_id)
    return f"#{red:02x}{green:02x}{blue:02x}"


def parse_colour(text: str) -> tuple[int, int, int]:
    """The reverse of `hex_colour`."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def object_items(reader: WorkspaceReader | None) -> list[ObjectItem]:
    """All objects; to those without a name the weights' suggestion, where they have one."""
    if reader is None:
        return []
    return [
        ObjectItem(
            object_id=info.object_id,
            name=info.name or UNNAMED,
            instance=info.instance or 1,
            colour=hex_colour(info),
            hidden=info.hidden,
            locked=info.locked,
            end_frame=info.end_frame,
            suggestion=None if info.name else _suggestion(reader, info.object_id),
        )
        for info in reader.objects()
    ]


def frame_masks(desk: VideoDesk, frame: int, record: FrameRecord | None = None) -> FrameMasks:
    """What is shown on a frame."""
    if record is None:
        reader = desk.reader()
        record = reader.read_frame(frame) if reader else FrameRecord(frame, None)
    pts = record.pts
    if pts is None:
        fps = desk.frames.source.fps
        pts = None if fps is None else Fraction(frame) / fps
    return FrameMasks(
        frame=frame,
        pts=ratio(pts),
        time=None if pts is None else float(pts),
        objects=[_object_mask(entry) for entry in record.objects.values()],
        marks=desk.marks.on(desk.reader(), frame),
    )


def prompt_items(reader: WorkspaceReader | None, frame: int) -> list[PromptItem]:
    """Prompts on a frame that hold, of objects that are still there."""
    if reader is None:
        return []
    known = {info.object_id for info in reader.objects()}
    items: list[PromptItem] = []
    for event in reader.events(kinds=("prompt", "clear", "brush")):
        if event.undone or event.frame != frame or event.object_id not in known:
            continue
        if event.kind != "prompt":
            items = [item for item in items if item.object_id != event.object_id]
        else:
            if "points" not in event.payload.get("prompt", {}):  # a box starts the frame's prompts anew
                items = [item for item in items if item.object_id != event.object_id]
            items.append(_prompt_item(event))
    return items


def confidence(entry: ObjectRecord) -> float:
    """How far a mask may be believed, 0 to 1; one that a person gave, wholly, and an empty one of no judgement."""
    if entry.layer in (Layer.ACCEPTED, Layer.BRUSHED, Layer.IMPORTED) or entry.state == ObjectState.NOT_JUDGED:
        return 1.0
    if entry.quality is not None:
        return 1 - entry.quality.doubt
    return (
        min(entry.iou, entry.presence)
        if entry.state in (ObjectState.VISIBLE, ObjectState.UNCERTAIN)
        else 1 - entry.presence
    )


def _object_mask(entry: ObjectRecord) -> ObjectMask:
    counts = entry.rle["counts"]
    assert isinstance(counts, str), "a workspace stores compressed counts"
    return ObjectMask(
        object_id=entry.object_id,
        rle=RleMask(size=list(entry.rle["size"]), counts=counts),
        layer=entry.layer.name.lower(),
        area=rle.area(entry.rle),
        iou=entry.iou,
        presence=entry.presence,
        confidence=confidence(entry),
        state=str(entry.state),
        prompted=entry.prompted,
        accepted=entry.layer == Layer.ACCEPTED,
        category=entry.category,
        category_probability=entry.category_probability,
        expected_iou=None if entry.quality is None else entry.quality.expected_iou,
        alarms=[] if entry.quality is None else [str(alarm) for alarm in entry.quality.alarms],
        advice=ADVICE["points"] if entry.quality is not None and Alarm.PROMPT in entry.quality.alarms else None,
        event_id=entry.event_id,
    )


def _prompt_item(event: WorkspaceEvent) -> PromptItem:
    prompt = decode_prompt(event.payload["prompt"])
    points, box = [], None
    if isinstance(prompt, Box):
        box = [prompt.x0, prompt.y0, prompt.x1, prompt.y1]
    elif isinstance(prompt, Points):
        pairs = zip(prompt.coords, prompt.labels, strict=True)
        points = [ClickPoint(x=x, y=y, positive=bool(label)) for (x, y), label in pairs]
    return PromptItem(
        event_id=event.event_id, object_id=event.object_id or 0, frame=event.frame or 0, points=points, box=box
    )


def _suggestion(reader: WorkspaceReader, object_id: int) -> str | None:
    """The category that the weights gave the object on the first frame that a person pointed at."""
    for frame, _, _ in reader.given_frames(object_id, limit=1):
        entry = reader.read_frame(frame).objects.get(object_id)
        return entry.category if entry else None
    return None
