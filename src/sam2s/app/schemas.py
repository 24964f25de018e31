"""Shapes of what the API takes and gives; ids and frame numbers mean what they mean in the exports."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FrameIndex = Annotated[int, Field(ge=0, le=1 << 40)]
ObjectId = Annotated[int, Field(ge=1, le=1 << 31)]
Objects = Annotated[list[ObjectId], Field(min_length=1, max_length=500)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]


class Strict(BaseModel):
    """A request: fields that are not known are refused, so that a slip is not overlooked."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class RleMask(Strict):
    """A mask as COCO stores it, column by column, as in the exports."""

    size: Annotated[list[int], Field(min_length=2, max_length=2, description="height, width")]
    counts: Annotated[str, Field(max_length=4_000_000)]


class VideoCard(BaseModel):
    """A video on the start page."""

    id: str
    name: str
    path: str
    bytes: int
    width: int | None = None
    height: int | None = None
    length: int | None = None
    duration: float | None = None
    masked: float = 0.0
    accepted: float = 0.0
    objects: int = 0
    opened: float | None = None
    author: str | None = None
    error: str | None = None


class VideoInfo(BaseModel):
    """An opened video."""

    id: str
    name: str
    path: str
    width: int
    height: int
    length: int
    fps: float
    fps_exact: str | None
    duration: float
    weights: str
    demonstration: bool
    device: str
    ontology: list[str]


class ObjectItem(BaseModel):
    """An object of a video."""

    object_id: int
    name: str
    instance: int
    colour: str
    hidden: bool
    locked: bool
    end_frame: int | None
    suggestion: str | None = None


class ObjectMask(BaseModel):
    """One object on one frame; `confidence` is the smaller of predicted IoU and presence."""

    object_id: int
    rle: RleMask
    layer: str
    iou: float
    presence: float
    confidence: float
    state: str
    prompted: bool
    accepted: bool
    category: str | None
    category_probability: float | None
    event_id: int


class FrameMasks(BaseModel):
    """All that is shown on a frame; `pts` is its exact time in seconds as "num/den"."""

    frame: int
    pts: str | None
    time: float | None
    objects: list[ObjectMask]


class ClickPoint(Strict):
    """A click in pixels of the source, origin at the top left corner."""

    x: Annotated[float, Field(ge=-1e6, le=1e6)]
    y: Annotated[float, Field(ge=-1e6, le=1e6)]
    positive: bool = True


class PromptRequest(Strict):
    """Point at an object: clicks, or a box [x0, y0, x1, y1]; clicks add to earlier ones on the frame."""

    frame: FrameIndex
    object_id: ObjectId
    points: Annotated[list[ClickPoint], Field(max_length=64)] = []
    box: Annotated[list[Annotated[float, Field(ge=-1e6, le=1e6)]], Field(min_length=4, max_length=4)] | None = None


class PromptItem(BaseModel):
    """A prompt that was given on a frame."""

    event_id: int
    object_id: int
    frame: int
    points: list[ClickPoint]
    box: list[float] | None


class ClearRequest(Strict):
    """Take back the prompts of an object on a frame."""

    frame: FrameIndex
    object_id: ObjectId


class BrushRequest(Strict):
    """The mask of an object on a frame as it is after painting or erasing."""

    frame: FrameIndex
    object_id: ObjectId
    rle: RleMask


class PropagateRequest(Strict):
    """Carry objects from a frame: `until` the end, the next frame that a person gave, or so many `frames`."""

    frame: FrameIndex
    objects: Annotated[list[ObjectId], Field(max_length=500)] | None = None
    direction: Literal["forward", "backward", "both"] = "forward"
    until: Literal["end", "prompt", "frames"] = "end"
    frames: Annotated[int, Field(ge=1, le=1 << 40)] | None = None


class SpanRequest(Strict):
    """Objects (all, if none are named) over frames from `start` up to `stop`, which is left out."""

    objects: Annotated[list[ObjectId], Field(max_length=500)] | None = None
    start: FrameIndex
    stop: FrameIndex


class ObjectRequest(Strict):
    """A new object, or what changes of one; `end_frame` -1 takes an end back."""

    name: Name | None = None
    instance: Annotated[int, Field(ge=1, le=9999)] | None = None
    colour: Colour | None = None
    hidden: bool | None = None
    locked: bool | None = None
    end_frame: Annotated[int, Field(ge=-1, le=1 << 40)] | None = None


