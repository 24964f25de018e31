"""What a person can point with: clicks, a box, a mask. Coordinates are (x, y) pixels of the source frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sam2s.errors import PromptError


@dataclass(frozen=True, slots=True)
class Points:
    """Clicks on one frame.

    Attributes:
        coords: (x, y) pairs, pixels of the source frame, origin at the top-left corner.
        labels: one per click: 1 on the object, 0 off it.
    """

    coords: tuple[tuple[float, float], ...]
    labels: tuple[int, ...]

    def __init__(self, coords: Sequence[Sequence[float]], labels: Sequence[int] | None = None) -> None:
        try:
            pairs = tuple((float(x), float(y)) for x, y in coords)
        except (TypeError, ValueError):
            raise PromptError(f"Points got {coords!r}, not (x, y) pairs; give pairs: [(200, 260)]") from None
        signs = (1,) * len(pairs) if labels is None else tuple(int(label) for label in labels)
        if not pairs:
            raise PromptError("Points needs at least one (x, y) pair, got none")
        if len(pairs) != len(signs):
            raise PromptError(f"Points got {len(pairs)} coordinates but {len(signs)} labels; give one label per point")
        if bad := [label for label in signs if label not in (0, 1)]:
            raise PromptError(f"point label {bad[0]} is not allowed; use 1 (on the object) or 0 (off it)")
        object.__setattr__(self, "coords", pairs)
        object.__setattr__(self, "labels", signs)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle round the object: corners (x0, y0) top-left and (x1, y1) bottom-right, in source pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not (self.x1 > self.x0 and self.y1 > self.y0):
            corners = f"{self.x0:g},{self.y0:g},{self.x1:g},{self.y1:g}"
            raise PromptError(f"box {corners} is empty; give x0,y0,x1,y1 with x1 > x0 and y1 > y0")


@dataclass(frozen=True, slots=True, eq=False)  # arrays compare by element
class Mask:
    """The object's outline, given whole: bool [H, W] at the size of the source frame."""

    array: np.ndarray

    def __post_init__(self) -> None:
        try:
            array = np.asarray(self.array).astype(bool)
        except ValueError as error:
            raise PromptError(f"a mask prompt is a 2-D array [H, W], got none: {error}") from None
        if array.ndim != 2:
            raise PromptError(f"a mask prompt is a 2-D array [H, W], got shape {array.shape}")
        object.__setattr__(self, "array", array)


Prompt = Points | Box | Mask
