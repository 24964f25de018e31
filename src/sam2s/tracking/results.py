"""Results of tracking on one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F

from sam2s.masks import rle
from sam2s.masks.bits import to_host
from sam2s.model import NO_OBJECT_LOGIT, Network, Segmentation

from .frame_context import FrameContext
from .mask_quality import MaskQuality
from .object_track import ObjectTrack
from .preprocess import ModelPrompt
from .presence import ObjectState as ObjectState
from .presence import PresenceRule, PresenceState


@dataclass(frozen=True)
class ObjectResult:
    """One object on one frame.

    Attributes:
        object_id: the caller's id; always denotes the same object.
        low_res_logits: float32 [h, w] at a quarter of the network's image size; > 0 is object.
        size: (H, W) of the source frame, the size of `mask`.
        iou: predicted IoU of the mask with the truth, 0 to 1; 0 where the frame was not judged.
        presence: probability that the object is visible, 0 to 1; 0 where the frame was not judged.
        state: state of the object, see `ObjectState`.
        prompted: whether a prompt was given for this object on this frame.
        category: most likely name of the text bank; None without a bank, or if the object is absent, on which CLS was
            not trained.
        category_probability: its softmax probability, or None.
        given: run lengths of the mask prompt of this frame, which is then the `mask`; else None.
        candidate_ious: predicted IoUs of the three candidate masks; their spread tells how ambiguous the frame is.
            None for a mask prompt.
        stability: share of the mask's area that remains at a stricter threshold, 0 to 1.
        pointer: object pointer [C] of the frame.
        prompt: prompts of the object on this frame, in pixels of the network's image; None if there are none.
        quality: how far to trust the mask, set by `sam2s.quality.QualityMonitor`; else None.
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
    given: rle.Rle | None = None
    candidate_ious: tuple[float, ...] | None = None
    stability: float | None = None
    pointer: torch.Tensor | None = None
    prompt: ModelPrompt | None = None
    quality: MaskQuality | None = None

    @cached_property
    def mask(self) -> np.ndarray:
        """bool [H, W] at source resolution, computed on first use.

        It is the mask prompt of this frame, else the logits, bilinearly upsampled and thresholded at 0.
        """
        if self.given is not None:
            return rle.decode(self.given)
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


def make_result(
    model: Network,
    context: FrameContext,
    track: ObjectTrack,
    answer: Segmentation,
    rule: PresenceRule,
    presence: PresenceState | None,
    category: tuple[str, float] | None,
) -> ObjectResult:
    """Build the result of an object from the answer of the network; `category` is from `name_answers`."""
    prompted = track.prompted(context.time)
    state = presence.state if presence else ObjectState.VISIBLE
    ious = answer.candidate_ious
    return ObjectResult(
        object_id=track.object_id,
        low_res_logits=answer.logits[0, 0],
        size=context.size,
        iou=float(answer.iou),
        presence=rule.probability(answer.object_logit),
        state=state if prompted else track.search.object_state(state),
        prompted=prompted is not None,
        category=category and category[0],
        category_probability=category and category[1],
        given=prompted.prompt.given if prompted else None,
        candidate_ious=None if ious is None else tuple(ious[0].tolist()),
        stability=None if answer.stability is None else float(answer.stability),
        pointer=answer.pointer[0],
        prompt=prompted.prompt if prompted else None,
    )


def not_judged(model: Network, object_id: int, size: tuple[int, int]) -> ObjectResult:
    """Build the result of an object on a frame of `size` (H, W) that was not judged: an empty mask."""
    side = model.image_size // 4
    nothing = torch.full((side, side), NO_OBJECT_LOGIT, device=model.device)
    return ObjectResult(object_id, nothing, size, 0.0, 0.0, ObjectState.NOT_JUDGED)


def name_answers(model: Network, answers: Mapping[int, Segmentation | None]) -> dict[int, tuple[str, float]]:
    """Name what the network answered on a frame, all objects in one transfer from the device.

    Each object is named by itself, so that no other changes a bit of its probability.

    Args:
        model: the network.
        answers: by object id; None for an object that was not judged.

    Returns:
        The most likely name of the text bank and its probability for each visible object; empty without a bank.
    """
    config = model.config
    seen = {
        i: answer.cls
        for i, answer in answers.items()
        if answer is not None and answer.cls is not None and bool(answer.object_logit > 0)
    }
    if not seen or not config.categories or config.semantic == "off":
        return {}
    filled = model.text_bank.any().to(torch.float32)  # a bank of zeros is an empty one
    columns = [filled]
    for cls in seen.values():
        probability, name = model.semantic_logits(cls)[0].float().softmax(0).max(0)
        columns += [probability, name.to(torch.float32)]
    filled_on_host, *numbers = torch.stack(columns).tolist()  # one wait for a GPU
    if not filled_on_host:
        return {}
    return {
        i: (config.categories[int(name)], probability)
        for i, probability, name in zip(seen, numbers[::2], numbers[1::2], strict=True)
    }
