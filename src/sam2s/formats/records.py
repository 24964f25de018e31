"""What a run keeps of a frame, and its line in the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

from sam2s.masks import rle
from sam2s.masks.rle import Rle
from sam2s.tracking.results import FrameResult, ObjectState

LINE_START = b'{"frame":'
_DIGITS = 5


@dataclass(frozen=True)
class ObjectRecord:
    """One object on one frame as it lies on disk; the fields mean what they mean in `ObjectResult`."""

    object_id: int
    rle: Rle
    iou: float
    presence: float
    state: ObjectState
    prompted: bool = False
    category: str | None = None
    category_probability: float | None = None

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


def ratio(value: Fraction | None) -> str | None:
    """A time or rate exactly, as "num/den"."""
    return None if value is None else f"{value.numerator}/{value.denominator}"


def to_line(result: FrameResult, clean: Callable[[np.ndarray], np.ndarray] | None = None) -> bytes:
    """A result as one line of JSON, the frame's index first; `clean` may change each mask before."""
    objects = []
    for object_id, found in result.objects.items():
        mask = found.mask if clean is None else clean(found.mask)
        entry = {
            "id": object_id,
            "counts": rle.encode(mask)["counts"],
            "iou": round(found.iou, _DIGITS),
            "presence": round(found.presence, _DIGITS),
            "state": str(found.state),
        }
        if found.prompted:
            entry["prompted"] = True
        if found.category is not None:
            entry["category"] = found.category
        if found.category_probability is not None:
            entry["category_probability"] = round(found.category_probability, _DIGITS)
        objects.append(entry)
    head = {"frame": result.index, "pts": ratio(result.pts)}
    line = json.dumps({**head, "objects": objects}, separators=(",", ":"), allow_nan=False)
    return line.encode() + b"\n"


def from_line(line: bytes, size: tuple[int, int]) -> FrameRecord:
    """Read what `to_line` wrote for frames of the given (H, W).

    Raises:
        ValueError: the line is damaged.
    """
    try:
        data = json.loads(line)
        objects = [
            ObjectRecord(
                entry["id"],
                {"size": list(size), "counts": entry["counts"]},
                entry["iou"],
                entry["presence"],
                ObjectState(entry["state"]),
                entry.get("prompted", False),
                entry.get("category"),
                entry.get("category_probability"),
            )
            for entry in data["objects"]
        ]
        pts = None if data["pts"] is None else Fraction(data["pts"])
        return FrameRecord(data["frame"], pts, {entry.object_id: entry for entry in objects})
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a frame's record ({error})") from error
