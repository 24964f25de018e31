"""The loss of a clip: the weighted terms of every answer, summed over frames, clicks and objects (SAM2S paper, Eq. 1).

Legend: N objects, M candidate masks, S image size, K names, D width of text features.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2s.errors import ConfigError
from sam2s.model.segment import NO_OBJECT_LOGIT
from sam2s.model.semantics import LOGIT_SCALE, category_logits
from sam2s.training.batch import ClipBatch
from sam2s.training.rollout import Answer
from sam2s.training.settings import require, require_positive, require_share

from .soft_labels import soften
from .terms import category_loss, cross_entropy, dice, focal, mask_iou, power_loss

ACCURACY = {"tsl": "category_accuracy", "kinds": "kinds_accuracy"}
"""By term that compares with names, what the share of right names is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossWeights:
    """Weights of the terms, 0 for a term that is off. The defaults are SAM2S; `arl=False, tsl=0` is SAM 2's own loss.

    The terms of the second group are for training from nothing. On small objects that first learns to draw nothing at
    all, unless object and background count alike; and image embedding and memory maps grow tenfold, drown the position
    codes and saturate the attention before it has learned to match.

    Attributes:
        mask: focal loss of the mask.
        dice: overlap of the mask.
        iou: predicted against true IoU of every candidate, L1.
        presence: cross-entropy of the object score.
        tsl: cross-entropy of the category over the text bank, on the last answer to a frame.
        kinds: the same of the image features under the true mask instead of CLS. With all other terms but `power` 0,
            nothing is prompted or tracked: pretraining by kinds.
        arl: compare the mask with soft labels in `mask` and `entropy`; the other terms always take the hard mask.
        arl_sigma: width of the soft labels' Gaussian, in pixels of the masks that are compared. SAM2S: 1 at 512.
        tsl_scale_start: what the cosine to a name is multiplied by at first; it rises to 100, the scale of SAM2S, with
            equal factors in equal times. 100 keeps it there. A learned bank of random names begins at about 11 nats
            with 100, far above the ln K of a guess, and most of a short training is spent on undoing that.
        tsl_scale_rise: share of the training after which the scale is 100.
        gated: where the network judges the object absent, its masks are empty and get no gradient, as in SAM 2.
        entropy: cross-entropy of the mask.
        balance: share of it that counts object and background alike, whatever their areas.
        others: share of the mask terms that goes to all candidates alike instead of the best one.
        power: how far image embedding and memory maps exceed unit variance.
        quarter: compare masks at a quarter of the image size, as the network draws them; for speed. Soft labels are
            made at that size: made before, they would differ from a hard mask's coverage by next to nothing.
    """

    mask: float = 20.0
    dice: float = 1.0
    iou: float = 1.0
    presence: float = 1.0
    tsl: float = 0.1
    arl: bool = True
    arl_sigma: float = 1.0
    tsl_scale_start: float = LOGIT_SCALE
    tsl_scale_rise: float = 0.5
    gated: bool = True

    entropy: float = 0.0
    balance: float = 0.0
    others: float = 0.0
    power: float = 0.0
    quarter: bool = False
    kinds: float = 0.0

    def __post_init__(self) -> None:
        require(self, "mask", "dice", "iou", "presence", "tsl", "kinds", "entropy", "power", least=0)
        require_positive(self, "arl_sigma", "tsl_scale_start")
        require_share(self, "balance", "others", "tsl_scale_rise")

    @property
    def only_kinds(self) -> bool:
        """Whether no term looks at masks, presence or CLS."""
        others = (self.mask, self.dice, self.iou, self.presence, self.tsl, self.entropy)
        return self.kinds > 0 and not any(others)

    def category_scale(self, progress: float) -> float:
        """What the cosine to a name is multiplied by, at `progress` from 0 to 1 of a training."""
        if progress >= self.tsl_scale_rise:
            return LOGIT_SCALE
        return float(self.tsl_scale_start * (LOGIT_SCALE / self.tsl_scale_start) ** (progress / self.tsl_scale_rise))


@dataclass(frozen=True, slots=True)
class Truth:
    """What there is to see on a frame: hard and soft masks [N, H, W], and 1.0 where the object is visible, [N]."""

    hard: Tensor
    soft: Tensor
    visible: Tensor

    @classmethod
    def of(cls, masks: Tensor, weights: LossWeights) -> Truth:
        """From masks bool [N, S, S]."""
        hard = masks.float()
        visible = masks.flatten(1).any(1).float()
        if weights.quarter:
            hard = F.avg_pool2d(hard[:, None], 4)[:, 0]
        return cls(hard, soften(hard, weights.arl_sigma) if weights.arl else hard, visible)


