"""What tracking returns for one frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F

from sam2s.masks.bits import to_host


class ObjectState(StrEnum):
    """What the tracker believes of an object on a frame."""

    VISIBLE = "visible"
    OCCLUDED = "occluded"
    ABSENT = "absent"


@dataclass(frozen=True)
class ObjectResult:
    """One object on one frame.

    Attributes:
        object_id: the caller's id; always means the same object.
        low_res_logits: float32 [h, w] at a quarter of the network's image size; > 0 is object.
        size: (H, W) of the source frame, the size of `mask`.
        iou: predicted IoU of the mask with the truth, 0 to 1.
        presence: probability that the object is visible, 0 to 1.
        state: visible, occluded or absent.
        prompted: whether a prompt was given for this object on this frame.
        category: best name of the text bank; None without a bank, and where the network judges the object absent, of
            which CLS was taught nothing.
        category_probability: its softmax probability, or None.
    """

    object_id: int
    low_res_logits: torch.Tensor
    size: tuple[int, int]
    iou: float
    presence: float
    state: ObjectState
    prompted: bool = False
    category: str | None = None
    category_probability: float | None = None

    @cached_property
    def mask(self) -> np.ndarray:
        """bool [H, W] at source resolution: logits upsampled bilinearly, then thresholded at 0 (made on first use)."""
        logits = self.low_res_logits[None, None].float()
        return to_host(F.interpolate(logits, self.size, mode="bilinear", align_corners=False)[0, 0] > 0)


@dataclass(frozen=True)
class FrameResult:
    """All objects on one frame.

    Attributes:
        index: the frame's index in its source.
        pts: its exact time in seconds, or None.
        objects: by object id, in the order the objects were added.
    """

    index: int
    pts: Fraction | None
    objects: dict[int, ObjectResult] = field(default_factory=dict)
