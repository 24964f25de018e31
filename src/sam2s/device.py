"""Choosing where to compute, and in which precision."""

from __future__ import annotations

import os

import torch

from sam2s.errors import ConfigError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SHORT = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}

MACS_A_THREAD = 4e9
"""Multiply-adds a frame from which another thread pays off (see benchmarks/README.md)."""
_DEFAULT = torch.get_num_threads()
_chosen: int | None = None


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """Turn "auto", "cpu", "cuda", "cuda:1" or "mps" into a device that is there; "auto" takes them from the right.

    Raises:
        ConfigError: no such device, or this machine or this build of torch lacks it.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise ConfigError(f"device {str(device)!r} is not one of auto, cpu, cuda, cuda:N, mps") from error
    lacks = f"; use --device cpu or auto (torch is {torch.__version__})"
    match wanted.type:
        case "cpu":
            return wanted
        case "cuda":
            count = torch.cuda.device_count() if torch.cuda.is_available() else 0
            if (wanted.index or 0) >= count:
                raise ConfigError(f"device {str(device)!r} is not there: torch sees {count} CUDA devices{lacks}")
            return wanted
        case "mps":
            if not torch.backends.mps.is_available():
                raise ConfigError(f"device 'mps' is not there: torch sees no Apple GPU{lacks}")
            return wanted
    raise ConfigError(f"device {str(device)!r} is not supported; use auto, cpu, cuda, cuda:N or mps")


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """Turn "auto", "fp32", "bf16", "fp16" or torch's own names into a type that the device can compute with.

    "auto" is bfloat16 on CUDA devices that have it in hardware, else float32.

    Raises:
        ConfigError: no such precision, or the device cannot do it.
    """
    if precision == "auto":
        return torch.bfloat16 if device.type == "cuda" and _native_bfloat16(device) else torch.float32
    name = SHORT.get(precision, precision)
    if name not in PRECISIONS:
        raise ConfigError(f"precision {precision!r} is not one of auto, {', '.join(SHORT)}")
    dtype = PRECISIONS[name]
    try:
        sample = torch.ones(2, 2, dtype=dtype, device=device)
        torch.nn.functional.layer_norm(sample @ sample, (2,))
    except (RuntimeError, TypeError) as error:
        raise ConfigError(f"{device} cannot compute in {name} ({error}); use --precision fp32 or auto") from error
    return dtype


def _native_bfloat16(device: torch.device) -> bool:
    return torch.cuda.get_device_capability(device) >= (8, 0)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_threads(macs: float, threads: int | None = None) -> int:
    """Let torch compute with as many processor threads as pay off, and return their number.

    A small network is made of operations so short that threads spend more time waiting for one another than
    computing. Whatever was asked for otherwise stays: `OMP_NUM_THREADS`, or `torch.set_num_threads` called before.

    Args:
        macs: multiply-adds of the network for one frame.
        threads: a number that settles it.

    Raises:
        ConfigError: the number is below 1.
    """
    global _chosen
    if threads is not None and threads < 1:
        raise ConfigError(f"--threads {threads} is too few; give at least 1")
    now = torch.get_num_threads()
    if threads is None:
        if os.environ.get("OMP_NUM_THREADS") or now not in (_chosen, _DEFAULT):
            return now
        threads = max(1, min(_DEFAULT, int(macs / MACS_A_THREAD)))
    if threads != now:
        torch.set_num_threads(threads)
    _chosen = threads
    return threads
