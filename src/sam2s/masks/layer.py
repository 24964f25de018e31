"""One object as it is drawn on a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class OverlayLayer:
    """One object to draw.

    Attributes:
        object_id: chooses the colour and stands first in the label.
        mask: bool [H, W]; may be empty.
        name: what the object is called, or None.
        state: a word for the label when it is not "visible".
        presence: probability that the object is visible, shown small as a percentage, or None.
    """

    object_id: int
    mask: np.ndarray
    name: str | None = None
    state: str = "visible"
    presence: float | None = None
