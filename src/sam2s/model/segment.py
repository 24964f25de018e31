"""From a conditioned embedding to one answer per object: which mask, how sure, which pointer."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .contract import Network
from .image_encoder import ImageFeatures
from .mask_decoder import Decoded
from .prompt_encoder import Prompt

NO_OBJECT_LOGIT = -1024.0
STABILITY_MARGIN, STABILITY_THRESHOLD = 0.05, 0.98
MASK_LOGIT = 10.0
"""A mask given as prompt becomes logits of plus or minus this."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """One mask per object, in float32.

    Attributes:
        logits: [B, 1, 4h, 4w], the chosen mask; NO_OBJECT_LOGIT everywhere when the object is absent.
        iou: [B, 1] predicted IoU of the chosen mask.
        pointer: [B, C] object pointer, in the network's type.
        object_logit: [B, 1], > 0 where the object is visible.
        cls: [B, C] semantic token, or None.
        candidate_ious: [B, 3] predicted IoUs of the three masks for an ambiguous prompt; None for a mask prompt.
        stability: [B] share of the mask's area that a stricter threshold leaves; None until `without_candidates`.
        extent: bool [B, 2], see `mask_extent`; None until `without_candidates`.
        decoded: everything the decoder said; None for a mask prompt.
    """

    logits: Tensor
    iou: Tensor
    pointer: Tensor
    object_logit: Tensor
    cls: Tensor | None = None
    candidate_ious: Tensor | None = None
    stability: Tensor | None = None
    extent: Tensor | None = None
    decoded: Decoded | None = None

    def without_candidates(self) -> Segmentation:
        """The answer alone, with how sure the network was, when the other masks are of no more use."""
        ious = None if self.decoded is None else self.decoded.ious[:, 1:].float()
        logits = self.logits[:, 0]
        return replace(
            self, candidate_ious=ious, stability=mask_stability(logits), extent=mask_extent(logits), decoded=None
        )

    @property
    def shown(self) -> Tensor:
        """Extent [2] of the first object's mask, taken from its logits where it is not known yet."""
        return mask_extent(self.logits[:1, 0])[0] if self.extent is None else self.extent[0]

    def split(self) -> list[Segmentation]:
        """Give each object its own answer, without the candidates."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "decoded"}

        def own(i: int) -> Segmentation:
            rows: dict[str, Any] = {name: x if x is None else x[i : i + 1] for name, x in values.items()}
            return Segmentation(**rows)

        return [own(i) for i in range(len(self.iou))]


def upsample(logits: Tensor, size: int) -> Tensor:
    """Low-resolution logits [B, 1, 4h, 4w] -> [B, 1, size, size] in float32, bilinear."""
    return F.interpolate(logits.float(), (size, size), mode="bilinear", align_corners=False)


def mask_stability(logits: Tensor) -> Tensor:
    """Share of each mask's area that a stricter threshold leaves, logits [B, h, w] -> [B]; 1 for an empty mask."""
    inner = (logits > STABILITY_MARGIN).flatten(1).sum(1).float()
    outer = (logits > -STABILITY_MARGIN).flatten(1).sum(1).float()
    return torch.where(outer > 0, inner / outer.clamp(min=1), 1.0)


def mask_extent(logits: Tensor) -> Tensor:
    """Whether each mask holds a pixel, and whether one of them lies at the border, logits [B, h, w] -> bool [B, 2]."""
    mask = logits > 0
    edges = torch.stack((mask[:, 0], mask[:, -1], mask[:, :, 0], mask[:, :, -1]), 1)
    return torch.stack((mask.flatten(1).any(1), edges.flatten(1).any(1)), 1)


def choose(decoded: Decoded, *, multimask: bool, stability: bool) -> tuple[Tensor, Tensor]:
    """Choose one of the four masks of each object.

    Args:
        decoded: output of the mask decoder.
        multimask: the prompt is ambiguous (one click, or none on a tracked frame): take the best of masks 1 to 3 by
            predicted IoU.
        stability: let an unstable single mask be replaced by the best of the three, its pointer token kept.

    Returns:
        index of the mask and index of the token, [B] each.
    """
    best = decoded.ious[:, 1:].argmax(1) + 1
    if multimask:
        return best, best
    single = torch.zeros_like(best)
    if not stability:
        return single, single
    stable = mask_stability(decoded.logits[:, 0].float()) >= STABILITY_THRESHOLD
    return torch.where(stable, single, best), single


def segment(
    model: Network,
    embedding: Tensor,
    features: ImageFeatures,
    prompt: Prompt,
    *,
    multimask: bool,
    cls: Tensor | None = None,
    stability: bool = True,
) -> Segmentation:
    """Decode a (conditioned) embedding [B, C, h, w] into one mask per object; arguments as in `choose`."""
    decoded = model.decode(embedding, features, prompt, cls)
    mask, token = choose(decoded, multimask=multimask, stability=stability)
    rows = torch.arange(len(mask), device=mask.device)
    visible = decoded.object_logit > 0
    logits = decoded.logits[rows, mask][:, None].float()
    logits = torch.where(visible[..., None, None], logits, NO_OBJECT_LOGIT)
    pointer = torch.where(visible, model.obj_ptr_proj(decoded.tokens[rows, token]), model.no_obj_ptr)
    return Segmentation(
        logits,
        decoded.ious[rows, mask][:, None].float(),
        pointer,
        decoded.object_logit.float(),
        decoded.cls,
        decoded=decoded,
    )


def segment_from_mask(model: Network, features: ImageFeatures, mask: Tensor) -> Segmentation:
    """Take a mask prompt [B, 1, S, S] (0 or 1) as the answer; the network only makes the object pointer.

    The decoder sees the raw embedding with the reduced mask as dense prompt, as in the SAM 2.1 reference.
    """
    mask = mask.to(model.dtype)
    prompt = model.encode_prompt(len(mask), None, model.mask_downsample(mask))
    embedding = features.embedding.expand(len(mask), -1, -1, -1)
    answer = segment(model, embedding, features, prompt, multimask=False, cls=model.first_cls(len(mask)))
    visible = mask.flatten(1).any(1, keepdim=True)
    return Segmentation(
        mask_prompt_logits(mask),
        torch.ones(len(mask), 1, device=mask.device),
        torch.where(visible, answer.pointer, model.no_obj_ptr),
        torch.where(visible, MASK_LOGIT, -MASK_LOGIT),
        answer.cls,
    )


def mask_prompt_logits(mask: Tensor) -> Tensor:
    """Mask prompts [B, 1, S, S] (0 or 1) -> the low-resolution logits [B, 1, S / 4, S / 4] that stand for them."""
    logits = mask.float() * (2 * MASK_LOGIT) - MASK_LOGIT
    side = mask.shape[-1] // 4
    return F.interpolate(logits, (side, side), mode="bilinear", align_corners=False, antialias=True)
