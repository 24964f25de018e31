"""The mean of image features under a mask, in the space of the text bank.

Legend: N objects, S image size, C channels, D width of text features.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from sam2s.model import SAM2S


def pool_masks(model: SAM2S, embedding: Tensor, truth: Tensor) -> Tensor | None:
    """The image embedding averaged over true masks, projected as CLS is.

    Args:
        model: the network.
        embedding: [N, C, h, w] of the frame of each object.
        truth: bool [N, S, S]; an empty mask averages nothing and gives the projection of 0.

    Returns:
        [N, D], or None for a network without names.
    """
    if model.config.semantic == "off":
        return None
    weight = F.adaptive_avg_pool2d(truth[:, None].float(), (embedding.shape[-2], embedding.shape[-1]))
    pooled = (embedding * weight).sum((2, 3)) / weight.sum((2, 3)).clamp(min=1e-4)
    projected: Tensor = model.semantic_proj(pooled)
    return projected
