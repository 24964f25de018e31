"""What is known of an object from the frames before: the little that its next mask is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch

from .observation import Observation, unit

AREAS = 9
"""Areas of which the median is usual."""
POINTERS = 4
"""Prompts whose object pointers are compared with; the first and the latest."""
ANCHOR = 5
"""Tracked frames after a prompt whose mean object pointer is compared with: those of prompts are made otherwise."""
PACE = 0.1
"""Weight of the newest frame in running means."""


@dataclass(slots=True, eq=False)
class ObjectHistory:
    """An object's past, in constant memory. What an attribute holds is replaced and never changed, so a copy is cheap.

    Attributes:
        kind: what it was shown by last: mask, box or points; "" before any prompt.
        agreement: how far masks of jittered prompts agreed then, 0 to 1; 1 where nobody looked.
        age: frames since that prompt.
        hidden: frames since the mask was last not empty.
        confidence: running mean of the logit of the predicted IoU.
        areas: shares of the picture, of the latest masks that are not empty.
        last: mask of the latest frame that had one, bool [h, w].
        centre, at_border: of that mask.
        pointer: of that frame.
        pointers: of prompted frames.
        anchor: mean pointer of the first frames tracked after the latest prompt, as a unit vector.
        appearance: of the latest prompted frame; None where unknown.
        colour, detail: running means.
        names: how often each category was named.
        streaks: for each alarm that has to last, frames on which its condition has held in a row.
    """

    kind: str = ""
    agreement: float = 1.0
    age: int = 0
    hidden: int = 0
    confidence: float | None = None
    areas: list[float] = field(default_factory=list)
    last: np.ndarray | None = None
    centre: tuple[float, float] = (0.0, 0.0)
    at_border: bool = False
    pointer: np.ndarray | None = None
    pointers: list[np.ndarray] = field(default_factory=list)
    anchor: np.ndarray | None = None
    appearance: np.ndarray | None = None
    colour: np.ndarray | None = None
    detail: float = 0.0
    names: dict[str, int] = field(default_factory=dict)
    streaks: dict[str, int] = field(default_factory=dict)

    @property
    def usual_area(self) -> float | None:
        """Median of the latest areas; None before the first mask."""
        return float(np.median(self.areas)) if self.areas else None

    @property
    def settled_name(self) -> str | None:
        """The category that was named most often, once it was named ten times."""
        name = max(self.names, key=lambda name: self.names[name], default=None)
        return name if name is not None and self.names[name] >= 10 else None

    def take_prompt(self, seen: Observation, kind: str, agreement: float) -> None:
        """Note that a person has shown the object on a frame: what it looks like there is what it is."""
        self.kind, self.agreement, self.age = kind, agreement, 0
        self.areas, self.last, self.pointer, self.anchor, self.streaks = [], None, None, None, {}
        if seen.area:
            self.pointers = [*self.pointers[:1], *self.pointers[1:][-(POINTERS - 2) :], seen.pointer]
            self.appearance = seen.appearance
            self.colour, self.detail = None, 0.0

    def add(self, seen: Observation, iou_logit: float, name: str | None) -> None:
        """Note what a frame showed."""
        self.age += 1
        usual = self.confidence
        self.confidence = iou_logit if usual is None else usual + PACE * (iou_logit - usual)
        if not seen.area:
            self.hidden += 1
            return
        self.hidden = 0
        if 1 < self.age <= ANCHOR + 1:
            before = seen.pointer if self.anchor is None else self.anchor
            self.anchor = unit(before + (seen.pointer - before) / (self.age - 1))
        if self.appearance is None:  # nobody showed it to us, as in the app, where masks of other runs are gone on from
            self.appearance = seen.appearance
        self.areas = [*self.areas[-(AREAS - 1) :], seen.area]
        self.last, self.centre, self.at_border, self.pointer = seen.mask, seen.centre, seen.at_border, seen.pointer
        self.detail = seen.detail if self.colour is None else self.detail + PACE * (seen.detail - self.detail)
        self.colour = (
            seen.colour if self.colour is None else self.colour + np.float32(PACE) * (seen.colour - self.colour)
        )
        if name is not None:
            self.names = {**self.names, name: self.names.get(name, 0) + 1}

    def state_dict(self) -> dict[str, Any]:
        """All of it in plain containers and tensors, for a snapshot."""
        return {item.name: _to_tensors(getattr(self, item.name)) for item in fields(self)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> ObjectHistory:
        """The history that `state_dict` was taken of."""
        return cls(**{name: _to_arrays(value) for name, value in state.items()})


def _to_tensors(value: Any) -> Any:
    if isinstance(value, list):
        return [_to_tensors(item) for item in value]
    if isinstance(value, dict):
        return dict(value)
    return torch.from_numpy(value.copy()) if isinstance(value, np.ndarray) else value


def _to_arrays(value: Any) -> Any:
    if isinstance(value, list):
        return [_to_arrays(item) for item in value]
    if isinstance(value, dict):
        return dict(value)
    return value.cpu().numpy() if isinstance(value, torch.Tensor) else value