def frame_loss(answer: Answer, truth: Truth, weights: LossWeights) -> tuple[dict[str, Tensor], Tensor]:
    """The mask terms and presence of one answer, unweighted.

    Mask, dice and IoU count only where the object is visible; of several candidates the best one (lowest weighted sum
    of the mask terms) is taught, with SAM 2's rule that every candidate's IoU is.

    Returns:
        terms [N] by name, and the true IoU [N] of the mask that the network would choose.
    """
    assert answer.logits is not None
    logits, ious = answer.logits.float(), answer.ious.float()
    if weights.gated:
        logits = torch.where(answer.object_logit[..., None, None] > 0, logits, NO_OBJECT_LOGIT)
    if not weights.quarter:
        logits = F.interpolate(logits, truth.hard.shape[1:], mode="bilinear", align_corners=False)
    masks = {
        "mask": focal(logits, truth.soft) if weights.mask else None,
        "entropy": cross_entropy(logits, truth.soft, weights.balance) if weights.entropy else None,
        "dice": dice(logits, truth.hard) if weights.dice else None,
    }
    on = {name: value for name, value in masks.items() if value is not None}
    true_iou = mask_iou(logits, truth.hard)
    if on:
        combined = torch.stack([getattr(weights, name) * value.detach() for name, value in on.items()]).sum(0)
        best = combined.argmin(1, keepdim=True)
        share = weights.others
        on = {name: (1 - share) * x.gather(1, best)[:, 0] + share * x.mean(1) for name, x in on.items()}
    on["iou"] = (ious - true_iou).abs().mean(1)
    terms = {name: value * truth.visible for name, value in on.items()}
    terms["presence"] = F.binary_cross_entropy_with_logits(
        answer.object_logit[:, 0].float(), truth.visible, reduction="none"
    )
    return terms, true_iou.gather(1, ious.argmax(1, keepdim=True))[:, 0]


def clip_loss(
    answers: Iterable[Answer],
    batch: ClipBatch,
    weights: LossWeights,
    bank: Tensor | None = None,
    *,
    objects: float | None = None,
    scale: float = LOGIT_SCALE,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of a batch of clips, in float32 whatever the network computes in.

    Args:
        answers: from `rollout` of the same batch.
        batch: the clips.
        weights: of the terms.
        bank: text features [K, D] that `batch.category` numbers; needed if `weights.tsl` is not 0.
        scale: what the cosine to a name is multiplied by.
        objects: what sums over objects are divided by, N if not given. SAM 2 takes the mean of N over all processes.

    Returns:
        the loss, and detached scalars: the unweighted terms by name, and what was measured: `iou_prompted` and
        `iou_tracked`, the mean true IoU of the network's choice on frames with and without a prompt, and
        `category_accuracy`; what there was nothing to measure of is left out.

    Raises:
        ConfigError: the TSL term has a weight, but there is no bank, or no CLS token.
    """
    total, sums, measured = sum_terms(answers, batch, weights, bank, objects=objects, scale=scale)
    return total, {name: value.detach() for name, value in sums.items()} | _means(measured)


def sum_terms(
    answers: Iterable[Answer],
    batch: ClipBatch,
    weights: LossWeights,
    bank: Tensor | None = None,
    *,
    objects: float | None = None,
    scale: float = LOGIT_SCALE,
) -> tuple[Tensor, dict[str, Tensor], dict[str, list[Tensor]]]:
    """The loss, its terms by name, and what was measured, value and weight [2, N] for each answer; as `clip_loss`.

    Nothing here depends on a number's value, so that it runs on tensors without content too.
    """
    for name in ("tsl", "kinds"):
        if (weight := getattr(weights, name)) and bank is None:
            raise ConfigError(
                f"the loss weight {name} is {weight:g}, but there is no text bank; give one or set {name} to 0"
            )
    count = objects or len(batch.owner)
    device = batch.masks.device
    sums: dict[str, Tensor] = {}
    measured: dict[str, list[Tensor]] = defaultdict(list)
    seen: tuple[int, Truth] | None = None
    for answer in answers:
        with torch.autocast(device.type, enabled=False):
            if seen is None or seen[0] != answer.frame:
                seen = answer.frame, Truth.of(answer.truth, weights)
            truth, known = seen[1], answer.known.float()
            terms: dict[str, Tensor] = {}
            if answer.logits is not None:
                terms, iou = frame_loss(answer, truth, weights)
                where = truth.visible * known
                measured["iou_prompted" if answer.prompted else "iou_tracked"].append(torch.stack((iou, where)))
            for name, features in named_features(answer, weights).items():
                assert bank is not None
                terms[name] = category_loss(features, bank, batch.category, scale) * truth.visible
                right = category_logits(features, bank).argmax(1) == batch.category
                named = truth.visible * known * (batch.category >= 0)
                measured[ACCURACY[name]].append(torch.stack((right.float(), named)))
            scalars = {name: (value @ known) / count for name, value in terms.items()}
            if weights.power and answer.power is not None:
                scalars["power"] = power_loss(answer.power.float())
        for name, value in scalars.items():
            sums[name] = sums[name] + value if name in sums else value
    total = torch.stack([getattr(weights, name) * value for name, value in sums.items()]).sum()
    return total, sums, measured


def named_features(answer: Answer, weights: LossWeights) -> dict[str, Tensor]:
    """Features [N, D] of an answer that are held against the names, by term.

    Raises:
        ConfigError: the TSL term has a weight, but the network has no CLS token.
    """
    features = {}
    if weights.tsl and answer.last:
        if answer.cls is None:
            raise ConfigError(f"loss weight tsl is {weights.tsl:g}, but the network has no CLS; set tsl to 0")
        features["tsl"] = answer.cls
    if weights.kinds and answer.pooled is not None:
        features["kinds"] = answer.pooled
    return features


@torch.no_grad()
def _means(measured: dict[str, list[Tensor]]) -> dict[str, Tensor]:
    found = {}
    for name, pairs in measured.items():
        value, where = torch.cat(pairs, dim=1)
        if where.any():
            found[name] = (value * where).sum() / where.sum()
    return found
