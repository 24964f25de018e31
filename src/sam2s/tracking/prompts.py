"""Prompts: clicks, a box, a mask. Coordinates are (x, y) in pixels of the source frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sam2s.errors import PromptError

from .numbers import finite_number, whole_number


@dataclass(frozen=True, slots=True, init=False)
class Points:
    """Clicks on one frame.

    Attributes:
        coords: (x, y) pairs in pixels of the source frame, origin at the top-left corner.
        labels: one per click: 1 on the object (positive), 0 off it (negative).

    Raises:
        PromptError: there is no click, a value is not a finite number, or a label is not 0 or 1.
    """

    coords: tuple[tuple[float, float], ...]
    labels: tuple[int, ...]

    def __init__(self, coords: Sequence[Sequence[float]], labels: Sequence[int] | None = None) -> None:
        try:
            numbers = [(x, y) for x, y in coords]
        except (TypeError, ValueError):
            raise PromptError(f"Points got {coords!r}, not (x, y) pairs; give pairs: [(200, 260)]") from None
        pairs = tuple((finite_number(x, "point coordinate"), finite_number(y, "point coordinate")) for x, y in numbers)
        try:
            given = (1,) * len(pairs) if labels is None else tuple(labels)
        except TypeError:
            raise PromptError(f"Points got labels {labels!r}; give a list with one label per point") from None
        if not pairs:
            raise PromptError("Points needs at least one (x, y) pair, got none")
        if len(pairs) != len(given):
            raise PromptError(f"Points got {len(pairs)} coordinates but {len(given)} labels; give one label per point")
        signs = tuple(whole_number(label, "point label") for label in given)
        if bad := [label for label in signs if label not in (0, 1)]:
            raise PromptError(f"point label {bad[0]} is not allowed; use 1 (on the object) or 0 (off it)")
        object.__setattr__(self, "coords", pairs)
        object.__setattr__(self, "labels", signs)


@dataclass(frozen=True, slots=True, init=False)
class Box:
    """A bounding box: corners (x0, y0) top-left and (x1, y1) bottom-right, in pixels of the source frame.

    The four numbers may also be given as one sequence.

    Raises:
        PromptError: the box is empty, or a value is not a finite number.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __init__(self, x0: Any, y0: Any = None, x1: Any = None, y1: Any = None) -> None:
        corners = [x0, y0, x1, y1]
        if y0 is None and x1 is None and y1 is None:
            try:
                corners = list(x0)
            except TypeError:
                corners = []
            if len(corners) != 4:
                raise PromptError(f"Box got {x0!r}; give the four numbers x0, y0, x1, y1")
        for name, value in zip(("x0", "y0", "x1", "y1"), corners, strict=True):
            object.__setattr__(self, name, finite_number(value, f"box {name}"))
        if not (self.x1 > self.x0 and self.y1 > self.y0):
            text = f"{self.x0:g},{self.y0:g},{self.x1:g},{self.y1:g}"
            raise PromptError(f"box {text} is empty; give x0,y0,x1,y1 with x1 > x0 and y1 > y0")


@dataclass(frozen=True, slots=True, eq=False, init=False)  # arrays compare by element
class Mask:
    """A mask of the object: bool [H, W] at the size of the source frame.

    Accepted values are bool, 0 and 1, or 0 and 255. Probabilities, logits and soft edges need a `threshold`, above
    which a pixel belongs to the object. For a label map of several objects pass `labels == number`.

    Raises:
        PromptError: it is not a 2-D array, holds NaN, or holds other values without a `threshold`.
    """

    array: np.ndarray

    def __init__(self, array: Any, threshold: float | None = None) -> None:
        values = _picture(array)
        if threshold is None and values.dtype == bool:
            mask = values
        elif threshold is not None:
            mask = values > finite_number(threshold, "mask threshold")
        else:
            highest = values.max(initial=0)
            if highest not in (0, 1, 255) or not ((values == 0) | (values == highest)).all():
                raise PromptError(_several_values(values))
            mask = values != 0
        object.__setattr__(self, "array", np.array(mask, dtype=bool))


def _picture(array: Any) -> np.ndarray:
    """The numbers [H, W] of a mask, from any library."""
    try:
        if isinstance(array, torch.Tensor):
            array = array.detach().cpu()
            values = (array.float() if array.is_floating_point() else array).numpy()
        else:
            values = np.asarray(array)
    except (ValueError, TypeError, RuntimeError) as error:
        raise PromptError(f"a mask prompt is a 2-D array [H, W], got none: {error}") from None
    if values.ndim != 2 or not values.size:
        raise PromptError(f"a mask prompt is a 2-D array [H, W], got shape {values.shape}")
    if values.dtype.kind not in "biuf":
        raise PromptError(f"a mask prompt is bool or numbers, got {values.dtype}; give a bool array")
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise PromptError("a mask prompt holds NaN; give a bool array")
    return values


def _several_values(values: np.ndarray) -> str:
    found = np.unique(values)
    some = ", ".join(f"{value:g}" for value in found[:4].tolist()) + (", ..." if len(found) > 4 else "")
    return (
        f"a mask prompt is bool, 0 and 1, or 0 and 255, got {len(found)} values: {some}; for one object of a label map "
        "give labels == NUMBER, for probabilities Mask(array, threshold=0.5), for logits Mask(array, threshold=0)"
    )


Prompt = Points | Box | Mask
