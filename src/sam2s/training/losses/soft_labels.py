"""Soft labels: how sure a mask is of each pixel (SAM2S paper, ARL, Eq. 4)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SIGMA, SIDE = 1.0, 5


def gaussian(sigma: float = SIGMA, side: int = SIDE) -> Tensor:
    """Samples of a Gaussian at whole pixels, [side]; they sum to 1, so that the inside of a mask stays 1."""
    weights = torch.exp(-((torch.arange(side) - side // 2) ** 2) / (2 * sigma**2))
    return weights / weights.sum()


def soften(masks: Tensor, sigma: float = SIGMA) -> Tensor:
    """Masks [N, H, W] in [0, 1] -> the same blurred by a 5x5 Gaussian; the border is continued outwards."""
    line = gaussian(sigma).to(masks.device, masks.dtype)
    x = F.pad(masks[:, None], (SIDE // 2,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(x, line.view(1, 1, -1, 1)), line.view(1, 1, 1, -1))[:, 0]
