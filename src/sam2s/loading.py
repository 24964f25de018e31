"""Loading a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from sam2s.errors import ConfigError

from .checkpoints import assemble, load_checkpoint, path_given
from .device import resolve_device, resolve_precision, use_threads
from .model import Network
from .onnx import OnnxNetwork, is_export, network_config

Backend = Literal["auto", "torch", "onnx"]


def load(
    name_or_path: str | Path,
    *,
    device: str | torch.device = "auto",
    image_size: int | None = None,
    precision: str = "auto",
    threads: int | None = None,
    compile: bool = False,
    backend: Backend = "auto",
) -> Network:
    """Load a network in evaluation mode.

    Args:
        name_or_path: `micro` (bundled), `sam2.1-tiny|small|base-plus|large` (downloaded from the Hugging Face hub on
            first use), or a path: a SAM2S safetensors file, an official SAM 2.1 `.pt`, a transformers folder or
            safetensors file, or a folder written by `sam2s export onnx`.
        device: "auto" (CUDA if available, then the Apple GPU, then the CPU), "cpu", "cuda", "cuda:N" or "mps".
        image_size: side of the square model image in pixels, a multiple of 32; None for the size of the weights.
        precision: "auto" (bf16 on CUDA devices that support it in hardware, else fp32), "fp32", "bf16" or "fp16".
        threads: CPU threads of torch, in the whole process; None chooses by the size of the network, unless
            `OMP_NUM_THREADS` or `torch.set_num_threads` has set it.
        compile: compile the network with `torch.compile`; takes minutes, and pays off on GPUs.
        backend: "onnx" accepts only an exported network, which runs in onnxruntime, "torch" only weights; "auto"
            detects which it is.

    Raises:
        CheckpointError: the weights cannot be found, read, or do not fit.
        ConfigError: the device, the precision, the image size or the backend cannot be used.
        MissingExtraError: the network is exported and onnxruntime is not installed.
    """
    path = path_given(name_or_path)
    exported = path is not None and is_export(path)
    if backend == "torch" and exported:
        raise ConfigError(f"{name_or_path} is an exported network; omit --backend torch, or give weights")
    if backend == "onnx" or exported:
        if compile:
            raise ConfigError(f"{name_or_path} is run by onnxruntime, which has no compiler; omit --compile")
        return _open_export(path or Path(name_or_path), str(device), image_size, precision, threads)
    where = resolve_device(device)
    dtype = resolve_precision(precision, where)
    config, state, _ = load_checkpoint(name_or_path)
    if image_size is not None:
        config = replace(config, image_size=image_size)
    model = assemble(config, state).to(where, dtype)
    use_threads(sum(p.numel() for p in model.parameters()) * config.grid**2, threads)
    if compile:
        from .model.compiled import compile_network
        from .tracking.warm_up import warm_up

        warm_up(compile_network(model))
    return model


def _open_export(folder: Path, device: str, image_size: int | None, precision: str, threads: int | None) -> Network:
    """Open an exported network, whose image size and precision are fixed."""
    config = network_config(folder)
    if device not in ("auto", "cpu"):
        raise ConfigError(f"{folder} is an exported network and runs on the cpu, not {device!r}; use --device cpu")
    if image_size not in (None, config.image_size):
        raise ConfigError(
            f"{folder} was exported for images of {config.image_size}, not {image_size}; export it again with "
            f"--image-size {image_size}"
        )
    if precision not in ("auto", "fp32", "float32"):
        raise ConfigError(f"the precision of {folder} was fixed when it was exported; omit --precision {precision}")
    size = sum(file.stat().st_size for file in folder.glob("*.onnx"))
    use_threads(size / 4 * config.grid**2, threads)
    return OnnxNetwork(folder)
