"""What is measured: a network, and a film for it to track in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
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
def randomise(model: SAM2S, seed: int = 0) -> SAM2S:
    """Fill a network with noise of a scale that keeps signals from vanishing or exploding; objects count as present."""
    generator = torch.Generator().manual_seed(seed)
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


def film(frames: int, height: int, width: int) -> Iterator[np.ndarray]:
    """Blocks of random colour that drift, uint8 [H, W, 3], drawn one at a time."""
    rng = np.random.default_rng(0)
    rows, columns = -(-height // 16), -(-width // 16)
    blocks = rng.integers(0, 256, (rows, columns + 64, 3), np.uint8)
    for t in range(frames):
        yield np.roll(blocks, t, 1)[:, :columns].repeat(16, 0).repeat(16, 1)[:height, :width]


def clicks(objects: int, height: int, width: int) -> list[tuple[float, float]]:
    """One click (x, y) for each object."""
    rng = np.random.default_rng(1)
    return [(float(x) * width, float(y) * height) for x, y in rng.uniform(0.2, 0.8, (objects, 2))]


def write_film(path: Path, frames: int, height: int, width: int) -> None:
    """The film as a video file of 25 frames a second."""
    from sam2s.video import VideoWriter

    with VideoWriter(path, (height, width), 25) as writer:
        for image in film(frames, height, width):
            writer.write(np.ascontiguousarray(image))
