"""Kinds from image features alone: pretraining by the classification of masks, before anything is prompted or tracked.

CLS can name only what the image encoder tells apart. Naming an object by the mean of its features teaches the encoder
that at a tenth of the cost of a clip, since neither prompts nor memory nor masks are computed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from sam2s.model import SAM2S

from .batch import ClipBatch
from .pooling import pool_masks
from .rollout import Answer


def name_masks(model: SAM2S, batch: ClipBatch) -> Iterator[Answer]:
    """Answers to a batch that hold nothing but `pooled`: neither prompts nor memory are looked at."""
    clips, frames = batch.images.shape[:2]
    features = model.encode_image(batch.images.transpose(0, 1).flatten(0, 1))
    for frame in range(frames):
        truth = batch.masks[:, frame]
        embedding = features.take(frame * clips + batch.owner).embedding
        nothing = torch.empty(len(truth), 0, device=truth.device)
        yield Answer(
            frame=frame,
            last=True,
            prompted=False,
            logits=None,
            ious=nothing,
            object_logit=nothing,
            cls=None,
            truth=truth,
            known=batch.known[:, frame],
            power=embedding.float().square().mean()[None],
            pooled=pool_masks(model, embedding, truth),
        )
