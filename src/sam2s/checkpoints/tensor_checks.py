"""Checks of single tensors that came out of a file, before anything is computed with them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from sam2s.errors import CheckpointError

FLOATING = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def sound_tensors(state: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Refuse tensors that no network can be made of; return the others with memory of their own, row after row.

    Raises:
        CheckpointError: a tensor holds no numbers (meta), is sparse or quantised, is not of a floating type, or has
            NaN or infinite values. The message names the first such tensor and counts the rest.
    """
    faults = [(name, fault) for name, tensor in state.items() if (fault := _fault(tensor))]
    if faults:
        name, fault = faults[0]
        others = f", and {len(faults) - 1} more tensors are unusable" if len(faults) > 1 else ""
        raise CheckpointError(
            f"{path}: the tensor {name} {fault}{others}; weights are dense tensors of float32, float16, bfloat16 or "
            "float64 with finite numbers. Convert or save them again from the network they belong to"
        )
    return {name: tensor.contiguous() for name, tensor in state.items()}


def _fault(tensor: Tensor) -> str | None:
    if tensor.is_meta:
        return "has a shape but no numbers (it was saved from the meta device)"
    if tensor.layout is not torch.strided or tensor.is_quantized:
        return "is sparse or quantised"
    if tensor.dtype not in FLOATING:
        return f"has the type {str(tensor.dtype).removeprefix('torch.')}"
    finite = torch.isfinite(tensor)
    if not finite.all():
        return f"holds {int((~finite).sum()):,} of {tensor.numel():,} values that are NaN or infinite"
    return None
