"""The film tracked by sam2s, as the other side of a comparison computes it.

A side loads its network when called, and then gives mask logits [N, h, w] at a quarter of the network's size, frame by
frame, from the same weights and one click an object on the first frame. Memory maps are kept in bfloat16, as the others
always do, and a CLS token, which they do not know, is left out of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from sam2s.bench.film import clicks, film
from sam2s.checkpoints import SEMANTIC, assemble, load_checkpoint
from sam2s.memory import MemoryPolicy
from sam2s.model import ModelConfig
from sam2s.tracking import Points, Tracker

POLICY = MemoryPolicy(kind="sam2", map_dtype="bfloat16", max_conditioning=1_000_000, corrections="answer")


def sam2s_side(
    weights: Path, device: torch.device, dtype: torch.dtype, frames: int, objects: int
) -> Iterator[np.ndarray]:
    """Ours, as a stream."""
    config, state = without_semantics(*load_checkpoint(weights)[:2])
    model, side = assemble(config, state).to(device, dtype), config.image_size

    def steps() -> Iterator[np.ndarray]:
        tracker = Tracker(model, POLICY)
        for number, point in enumerate(clicks(objects, side, side)):
            tracker.add_prompt(object_id=number + 1, prompt=Points([point]))
        for image in film(frames, side, side):
            result = tracker.step(image)
            yield torch.stack([found.low_res_logits for found in result.objects.values()]).float().cpu().numpy()

    return steps()


def without_semantics(
    config: ModelConfig, state: dict[str, torch.Tensor]
) -> tuple[ModelConfig, dict[str, torch.Tensor]]:
    """The same network as plain SAM 2.1: masks of `joint` ones change, for there other tokens attend to CLS."""
    plain = {name: tensor for name, tensor in state.items() if not name.startswith(SEMANTIC)}
    return replace(config, semantic="off", categories=()), plain
