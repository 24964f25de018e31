"""Multi-head attention with separate projections, as memory attention and mask decoder use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch.nn.functional as F
from torch import Tensor, nn

from .layers import Linear


class Attention(nn.Module):
    """Attention of queries [B, n, dim] over keys and values [B, m, kv_dim] -> [B, n, dim].

    `inner_dim` is the width the heads share. The projections are kept as methods so that callers can change projected
    queries and keys (rotary position code) between projection and attention.
    """

    def __init__(self, dim: int, heads: int, *, kv_dim: int | None = None, inner_dim: int | None = None) -> None:
        super().__init__()
        inner_dim, kv_dim = inner_dim or dim, kv_dim or dim
        self.heads = heads
        self._observer: Callable[[Tensor, Tensor], None] | None = None
        self.q_proj = Linear(dim, inner_dim)
        self.k_proj = Linear(kv_dim, inner_dim)
        self.v_proj = Linear(kv_dim, inner_dim)
        self.out_proj = Linear(inner_dim, dim)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, dropout: float = 0.0, read: Tensor | None = None) -> Tensor:
        """Softmax attention of projected q [B, n, D] over k, v [B, m, D], then the output projection.

        `read`, bool [B, 1, 1, m], names the keys that count; None reads all.
        """
        if self._observer is not None:
            self._observer(q, k)
        q, k, v = (t.unflatten(2, (self.heads, -1)).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=read, dropout_p=dropout if self.training else 0.0)
        return self.out_proj(y.transpose(1, 2).flatten(2))

    @contextmanager
    def observed(self, observer: Callable[[Tensor, Tensor], None]) -> Iterator[None]:
        """Within the block, show projected queries [B, n, D] and keys [B, m, D] to `observer` before each attention."""
        self._observer = observer
        try:
            yield
        finally:
            self._observer = None

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Queries q [B, n, dim], keys k and values v [B, m, kv_dim] -> [B, n, dim]."""
        return self.attend(self.q_proj(q), self.k_proj(k), self.v_proj(v))
