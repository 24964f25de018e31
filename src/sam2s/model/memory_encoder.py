"""Memory encoder: a frame's embedding and an object's mask become the map that the object remembers."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from .layers import LayerNorm2d, Linear


class MaskDownsampler(nn.Module):
    """Mask [B, 1, S, S] -> [B, C, S/16, S/16] by four stride-2 convolutions."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        channels = (1, 4, 16, 64, 256)
        parts: list[nn.Module] = []
        for a, b in pairwise(channels):
            parts += [nn.Conv2d(a, b, 3, stride=2, padding=1), LayerNorm2d(b), nn.GELU()]
        self.encoder = nn.Sequential(*parts, nn.Conv2d(channels[-1], dim, 1))

    def forward(self, mask: Tensor) -> Tensor:
        """mask [B, 1, S, S] -> [B, C, S/16, S/16]."""
        return self.encoder(mask)


class ConvNeXtBlock(nn.Module):
    """Depthwise 7x7, norm, pointwise expansion, layer scale, residual; maps [B, C, h, w]."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = LayerNorm2d(dim)
        self.pwconv1 = Linear(dim, 4 * dim)
        self.pwconv2 = Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, h, w] -> [B, C, h, w]."""
        y = self.norm(self.dwconv(x)).permute(0, 2, 3, 1)
        y = self.gamma * self.pwconv2(self.pwconv1(y, "gelu"))
        return x + y.permute(0, 3, 1, 2)


class Fuser(nn.Module):
    """A few ConvNeXt blocks in a row."""

    def __init__(self, dim: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(ConvNeXtBlock(dim) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, h, w] -> [B, C, h, w]."""
        for layer in self.layers:
            x = layer(x)
        return x


class MemoryEncoder(nn.Module):
    """Raw image embedding [B, C, h, w] and mask [B, 1, 16h, 16w] -> memory map [B, mem_dim, h, w]."""

    def __init__(self, *, dim: int, mem_dim: int, fuser_layers: int) -> None:
        super().__init__()
        self.mask_downsampler = MaskDownsampler(dim)
        self.pix_feat_proj = nn.Conv2d(dim, dim, 1)
        self.fuser = Fuser(dim, fuser_layers)
        self.out_proj = nn.Conv2d(dim, mem_dim, 1)

    def forward(self, embedding: Tensor, mask: Tensor) -> Tensor:
        """embedding [B, C, h, w], mask [B, 1, 16h, 16w] in the scale of `MASK_SCALE` -> [B, mem_dim, h, w]."""
        return self.out_proj(self.fuser(self.pix_feat_proj(embedding) + self.mask_downsampler(mask)))
