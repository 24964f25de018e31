"""What is measured on one video in one run, and the document that it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from sam2s.evaluation.protocols import InteractionLog
from sam2s.evaluation.sequence import ABSENT, FrameScore, score_frame, to_regions
from sam2s.memory import MemoryBank


class ObjectClaim(NamedTuple):
    """What a tracker says of an object on a frame besides its mask; None where it says nothing.

    Attributes:
        iou: predicted IoU of the mask, 0 to 1.
        presence: probability that the object is visible, 0 to 1.
        visible: whether the object counts as visible.
        category: its name.
        expected_iou: calibrated IoU of the mask, 0 to 1.
        doubt: probability that its true IoU is under 0.5.
        alarms: how many alarms it raises.
    """

    iou: float | None = None
    presence: float | None = None
    visible: bool | None = None
    category: str | None = None
    expected_iou: float | None = None
    doubt: float | None = None
    alarms: int | None = None


class TrackedFrame(NamedTuple):
    """A tracker's answer to a frame: masks and claims by object, and whether the frame counts for speed."""

    masks: dict[int, np.ndarray]
    claims: dict[int, ObjectClaim]
    timed: bool

    def without(self, void: np.ndarray | None) -> TrackedFrame:
        """The same without the undecided pixels of the frame."""
        if void is None:
            return self
        return self._replace(masks={object_id: mask & ~void for object_id, mask in self.masks.items()})


@dataclass
class MemoryUse:
    """How far the long-term memory of one object was filled, over the frames it was tracked on.

    Attributes:
        places: entries that it can hold.
        frames: frames counted.
        filled: sum over these frames of the entries held.
        used: frames on which it held any.
        stored: entries that the filter put into it.
    """

    places: int = 0
    frames: int = 0
    filled: int = 0
    used: int = 0
    stored: int = 0
    _latest: int | None = field(default=None, repr=False)

    def observe(self, bank: MemoryBank) -> None:
        """Count the entries that an object's bank holds after a frame."""
        held = [entry.time for entry in bank.long_term]
        self.places = bank.policy.places
        self.frames += 1
        self.filled += len(held)
        self.used += bool(held)
        self.stored += bool(held) and held[-1] != self._latest
        self._latest = held[-1] if held else None

    def as_dict(self) -> dict[str, int]:
        """The counts as they go into a result file."""
        names = ("places", "frames", "filled", "used", "stored")
        return {name: getattr(self, name) for name in names}


class VideoRecord:
    """What is measured on one video, frame by frame."""

    def __init__(self, objects: Iterable[int]) -> None:
        self.names: list[str] = []
        self.indices: list[int] = []
        self.frame_scores: list[dict[int, FrameScore]] = []
        self.annotated: dict[int, list[str]] = {object_id: [] for object_id in objects}
        self.claims: dict[int, list[ObjectClaim]] = {object_id: [] for object_id in self.annotated}
        self.memory: dict[int, MemoryUse] = {}
        self.notes: list[str] = []
        self.frames_read = 0
        self.seconds = 0.0
        self.latency: list[float] = []
        self.interactions = InteractionLog()

    def add_time(self, seconds: float, *, timed: bool) -> None:
        """Note how long a frame took, and whether it counts for the percentiles."""
        self.seconds += seconds
        if timed:
            self.latency.append(round(1000 * seconds, 3))

    def add_frame(
        self, index: int, name: str, tracked: TrackedFrame, truth: dict[int, np.ndarray], size: tuple[int, int]
    ) -> None:
        """Score an annotated frame."""
        scores = score_frame(to_regions(tracked.masks), to_regions(truth), size)
        self.frame_scores.append({object_id: scores.get(object_id, ABSENT) for object_id in truth})
        self.names.append(name)
        self.indices.append(index)
        for object_id in truth:
            self.annotated[object_id].append(name)
            self.claims[object_id].append(tracked.claims.get(object_id, ObjectClaim()))

    def observe_memory(self, banks: Mapping[int, MemoryBank]) -> None:
        """Count what the objects' banks hold after a frame."""
        for object_id, bank in banks.items():
            self.memory.setdefault(object_id, MemoryUse()).observe(bank)

    def as_dict(self) -> dict[str, Any]:
        """The record as it goes into a result file."""
        return {
            "names": self.names,
            "indices": self.indices,
            "annotated": self.annotated,
            "frame_scores": self.frame_scores,
            "claims": {i: [_rounded(claim) for claim in claims] for i, claims in self.claims.items()},
            "memory": {i: use.as_dict() for i, use in self.memory.items()},
            "clicks": self.interactions.clicks,
            "first_frame_j": self.interactions.first,
            "notes": list(dict.fromkeys(self.notes)),
            "frames_read": self.frames_read,
            "seconds": round(self.seconds, 4),
            "latency_ms": self.latency,
        }


def _rounded(claim: ObjectClaim) -> list[Any]:
    return [round(value, 6) if isinstance(value, float) else value for value in claim]
