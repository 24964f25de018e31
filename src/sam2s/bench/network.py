"""What is measured: a network with given or with random weights."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch
from torch import nn

import sam2s
from sam2s.device import resolve_device, resolve_precision, use_threads
from sam2s.errors import ConfigError
from sam2s.model import SAM2S, build, preset

RANDOM = "random:"


def bench_network(
    weights: str, *, image_size: int | None, device: str, precision: str, threads: int | None = None
) -> SAM2S:
    """Load a network; `random:base-plus` is one of that size with random weights, for which nothing is fetched."""
    if not weights.startswith(RANDOM):
        network = sam2s.load(weights, device=device, image_size=image_size, precision=precision, threads=threads)
        if not isinstance(network, SAM2S):
            raise ConfigError(
                f"{weights} is an exported network; bench takes weights (benchmarks/against_onnx.py both)"
            )
        return network
    config = preset(weights.removeprefix(RANDOM))
    if image_size is not None:
        config = replace(config, image_size=image_size)
    where = resolve_device(device)
    model = randomise(build(config)).to(where, resolve_precision(precision, where))
    use_threads(sum(p.numel() for p in model.parameters()) * config.grid**2, threads)
    return model


@torch.no_grad()
def randomise(model: SAM2S) -> SAM2S:
    """Initialise a network with noise scaled so that activations neither vanish nor explode; objects are present."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in model.state_dict().items():
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("gaussian_matrix"):
            tensor.copy_(noise)
        elif tensor.ndim >= 2 and name.endswith("weight") and "embed" not in name:
            tensor.copy_(noise / tensor[0].numel() ** 0.5)
        elif tensor.ndim == 1 and name.endswith("weight"):
            tensor.copy_(1 + 0.1 * noise)
        else:
            tensor.copy_(0.1 * noise)
    cast(nn.Linear, model.sam_mask_decoder.pred_obj_score_head.layers[-1]).bias.add_(4)
    return model
