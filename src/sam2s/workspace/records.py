"""What a workspace says of a video, an object, a frame and an act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from sam2s.errors import OutputError
from sam2s.masks import rle
from sam2s.masks.rle import Rle
from sam2s.tracking.mask_quality import MaskQuality
from sam2s.tracking.results import FrameResult, ObjectState
from sam2s.video.frame import VideoSource

from .merging import Layer
from .schema import SCALE

Clean = Callable[[np.ndarray], np.ndarray]
"""Changes a mask before it is written."""


def ratio(value: Fraction | None) -> str | None:
    """A time or rate exactly, as "num/den"."""
    return None if value is None else f"{value.numerator}/{value.denominator}"


def to_fraction(text: str | None) -> Fraction | None:
    """The reverse of `ratio`."""
    return None if text is None else Fraction(text)


@dataclass(frozen=True)
class VideoIdentity:
    """Which video a workspace belongs to.

    Attributes:
        name: short name for people and for output files.
        fingerprint: of its content, as `VideoSource.fingerprint` gives it; the same content is the same video.
        size: (H, W) of its frames.
        fps: frames a second, or None where unknown.
        path: where it was when the workspace was made, or None for a camera or an array.
        length: number of frames, or None where unknown.
        time_base: unit of its times in seconds, or None where unknown.
        pixel_aspect: width of a pixel by its height.
    """

    name: str
    fingerprint: str
    size: tuple[int, int]
    fps: Fraction | None = None
    path: str | None = None
    length: int | None = None
    time_base: Fraction | None = None
    pixel_aspect: Fraction = Fraction(1)

    @classmethod
    def of(cls, source: VideoSource) -> VideoIdentity:
        """Identity of an open video."""
        path = getattr(source, "path", None)
        return cls(
            source.name,
            source.fingerprint(),
            (int(source.size[0]), int(source.size[1])),
            source.fps,
            None if path is None else str(path),
            source.length,
            getattr(source, "time_base", None),
            getattr(source, "pixel_aspect", None) or Fraction(1),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "height": self.size[0],
            "width": self.size[1],
            "fps": ratio(self.fps),
            "path": self.path,
            "length": self.length,
            "time_base": ratio(self.time_base),
            "pixel_aspect": ratio(self.pixel_aspect),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> VideoIdentity:
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: something is missing or of the wrong kind.
        """
        return cls(
            data["name"],
            data["fingerprint"],
            (int(data["height"]), int(data["width"])),
            to_fraction(data["fps"]),
            data["path"],
            data["length"],
            to_fraction(data["time_base"]),
            Fraction(data["pixel_aspect"]),
        )


@dataclass(frozen=True)
class ObjectInfo:
    """An object of a workspace.

    Attributes:
        object_id: from 1 up; always means the same object.
        name: what it is called, or None.
        instance: tells objects of one name apart, or None.
        colour: red, green and blue from 0 to 255, or None for the palette's.
        hidden: not drawn.
        locked: not to be changed.
        end_frame: it has no masks from this frame on, or None.
        removed: it was removed, and has no masks at all.
    """

    object_id: int
    name: str | None = None
    instance: int | None = None
    colour: tuple[int, int, int] | None = None
    hidden: bool = False
    locked: bool = False
    end_frame: int | None = None
    removed: bool = False


@dataclass(frozen=True)
class WorkspaceEvent:
    """One act of a person or a program.

    Attributes:
        event_id: in order of time.
        time: when, in UTC, in ISO 8601.
        kind: what, see `sam2s.workspace.KINDS`.
        frame, object_id: what it concerns, if one of them.
        payload: the rest, as plain JSON.
        author: who, or None.
        run_id: the run that it began, or None.
        undone: the event that took it back, or 0.
    """

    event_id: int
    time: str
    kind: str
    frame: int | None = None
    object_id: int | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    author: str | None = None
    run_id: int | None = None
    undone: int = 0


@dataclass(frozen=True)
class ObjectRecord:
    """One object on one frame as it is stored; what `ObjectResult` has too means the same.

    Attributes:
        layer: where the mask comes from.
        event_id: the event that wrote it; 0 before it is written.
    """

    object_id: int
    rle: Rle
    iou: float
    presence: float
    state: ObjectState
    prompted: bool = False
    category: str | None = None
    category_probability: float | None = None
    layer: Layer = Layer.PROPAGATED
    event_id: int = 0
    quality: MaskQuality | None = None

    @cached_property
    def mask(self) -> np.ndarray:
        """bool [H, W], decoded on first use."""
        return rle.decode(self.rle)


@dataclass(frozen=True)
class FrameRecord:
    """All objects on one frame, by object id; `index` and `pts` as in `Frame`."""

    index: int
    pts: Fraction | None
    objects: dict[int, ObjectRecord] = field(default_factory=dict)


def to_record(result: FrameResult, clean: Clean | None = None) -> FrameRecord:
    """A result of the tracker as it is stored; `clean` may change each mask before."""
    objects = {}
    for object_id, tracked in result.objects.items():
        mask = tracked.mask if clean is None else clean(tracked.mask)
        objects[object_id] = ObjectRecord(
            object_id,
            rle.encode(mask),
            tracked.iou,
            tracked.presence,
            tracked.state,
            tracked.prompted,
            tracked.category,
            tracked.category_probability,
            quality=tracked.quality,
        )
    return FrameRecord(result.index, result.pts, objects)


def to_units(value: float, what: str) -> int:
    """A probability as it is stored.

    Raises:
        OutputError: it is not a number.
    """
    try:
        return round(value * SCALE)
    except (ValueError, OverflowError) as error:
        raise OutputError(f"{what} is {value}, which is not a number: the weights or the input are damaged") from error
