"""What the network is taught with: mask, dice, IoU and presence terms.

Legend: N objects, M candidate masks, h w the size of the logits.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of the terms.

    `others` is the share of the candidate masks that were not the best one; `balance` how much of the cross-entropy
    counts object and background alike, whatever their areas: without it, training from nothing on small objects first
    learns to draw nothing at all. `power` keeps image embedding and memory maps from growing past unit variance: left
    alone they grow tenfold, drown the position codes and saturate the attention before it has learned to match.
    """

    mask: float = 1.0
    dice: float = 1.0
    iou: float = 0.5
    presence: float = 0.5
    others: float = 0.2
    balance: float = 0.5
    power: float = 0.1


def cross_entropy(logits: Tensor, target: Tensor, balance: float = 0.0) -> Tensor:
    """Binary cross-entropy: logits [N, M, h, w], target [N, h, w] in [0, 1] -> [N, M].

    The mean over pixels; a share `balance` of it is the mean of the object's mean and the background's mean instead.
    """
    truth = target[:, None]
    each = F.binary_cross_entropy_with_logits(logits, truth.expand_as(logits), reduction="none")
    plain = each.mean((2, 3))
    if not balance:
        return plain
    inside = (each * truth).sum((2, 3)) / truth.sum((2, 3)).clamp(min=1)
    outside = (each * (1 - truth)).sum((2, 3)) / (1 - truth).sum((2, 3)).clamp(min=1)
    return (1 - balance) * plain + balance * (inside + outside) / 2


def dice(logits: Tensor, target: Tensor, smooth: float = 1.0) -> Tensor:
    """1 - (2 |P * G| + smooth) / (|P| + |G| + smooth) of probabilities: [N, M, h, w], [N, h, w] -> [N, M]."""
    probability, target = logits.sigmoid().flatten(2), target[:, None].flatten(2)
    overlap = (probability * target).sum(2)
    return 1 - (2 * overlap + smooth) / (probability.sum(2) + target.sum(2) + smooth)


@torch.no_grad()
def mask_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU of logits > 0 with target > 0.5: [N, M, h, w], [N, h, w] -> [N, M]; 1 where both are empty."""
    predicted, truth = logits > 0, target[:, None] > 0.5
    overlap = (predicted & truth).sum((2, 3))
    union = (predicted | truth).sum((2, 3))
    return torch.where(union > 0, overlap / union.clamp(min=1), 1.0)


def power_loss(power: Tensor) -> Tensor:
    """How far mean squares lie above 1, summed."""
    return (power - 1).clamp(min=0).sum()


def frame_loss(
    logits: Tensor, ious: Tensor, object_logit: Tensor, target: Tensor, weights: LossWeights
) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of N objects on one frame, averaged over objects.

    Mask, dice and IoU terms count only where the object is visible; among several candidates the best one (lowest mask
    plus dice) is taught fully, the others by `weights.others`.

    Args:
        logits: [N, M, h, w] candidate masks, without the no-object gate.
        ious: [N, M] predicted IoUs.
        object_logit: [N, 1].
        target: [N, h, w] coverage of each pixel by the object, in [0, 1].

    Returns:
        the loss and its detached terms, with `iou_value`, the true IoU of the mask that the network would choose.
    """
    visible = (target.flatten(1).amax(1) > 0.5).float()
    count = visible.sum().clamp(min=1)
    each = weights.mask * cross_entropy(logits, target, weights.balance) + weights.dice * dice(logits, target)
    best = each.min(1).values
    mask_term = ((1 - weights.others) * best + weights.others * each.mean(1)) @ visible / count
    true_iou = mask_iou(logits, target)
    iou_term = (ious - true_iou).abs().mean(1) @ visible / count
    presence_term = F.binary_cross_entropy_with_logits(object_logit[:, 0], visible)
    chosen = true_iou.gather(1, ious.argmax(1, keepdim=True))[:, 0]
    total = mask_term + weights.iou * iou_term + weights.presence * presence_term
    terms = {"mask": mask_term, "iou": iou_term, "presence": presence_term, "iou_value": chosen @ visible / count}
    return total, {name: term.detach() for name, term in terms.items()}
