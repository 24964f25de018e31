"""Shapes of what the API takes."""

from __future__ import annotations

from typing import Annotated, Literal

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
    """Carry objects from a frame: `until` the end, the next frame that a person gave, or so many `frames`.

    `search` doubts masks that are unlike what an object has looked like, and looks for lost objects all over the
    picture, as `sam2s track --memory divemem+search` does.
    """

    frame: FrameIndex
    objects: Annotated[list[ObjectId], Field(max_length=500)] | None = None
    direction: Literal["forward", "backward", "both"] = "forward"
    until: Literal["end", "prompt", "frames"] = "end"
    frames: Annotated[int, Field(ge=1, le=1 << 40)] | None = None
    search: bool = False


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


class LockRequest(Strict):
    """Ask to edit; `take_over` although somebody else does."""

    take_over: bool = False


class UploadRequest(Strict):
    """A video that will be sent in parts."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    size: Annotated[int, Field(ge=1, le=1 << 45)]


class DrawRequest(Strict):
    """Draw a clip to try things on."""

    seed: Annotated[int, Field(ge=0, le=1 << 31)] = 15
    frames: Annotated[int, Field(ge=10, le=500)] = 120


class ExportRequest(Strict):
    """Write masks in a format of others: of frames from `start` up to `stop`, every `step`, with their `pictures`."""

    format: str
    objects: Annotated[list[ObjectId], Field(max_length=500)] | None = None
    accepted_only: bool = False
    start: FrameIndex = 0
    stop: FrameIndex | None = None
    step: Annotated[int, Field(ge=1, le=1 << 30)] = 1
    pictures: bool = False


class PersonRequest(Strict):
    """The name under which one works."""

    name: Name
