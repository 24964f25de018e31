"""Choosing where to compute, and in which precision."""

from __future__ import annotations

import torch

from sam2s.errors import ConfigError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SHORT = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


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
