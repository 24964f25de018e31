"""Hiera, the image trunk of SAM 2.1: four stages of transformer blocks over windows."""

from __future__ import annotations

from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import MLP, Linear


def partition(x: Tensor, side: int, fill: Tensor) -> Tensor:
    """Cut a map [B, H, W, C] into windows [B*n, side, side, C]; beyond the bottom and right edges stands `fill` [C]."""
    batch, height, width, channels = x.shape
    rows, cols = -(-height // side), -(-width // side)
    if (rows * side, cols * side) != (height, width):
        padded = fill.to(x.dtype).expand(batch, rows * side, cols * side, channels).clone()
        padded[:, :height, :width] = x
        x = padded
    x = x.view(batch, rows, side, cols, side, channels)
    return x.transpose(2, 3).reshape(-1, side, side, channels)


def unpartition(windows: Tensor, height: int, width: int) -> Tensor:
    """Put windows [B*n, side, side, C] back into a map [B, height, width, C], dropping what lies beyond its edges."""
    side, channels = windows.shape[1], windows.shape[3]
    rows, cols = -(-height // side), -(-width // side)
    x = windows.view(-1, rows, cols, side, side, channels).transpose(2, 3)
    return x.reshape(-1, rows * side, cols * side, channels)[:, :height, :width]


def pool(x: Tensor) -> Tensor:
    """2x2 max pooling of a channels-last map [B, H, W, C]."""
    return F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


class WindowAttention(nn.Module):
    """Self-attention inside windows; `pooled` halves the query map, and with it the output."""

    def __init__(self, dim: int, dim_out: int, heads: int, *, window: int, pooled: bool) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        self.pooled = pooled
        self.qkv = Linear(dim, 3 * dim_out)
        self.proj = Linear(dim_out, dim_out)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, H, W, dim] -> [B, H, W, dim_out], or half as high and wide where pooled."""
        _, height, width, _ = x.shape
        # Padding tokens are zeros to the projection, so their q, k, v are its bias: project the real tokens only.
        side = self.window or height
        qkv = partition(self.qkv(x), side, self.qkv.bias)
        q, k, v = qkv.chunk(3, dim=-1)
        if self.pooled:
            q, side, height, width = pool(q), side // 2, height // 2, width // 2
        q, k, v = (t.flatten(1, 2).unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.proj(unpartition(y.unflatten(1, (side, side)), height, width))


class Block(nn.Module):
    """Pre-norm transformer block; a change of width comes with 2x2 pooling."""

    def __init__(self, dim: int, dim_out: int, heads: int, *, window: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = WindowAttention(dim, dim_out, heads, window=window, pooled=dim != dim_out)
        self.norm2 = nn.LayerNorm(dim_out, eps=1e-6)
        self.mlp = MLP((dim_out, 4 * dim_out, dim_out), "gelu")
        if dim != dim_out:
            self.proj = Linear(dim, dim_out)
        self.drop_path = drop_path

    def _drop(self, branch: Tensor) -> Tensor:
        """Stochastic depth: zero the branch of a random share of the samples while training."""
        if not (self.training and self.drop_path):
            return branch
        keep = torch.rand(branch.shape[0], 1, 1, 1, device=branch.device) >= self.drop_path
        return branch * keep.to(branch.dtype) / (1 - self.drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, H, W, dim] -> [B, H, W, dim_out], or half as high and wide where the width changes."""
        y = self.norm1(x)
        # The shortcut of a widening block starts from the normed input, as in the SAM 2.1 reference implementation.
        shortcut = pool(self.proj(y)) if self.attn.pooled else x
        x = shortcut + self._drop(self.attn(y))
        return x + self._drop(self.mlp(self.norm2(x)))


class PatchEmbed(nn.Module):
    """7x7 convolution with stride 4; returns a channels-last map."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, 7, stride=4, padding=3)

    def forward(self, images: Tensor) -> Tensor:
        """images [B, 3, S, S] -> [B, S/4, S/4, dim]."""
        return self.proj(images).permute(0, 2, 3, 1)


class Hiera(nn.Module):
    """Image trunk: images [B, 3, S, S] -> four maps [B, C_i, S/s, S/s] with strides s = 4, 8, 16, 32."""

    def __init__(
        self,
        *,
        embed_dim: int,
        num_heads: int,
        stages: tuple[int, ...],
        global_blocks: tuple[int, ...],
        window_sizes: tuple[int, ...],
        pos_grid: int,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(embed_dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, embed_dim, pos_grid, pos_grid))
        self.pos_embed_window = nn.Parameter(torch.zeros(1, embed_dim, 8, 8))
        self._kept: tuple[tuple[object, ...], Tensor] | None = None
        ends = list(accumulate(stages))
        self.stage_ends = [end - 1 for end in ends]
        depth = ends[-1]
        self.blocks = nn.ModuleList()
        dim = embed_dim
        for i in range(depth):
            stage = sum(i >= end for end in ends)
            # The block that opens a stage still works in the windows of the stage before: it pools inside them.
            window = window_sizes[stage - 1 if i in ends else stage]
            dim_out = embed_dim * 2**stage
            self.blocks.append(
                Block(
                    dim,
                    dim_out,
                    num_heads * 2**stage,
                    window=0 if i in global_blocks else window,
                    drop_path=drop_path * i / max(1, depth - 1),
                )
            )
            dim = dim_out

    def position_code(self, height: int, width: int) -> Tensor:
        """The learned background grid, stretched, plus the learned 8x8 window code, tiled: [1, height, width, C].

        Kept between frames while nobody trains: stretching costs a small network 3 % of a frame.
        """
        if torch.compiler.is_compiling() or torch.is_grad_enabled() or torch.jit.is_tracing():
            return self._position_code(height, width)
        parts = (self.pos_embed, self.pos_embed_window)
        if any(p.is_inference() for p in parts):  # nobody counts the changes of weights made in inference mode
            return self._position_code(height, width)
        state = (height, width, *((p.data_ptr(), p.dtype, p._version) for p in parts))
        if self._kept is None or self._kept[0] != state:
            self._kept = state, self._position_code(height, width)
        return self._kept[1]

    def _position_code(self, height: int, width: int) -> Tensor:
        grid = F.interpolate(self.pos_embed, (height, width), mode="bicubic", align_corners=False)
        return (grid + self.pos_embed_window.tile(1, 1, height // 8, width // 8)).permute(0, 2, 3, 1)

    def forward(self, images: Tensor) -> list[Tensor]:
        """images [B, 3, S, S] -> the outputs of the four stages, [B, C_i, S/s, S/s] for s = 4, 8, 16, 32."""
        x = self.patch_embed(images)
        x = x + self.position_code(x.shape[1], x.shape[2])
        maps = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.stage_ends:
                maps.append(x.permute(0, 3, 1, 2))
        return maps
