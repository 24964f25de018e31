"""How one frame is answered, in tracking as in training: what conditions it, which mask answers, how distances count.

Legend: B objects, M memory maps, R object pointers, P points, S image size, 4h = 4w = S / 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .contract import Network
from .image_encoder import ImageFeatures
from .memory_attention import Memory
from .segment import Segmentation, segment

PREVIOUS_LOGIT_LIMIT = 32.0
"""The previous mask goes back into the prompt encoder with its logits clamped to this."""

Conditioned = tuple[Tensor, Tensor | None]
"""Embedding [B or 1, C, h, w] that the mask decoder reads, and the CLS token [B, 1, C] or None."""


def condition_features(model: Network, features: ImageFeatures, memory: Memory | None, objects: int) -> Conditioned:
    """Let a frame read what `objects` objects remember; without memory it is marked as the first one."""
    if memory is None:
        return model.without_memory(features.embedding), model.first_cls(objects)
    return model.attend(features.embedding, memory)


def is_ambiguous(points: int) -> bool:
    """Whether a prompt of so many points (a box counts two) may mean several masks: one click, or none at all."""
    return points <= 1


def segment_frame(
    model: Network,
    features: ImageFeatures,
    conditioned: Conditioned,
    *,
    objects: int,
    points: tuple[Tensor, Tensor] | None = None,
    previous: Tensor | None = None,
    stability: bool = True,
) -> Segmentation:
    """Find objects on a frame from what conditions it and from the points given there so far.

    Args:
        model: the network.
        features: the frame.
        conditioned: see `condition_features`.
        objects: B.
        points: coordinates [B, P, 2] and labels [B, P]; None on a frame without a prompt.
        previous: logits [B, 1, 4h, 4w] that were shown for this frame before, which further clicks refine.
        stability: SAM 2.1's fallback to the best of three masks when the single one is unstable.
    """
    embedding, cls = conditioned
    hint = None if previous is None else previous.clamp(-PREVIOUS_LOGIT_LIMIT, PREVIOUS_LOGIT_LIMIT)
    prompt = model.encode_prompt(objects, points, hint)
    ambiguous = is_ambiguous(0 if points is None else points[1].shape[1])
    return segment(model, embedding, features, prompt, multimask=ambiguous, cls=cls, stability=stability)


def make_memory(
    model: Network,
    maps: Sequence[Tensor],
    slots: Sequence[int],
    pointers: Sequence[Tensor],
    distances: Tensor,
    pointer_limit: int,
) -> Memory:
    """Put what B objects remember into one batch.

    Args:
        model: the network.
        maps: M maps [B, mem_dim, h, w].
        slots: M temporal slots.
        pointers: R pointers [B, C].
        distances: signed distances of the pointers in frames, [R], [1, R] or [B, R].
        pointer_limit: how many frames back pointers are read in a long video, for which the network is trained.
    """
    stacked = torch.stack(tuple(maps), 1)
    held = (
        torch.stack(tuple(pointers), 1)
        if len(pointers)
        else stacked.new_zeros(len(stacked), 0, model.config.hidden_dim)
    )
    return Memory(stacked, tuple(slots), held, distances / max(1, pointer_limit - 1))
