"""Masks as bits, an eighth of the bytes, for the way from a GPU to memory."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def to_host(mask: Tensor) -> np.ndarray:
    """Copy a bool mask of any shape into memory; on a GPU it is packed first."""
    if mask.device.type == "cpu":
        return mask.numpy()
    return unpack(pack(mask).cpu().numpy(), tuple(mask.shape))


def pack(mask: Tensor) -> Tensor:
    """Bool of any shape -> uint8, eight of its flat values a byte as in `numpy.packbits`, on the same device."""
    octets = F.pad(mask.flatten().to(torch.uint8), (0, -mask.numel() % 8)).view(-1, 8)
    places = torch.tensor([128, 64, 32, 16, 8, 4, 2, 1], dtype=torch.uint8, device=mask.device)
    return (octets * places).sum(1, dtype=torch.uint8)


def unpack(octets: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What `pack` made of a bool array of that shape."""
    return np.unpackbits(octets, count=int(np.prod(shape))).view(bool).reshape(shape)
