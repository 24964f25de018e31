"""The terms of the loss, each for every object and candidate mask by itself.

Legend: N objects, M candidate masks, H W size at which masks are compared, K names, D width of text features. Targets
are the share of each pixel that the object covers, in [0, 1].
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2s.model.semantics import LOGIT_SCALE, category_logits

ALPHA, GAMMA = 0.25, 2.0
"""Focal loss of SAM 2: weight of the object against the background, and how fast easy pixels lose weight."""


def focal(logits: Tensor, target: Tensor) -> Tensor:
    """Focal loss, mean over pixels: [N, M, H, W], [N, H, W] -> [N, M]; with a soft target SAM2S Eq. 5."""
    y = target[:, None]
    p = logits.sigmoid()
    miss = p + y - 2 * p * y  # 1 - p_t
    return ((1 - ALPHA + (2 * ALPHA - 1) * y) * miss**GAMMA * _entropy(logits, target)).mean((2, 3))


def cross_entropy(logits: Tensor, target: Tensor, balance: float = 0.0) -> Tensor:
    """Binary cross-entropy, mean over pixels: [N, M, H, W], [N, H, W] -> [N, M].

    A share `balance` of it is the mean of the object's mean and the background's mean instead.
    """
    each = _entropy(logits, target)
    plain = each.mean((2, 3))
    if not balance:
        return plain
    y = target[:, None]
    inside = (each * y).sum((2, 3)) / y.sum((2, 3)).clamp(min=1)
    outside = (each * (1 - y)).sum((2, 3)) / (1 - y).sum((2, 3)).clamp(min=1)
    return (1 - balance) * plain + balance * (inside + outside) / 2


def dice(logits: Tensor, target: Tensor, smooth: float = 1.0) -> Tensor:
    """1 - (2 |P * G| + smooth) / (|P| + |G| + smooth) of probabilities: [N, M, H, W], [N, H, W] -> [N, M].

    2 |P * G| is written |P| + |G| - |P - G|: the same where G is 0 or 1, and lowest at P = G where it is not.
    """
    p, g = logits.sigmoid().flatten(2), target[:, None].flatten(2)
    both = p.sum(2) + g.sum(2)
    return 1 - (both - (p - g).abs().sum(2) + smooth) / (both + smooth)


@torch.no_grad()
def mask_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU of logits > 0 with target > 0.5: [N, M, H, W], [N, H, W] -> [N, M]; 0 where both are empty."""
    predicted, truth = logits > 0, target[:, None] > 0.5
    return (predicted & truth).sum((2, 3)) / (predicted | truth).sum((2, 3)).clamp(min=1)


def category_loss(cls: Tensor, bank: Tensor, category: Tensor, scale: float = LOGIT_SCALE) -> Tensor:
    """Cross-entropy of the names (SAM2S Eq. 3): projected CLS [N, D], bank [K, D], category [N] -> [N].

    Objects of category -1 have no name that could be right, and 0. The logits are `scale` times the cosine.
    """
    logits = scale / LOGIT_SCALE * category_logits(cls, bank)
    return F.cross_entropy(logits, category, ignore_index=-1, reduction="none")


def power_loss(power: Tensor) -> Tensor:
    """How far mean squares lie above 1, summed."""
    return (power - 1).clamp(min=0).sum()


def _entropy(logits: Tensor, target: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, target[:, None].expand_as(logits), reduction="none")
