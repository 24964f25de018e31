"""A clip drawn for people: the true masks, and below them the predicted ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from sam2s.masks.overlay import contact_sheet

from .batch import ClipBatch
from .data.sheet import draw_clip, roles

WIDTH = 224
"""Of a frame in the picture, pixels."""


def draw_batch(
    batch: ClipBatch, predicted: Mapping[int, Tensor] | None = None, names: Sequence[str] = ()
) -> np.ndarray:
    """The first clip of a batch as a picture uint8 [H, W, 3], a column a frame.

    Args:
        batch: the clips.
        predicted: by frame of the clip, low-resolution logits [N, h, w] of the objects of the batch; frames that are
            missing were prompted with a mask, and show it.
        names: of categories.
    """
    batch = batch.to("cpu")
    images, captions = draw_clip(batch, 0, names), roles(batch, 0)
    columns = len(images)
    if predicted is not None:
        masks = batch.masks.clone()
        for frame, logits in predicted.items():
            large = F.interpolate(logits[None].float().cpu(), masks.shape[-2:], mode="bilinear", align_corners=False)
            masks[:, frame] = large[0] > 0
        images += draw_clip(batch, 0, names, masks)
        captions += ["predicted" if frame in predicted else "given" for frame in range(columns)]
    return contact_sheet(images, captions, columns=columns, width=WIDTH)
