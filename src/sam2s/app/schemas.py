"""Shapes of what the API gives; ids and frame numbers mean what they mean in the exports."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from sam2s.app.requests import ClickPoint, RleMask


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
    counted: bool = True
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
    """One object on one frame.

    `confidence` is one minus the doubt, or the smaller of predicted IoU and presence where nobody judged the mask;
    `alarms` are those of `sam2s.tracking.Alarm`; `advice` says what to do about a prompt in doubt.
    """

    object_id: int
    rle: RleMask
    layer: str
    area: int
    iou: float
    presence: float
    confidence: float
    state: str
    prompted: bool
    accepted: bool
    category: str | None
    category_probability: float | None
    expected_iou: float | None = None
    alarms: list[str] = []
    advice: str | None = None
    event_id: int


class FrameMasks(BaseModel):
    """All that is shown on a frame: `pts` is its exact time in seconds as "num/den", `marks` what happens there."""

    frame: int
    pts: str | None
    time: float | None
    objects: list[ObjectMask]
    marks: list[str] = []


class PromptItem(BaseModel):
    """A prompt that was given on a frame."""

    event_id: int
    object_id: int
    frame: int
    points: list[ClickPoint]
    box: list[float] | None


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
    """One object over the columns of the timeline; `alarms` marks columns that a person should look at.

    `covered` is the part of a column's frames that have masks; of those `present` is the part with the object visible,
    and `uncertain`, `searching` and `not_judged` are the parts with these states.
    """

    covered: list[float]
    present: list[float]
    confidence: list[float | None]
    accepted: list[float]
    prompted: list[int]
    uncertain: list[float]
    searching: list[float]
    not_judged: list[float]
    alarms: list[int]
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


class NextFrame(BaseModel):
    """A frame to go to, or null where there is none."""

    frame: int | None


class RememberedFrame(BaseModel):
    """A frame that an object remembers: given by a person ("conditioning") or chosen by the memory ("long-term")."""

    frame: int
    kind: Literal["conditioning", "long-term"]
    event_id: int | None = None
    """The act that wrote its mask; a picture of it is out of date when this changes."""


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


class UploadState(BaseModel):
    """How much of an upload has arrived; `video` once it is whole."""

    id: str
    name: str
    size: int
    offset: int
    video: VideoCard | None = None


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
    demonstration: bool
    device: str | None
    ready: bool
    problem: str | None
    local: bool
    folder: str
    max_upload: int


class FormatItem(BaseModel):
    """A format of others: its name for the API, and one for people."""

    name: str
    label: str


class Formats(BaseModel):
    """Formats that masks are written to ("export") and read from ("imported"), and those that pictures go with."""

    export: list[FormatItem]
    imported: list[FormatItem]
    pictures: list[str]
