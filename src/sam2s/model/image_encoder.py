"""Trunk and neck: what the network sees in one picture, computed once for all objects."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from .trunk import Hiera


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """Features of a batch of images; h = w = image_size / 16.

    Attributes:
        embedding: [B, C, h, w], stride 16, before any memory: what DiveMem compares and the memory encoder reads.
        high_res: ([B, C/8, 4h, 4w], [B, C/4, 2h, 2w]), strides 4 and 8, already projected for the mask decoder.
    """

    embedding: Tensor
    high_res: tuple[Tensor, Tensor]

    def take(self, rows: Tensor | slice) -> ImageFeatures:
        """Select images of the batch by a slice or an index tensor."""
        return ImageFeatures(self.embedding[rows], (self.high_res[0][rows], self.high_res[1][rows]))


class Lateral(nn.Module):
    """1x1 convolution of one level of the pyramid."""

    def __init__(self, dim: int, dim_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, dim, h, w] -> [B, dim_out, h, w]."""
        return self.conv(x)


class Neck(nn.Module):
    """Feature pyramid to `hidden_dim` channels; only stride 16 receives a top-down sum (from stride 32).

    The stride-32 level itself is used for nothing else and not returned.
    """

    def __init__(self, stage_dims: tuple[int, ...], hidden_dim: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(Lateral(dim, hidden_dim) for dim in reversed(stage_dims))

    def forward(self, maps: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Maps [B, C_i, S/s, S/s] for s = 4, 8, 16, 32 -> [B, hidden_dim, S/s, S/s] for s = 4, 8, 16."""
        s4, s8, s16, s32 = (conv(x) for conv, x in zip(reversed(self.convs), maps, strict=True))
        return s4, s8, s16 + F.interpolate(s32, scale_factor=2.0, mode="nearest")


class ImageEncoder(nn.Module):
    """Images [B, 3, S, S] -> maps of strides 4, 8 and 16 with `hidden_dim` channels."""

    def __init__(self, trunk: Hiera, neck: Neck) -> None:
        super().__init__()
        self.trunk = trunk
        self.neck = neck

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """images [B, 3, S, S] -> [B, hidden_dim, S/s, S/s] for s = 4, 8, 16."""
        return self.neck(self.trunk(images))