class MergeRequest(Strict):
    """Make one object of two: `object_id` becomes part of `into`."""

    into: ObjectId
    object_id: ObjectId


class SplitRequest(Strict):
    """Give the masks of an object from a frame on to a new one."""

    object_id: ObjectId
    frame: FrameIndex


class SwapRequest(Strict):
    """Exchange the identities of two objects from a frame on."""

    a: ObjectId
    b: ObjectId
    frame: FrameIndex


class ForgetRequest(Strict):
    """Let an object forget a frame that it remembers."""

    object_id: ObjectId
    frame: FrameIndex


class ActResult(BaseModel):
    """An act that is in the workspace: its event, and where it helps the masks of its frame."""

    event_id: int | None = None
    object_id: int | None = None
    masks: FrameMasks | None = None
    message: str | None = None
    seconds: float | None = None
    encoder_seconds: float | None = None


class RunItem(BaseModel):
    """A propagation that waits, runs, or ended a moment ago."""

    event_id: int
    author: str | None
    objects: list[int]
    start: int
    stop: int
    frame: int
    done: int
    total: int
    direction: str
    state: str
    message: str | None = None
    queue: int = 0


class TimelineRow(BaseModel):
    """One object over the columns of the timeline."""

    covered: list[float]
    present: list[float]
    confidence: list[float | None]
    accepted: list[float]
    prompted: list[int]
    stale: list[int]


class VideoMark(BaseModel):
    """A span of the video itself: a cut, out of the body, blurred."""

    kind: str
    start: int
    stop: int


class TimelineData(BaseModel):
    """The timeline from `start` to `stop` in `buckets` columns."""

    start: int
    stop: int
    buckets: int
    rows: dict[int, TimelineRow]
    marks: list[VideoMark]


class Doubtful(BaseModel):
    """The next frame worth a look, or null where there is none."""

    frame: int | None
    object_id: int | None = None
    reason: str | None = None


class RememberedFrame(BaseModel):
    """A frame that an object remembers: given by a person ("conditioning") or chosen by the memory ("long-term")."""

    frame: int
    kind: Literal["conditioning", "long-term"]


class MemoryInfo(BaseModel):
    """What an object remembered when a frame was tracked."""

    object_id: int
    frame: int
    frames: list[RememberedFrame]


class LockState(BaseModel):
    """Who edits the video; `mine` is said of the tab that asks."""

    holder: str | None
    mine: bool
    since: float | None
    notice: str | None = None


class LockRequest(Strict):
    """Ask to edit; `take_over` although somebody else does."""

    take_over: bool = False


class UploadRequest(Strict):
    """A video that will be sent in parts."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    size: Annotated[int, Field(ge=1, le=1 << 45)]


class UploadState(BaseModel):
    """How much of an upload has arrived; `video` once it is whole."""

    id: str
    name: str
    size: int
    offset: int
    video: VideoCard | None = None


class DrawRequest(Strict):
    """Draw a clip to try things on."""

    seed: Annotated[int, Field(ge=0, le=1 << 31)] = 15
    frames: Annotated[int, Field(ge=10, le=500)] = 120


class ExportRequest(Strict):
    """Write masks in a format of others."""

    format: str
    objects: Annotated[list[ObjectId], Field(max_length=500)] | None = None
    accepted_only: bool = False


class TaskState(BaseModel):
    """Something that takes a while: an export or an import."""

    id: str
    kind: str
    state: Literal["running", "done", "failed"]
    done: int = 0
    total: int = 0
    message: str | None = None
    file: str | None = None


class Person(BaseModel):
    """Who one is, as events will say."""

    name: str
    needs_name: bool = False


class PersonRequest(Strict):
    """The name under which one works."""

    name: Name


class EventItem(BaseModel):
    """One act, for the audit."""

    event_id: int
    time: str
    kind: str
    frame: int | None
    object_id: int | None
    author: str | None
    undone: int
    payload: dict[str, Any]


class ServerInfo(BaseModel):
    """What this server is."""

    version: str
    weights: str
    device: str | None
    ready: bool
    problem: str | None
    local: bool
    folder: str
    max_upload: int
    formats: dict[str, list[str]]
