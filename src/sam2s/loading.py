"""Loading a network, ready to run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from .device import resolve_device, resolve_precision, use_threads
from .model import Network
from .model.checkpoints import assemble, load_checkpoint


def load(
    name_or_path: str | Path,
    *,
    device: str | torch.device = "auto",
    image_size: int | None = None,
    precision: str = "auto",
    threads: int | None = None,
) -> Network:
    """Load a network, ready to run.

    Args:
        name_or_path: `micro` (bundled), `sam2.1-tiny|small|base-plus|large` (fetched from the Hugging Face hub on first
            use), or a path: our safetensors, an official SAM 2.1 `.pt`, a transformers folder or safetensors.
        device: "auto" (CUDA, else Apple GPU, else CPU), "cpu", "cuda", "cuda:N" or "mps".
        image_size: side of the square model image in pixels, a multiple of 32; None for what the weights were made for.
        precision: "auto" (bf16 on CUDA devices that have it, else fp32), "fp32", "bf16" or "fp16".
        threads: processor threads torch computes with, in the whole process; None for what suits the size of the
            network, unless `OMP_NUM_THREADS` or a call of `torch.set_num_threads` has settled it.

    Raises:
        CheckpointError: the weights cannot be found, read, or do not fit.
        ConfigError: the device, the precision or the image size cannot work.
    """
    where = resolve_device(device)
    dtype = resolve_precision(precision, where)
    config, state, _ = load_checkpoint(name_or_path)
    if image_size is not None:
        config = replace(config, image_size=image_size)
    model = assemble(config, state).to(where, dtype)
    use_threads(sum(p.numel() for p in model.parameters()) * config.grid**2, threads)
    return model
