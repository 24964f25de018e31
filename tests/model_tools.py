"""Tiny networks and pseudo-random weights for tests."""

from __future__ import annotations

import torch

from sam2s.model import SAM2S, ModelConfig, build

NANO = ModelConfig(
    "nano",
    embed_dim=16,
    num_heads=1,
    stages=(1, 1, 2, 1),
    global_blocks=(3,),
    window_sizes=(8, 4, 4, 2),
    image_size=64,
    hidden_dim=64,
    mem_dim=32,
    memory_layers=2,
    memory_mlp=64,
    decoder_mlp=64,
    decoder_heads=4,
    text_dim=16,
)
"""Smallest network that still has windows, padding, pooling, two memory layers and split pointers."""


def fixed_weights(model: SAM2S, seed: int = 0) -> SAM2S:
    """Fill a network with weights drawn from `seed`, scaled so that signals neither vanish nor explode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("weight") and tensor.ndim >= 2 and "embed" not in name.split(".")[-2]:
                noise = noise / tensor[0].numel() ** 0.5
            elif name.endswith("weight") and tensor.ndim == 1:
                noise = 1 + 0.1 * noise
            elif not name.endswith("gaussian_matrix"):
                noise = 0.1 * noise
            tensor.copy_(noise)
        model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias += 4
    return model


def nano(seed: int = 0, **changes: object) -> SAM2S:
    """The smallest network with fixed weights; `changes` replace fields of its configuration."""
    from dataclasses import replace

    return fixed_weights(build(replace(NANO, **changes)), seed)
