"""Memory attention: the current frame's embedding reads what an object remembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import Attention
from .layers import Linear
from .positions import rotary_tables, rotate

LONG_TERM_SLOT = 7
"""Slot name of long-term memories; 0 to 5 are the short-term distances 1 to 6, 6 marks conditioning frames."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What B objects remember, all with the same number M of maps and R of pointers.

    Attributes:
        maps: [B, M, mem_dim, h, w] from the memory encoder, in the order they are to be read.
        slots: M temporal slots: distance - 1 for short-term maps, 6 for conditioning frames, 7 for long-term memory.
        pointers: [B, R, C] object pointers, R may be 0.
        distances: [R], [1, R] or [B, R] signed temporal distances of the pointers, divided by (pointer
            limit - 1).
    """

    maps: Tensor
    slots: tuple[int, ...]
    pointers: Tensor
    distances: Tensor


def rotate_maps(x: Tensor, cos: Tensor, sin: Tensor, maps: int) -> Tensor:
    """Apply the rotary code to the first `maps` maps of projected tokens x [B, maps*h*w + rest, C], not to the rest."""
    area = cos.shape[0]
    placed, rest = x[:, : maps * area], x[:, maps * area :]
    placed = rotate(placed.unflatten(1, (maps, area)), cos, sin).flatten(1, 2)
    return torch.cat((placed, rest), dim=1) if rest.shape[1] else placed


class MemoryAttentionLayer(nn.Module):
    """Pre-norm layer: self-attention over the frame, cross-attention to the memory, feed-forward network."""

    def __init__(self, dim: int, mem_dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = Attention(dim, 1)
        self.cross_attn_image = Attention(dim, 1, kv_dim=mem_dim)
        self.linear1 = Linear(dim, hidden)
        self.linear2 = Linear(hidden, dim)
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.norm3 = nn.LayerNorm(dim)
        self.dropout = dropout

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)

    def self_attention(self, x: Tensor, cos: Tensor, sin: Tensor, unread: int = 0) -> Tensor:
        """Self-attention of the tokens [B, h*w + extra, C]; the last `unread` tokens are queries but not keys."""
        attn, y = self.self_attn, self.norm1(x)
        q, k, v = rotate_maps(attn.q_proj(y), cos, sin, 1), rotate_maps(attn.k_proj(y), cos, sin, 1), attn.v_proj(y)
        read = x.shape[1] - unread
        return x + self._drop(attn.attend(q, k[:, :read], v[:, :read], self.dropout))

    def cross_attention(
        self,
        x: Tensor,
        keys: Tensor,
        values: Tensor,
        cos: Tensor,
        sin: Tensor,
        maps: int,
        read: Tensor | None = None,
    ) -> Tensor:
        """Cross-attention to memory tokens [B, maps*h*w + pointer tokens, mem_dim], then the feed-forward network."""
        attn = self.cross_attn_image
        q = rotate_maps(attn.q_proj(self.norm2(x)), cos, sin, 1)
        k = rotate_maps(attn.k_proj(keys), cos, sin, maps)
        x = x + self._drop(attn.attend(q, k, attn.v_proj(values), self.dropout, read))
        y = self.linear2(self._drop(self.linear1(self.norm3(x), "relu")))
        return x + self._drop(y)


class MemoryAttention(nn.Module):
    """Stack of layers over image tokens [B, h*w, C], optionally with CLS as one more token at the end (SAM2S, TSL)."""

    cos: Tensor
    sin: Tensor

    def __init__(
        self, *, dim: int, mem_dim: int, layers: int, hidden: int, grid: int, cls_is_read: bool, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(MemoryAttentionLayer(dim, mem_dim, hidden, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.cls_is_read = cls_is_read
        cos, sin = rotary_tables(dim, grid, grid)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(
        self,
        x: Tensor,
        keys: Tensor,
        values: Tensor,
        *,
        maps: int,
        cls: Tensor | None = None,
        read: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Condition image tokens on memory tokens.

        Args:
            x: [B or 1, h*w, C] image tokens with position code; a single image is shared by all objects.
            keys: [B, maps*h*w + P, mem_dim] memory with position codes, pointer tokens last.
            values: the same without position codes.
            maps: number of memory maps.
            cls: [1, 1, C] or None.
            read: bool [B, maps*h*w + P], which memory tokens count; None where none of them is padding.

        Returns:
            conditioned tokens [B, h*w, C] and the CLS token [B, 1, C] (None without one).
        """
        area, unread = x.shape[1], 0
        read = None if read is None else read[:, None, None]
        if cls is not None:
            x = torch.cat((x, cls.expand(x.shape[0], -1, -1)), dim=1)
            unread = 0 if self.cls_is_read else 1
        for layer in cast(list[MemoryAttentionLayer], self.layers):
            # Until the first cross-attention all objects see the same tokens, so the first self-attention is shared.
            x = layer.self_attention(x, self.cos, self.sin, unread)
            x = x.expand(keys.shape[0], -1, -1)
            x = layer.cross_attention(x, keys, values, self.cos, self.sin, maps, read)
        x = self.norm(x)
        return x[:, :area], None if cls is None else x[:, area:]
