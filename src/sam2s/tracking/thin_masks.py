"""Masks too thin for the network's image: a thread or a needle of few pixels."""

from __future__ import annotations

import warnings

import numpy as np
import torch
import torch.nn.functional as F

from sam2s.masks import rle
from sam2s.model import mask_prompt_logits

from .preprocess import ModelPrompt, model_mask
from .prompts import Mask

SIZES = (256, 384, 512, 768, 1024, 1536, 2048)
"""Image sizes that are tried when one is looked for that holds a mask."""

ENOUGH = 0.5
"""Share of a mask's pixels that has to be left for the network to follow the object from it."""

SURELY = 0.75
"""Share from which a mask counts as held without a look at it in full size."""


class ThinMaskWarning(UserWarning):
    """A mask prompt that the network's image cannot hold."""


def share_held(mask: np.ndarray, side: int) -> float:
    """Share of the pixels of a mask bool [H, W] that are left in what a network of image size `side` makes of it."""
    small = model_mask(Mask(mask), (mask.shape[0], mask.shape[1]), side)
    logits = F.interpolate(mask_prompt_logits(small), mask.shape, mode="bilinear", align_corners=False)
    held = (logits[0, 0] > 0) & torch.from_numpy(mask)
    return float(held.sum()) / max(1, int(mask.sum()))


def _is_thick(prompt: ModelPrompt) -> bool:
    """Whether a mask is surely held, looked at in the network's own image, which is much smaller than a frame."""
    if prompt.mask is None or prompt.given is None:
        return False
    logits = F.interpolate(mask_prompt_logits(prompt.mask), prompt.mask.shape[-2:], mode="bilinear")
    held = int(((logits > 0) & prompt.mask).sum())
    height, width = prompt.given["size"]
    pixels_each = height * width / prompt.mask[0, 0].numel()
    return held * pixels_each >= SURELY * rle.area(prompt.given)


def warn_if_too_thin(prompt: ModelPrompt, side: int, object_id: int) -> None:
    """Warn where a mask prompt leaves the network too little to follow the object, and say which image size would do.

    The mask itself is the result on its own frame in any case; only what is remembered of it is concerned.
    """
    if prompt.given is None or not prompt.mask_holds_pixels or _is_thick(prompt):
        return
    mask = rle.decode(prompt.given)
    if share_held(mask, side) >= ENOUGH:
        return
    enough = next((size for size in SIZES if size > side and share_held(mask, size) >= ENOUGH), None)
    advice = f"--image-size {enough} can" if enough else f"not even --image-size {SIZES[-1]} can: crop the video"
    warnings.warn(
        f"the mask of object {object_id} is too thin for the network's image of {side} pixels, which keeps less than "
        f"half of it, so the object will hardly be followed; {advice}",
        ThinMaskWarning,
        stacklevel=2,
    )
