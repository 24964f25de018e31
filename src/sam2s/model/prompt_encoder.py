"""Prompt encoder: clicks and boxes become tokens, a mask becomes a map."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, cast

import torch
from torch import Tensor, nn

from .layers import LayerNorm2d

NOT_A_POINT, NEGATIVE, POSITIVE, BOX_TOP_LEFT, BOX_BOTTOM_RIGHT = -1, 0, 1, 2, 3
"""Labels of the points the encoder reads; a box is its two corners."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Encoded prompt: sparse tokens [B, P + 1, C] and a dense map [B or 1, C, h or 1, w or 1]."""

    sparse: Tensor
    dense: Tensor


class RandomPositions(nn.Module):
    """Random Fourier features of points in the unit square.

    The matrix stays float32 in a network of any precision: large angles are made of it, and lose their meaning in half.
    """

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, features))

    def forward(self, coords: Tensor) -> Tensor:
        """coords [..., 2], (x, y) in [0, 1] -> float32 [..., 2 * features]"""
        with torch.autocast(coords.device.type, enabled=False):
            angle = 2 * math.pi * ((2 * coords.float() - 1) @ self.positional_encoding_gaussian_matrix.float())
        return torch.cat((angle.sin(), angle.cos()), dim=-1)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move, as all modules do, but keep the type."""
        matrix = self.positional_encoding_gaussian_matrix
        super()._apply(fn, recurse)
        if self.positional_encoding_gaussian_matrix.dtype != torch.float32:
            moved = self.positional_encoding_gaussian_matrix.device
            self.positional_encoding_gaussian_matrix = matrix.to(moved, torch.float32)
        return self


class PromptEncoder(nn.Module):
    """Encodes points with labels, and an optional mask, for the mask decoder."""

    def __init__(self, *, dim: int, image_size: int, grid: int) -> None:
        super().__init__()
        self.image_size = image_size
        self.grid = grid
        self.pe_layer = RandomPositions(dim // 2)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, dim)
        self.no_mask_embed = nn.Embedding(1, dim)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, 2, stride=2),
            LayerNorm2d(4),
            nn.GELU(),
            nn.Conv2d(4, 16, 2, stride=2),
            LayerNorm2d(16),
            nn.GELU(),
            nn.Conv2d(16, dim, 1),
        )

    def dense_positions(self) -> Tensor:
        """Position code of every location of the embedding, [1, C, grid, grid]."""
        device = self.no_mask_embed.weight.device
        centre = (torch.arange(self.grid, device=device) + 0.5) / self.grid
        coords = torch.stack((centre.expand(self.grid, -1), centre[:, None].expand(-1, self.grid)), dim=-1)
        return self.pe_layer(coords).to(self.no_mask_embed.weight.dtype).permute(2, 0, 1)[None]

    def _points(self, coords: Tensor, labels: Tensor) -> Tensor:
        # The reference always closes the list with one point that is none.
        coords = torch.cat((coords, coords.new_zeros(coords.shape[0], 1, 2)), dim=1)
        labels = torch.cat((labels, labels.new_full((labels.shape[0], 1), NOT_A_POINT)), dim=1)
        kinds = torch.cat(
            [self.not_a_point_embed.weight, *(e.weight for e in cast(list[nn.Embedding], self.point_embeddings))]
        )
        code = self.pe_layer((coords + 0.5) / self.image_size).to(kinds.dtype)
        return torch.where((labels == NOT_A_POINT)[..., None], 0, code) + kinds[labels + 1]

    def forward(self, coords: Tensor, labels: Tensor, mask_logits: Tensor | None = None) -> Prompt:
        """Encode a prompt.

        Args:
            coords: [B, P, 2] (x, y) pixels of the model image.
            labels: [B, P] integers: -1 no point, 0 negative, 1 positive, 2 and 3 the corners of a box.
            mask_logits: [B, 1, 4h, 4w] or None.
        """
        if mask_logits is None:
            dense = self.no_mask_embed.weight[:, :, None, None]
        else:
            dense = self.mask_downscaling(mask_logits)
        return Prompt(self._points(coords, labels), dense)
