"""How much attention each memory token gets: read off while the network computes, at no cost where nobody asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2s.errors import ConfigError

from .contract import Network
from .memory_attention import MemoryAttentionLayer
from .network import SAM2S

CHUNK = 256
"""Queries whose weights are held together: all of a large image by all of its memory would take gigabytes."""


@contextmanager
def record_attention(model: Network, query_weights: Tensor) -> Iterator[list[Tensor]]:
    """Record the cross-attention of memory attention within the block.

    Args:
        model: the network, in PyTorch.
        query_weights: [G, h*w], groups of image tokens: the attention of each group is the sum over its tokens, so
            rows that add up to 1 give means. The CLS token belongs to no group.

    Yields:
        a list that grows by float32 [B, G, keys] for each layer of each call, its last axis in the order of the memory
        tokens; each row adds up to what that of `query_weights` does. The mean over heads.

    Raises:
        ConfigError: the network is not one in PyTorch.
    """
    if not isinstance(model, SAM2S):
        raise ConfigError(f"the attention of {model.config.name} cannot be seen in an exported network; load weights")
    recorded: list[Tensor] = []
    with ExitStack() as stack:
        for layer in cast(list[MemoryAttentionLayer], model.memory_attention.layers):
            attention = layer.cross_attn_image
            stack.enter_context(attention.observed(partial(_record, recorded, query_weights, attention.heads)))
        yield recorded


def _record(recorded: list[Tensor], query_weights: Tensor, heads: int, q: Tensor, k: Tensor) -> None:
    recorded.append(attention_shares(q, k, query_weights, heads))


def attention_shares(q: Tensor, k: Tensor, query_weights: Tensor, heads: int) -> Tensor:
    """Weights of softmax attention of projected q [B, n, D] over k [B, m, D], summed over groups of queries.

    Args:
        q, k: projected queries and keys; queries beyond those of `query_weights` belong to no group.
        query_weights: [G, <= n].
        heads: among which D is shared out; the mean over them is taken.

    Returns:
        float32 [B, G, m].
    """
    groups = F.pad(query_weights.to(q.device, torch.float32), (0, q.shape[1] - query_weights.shape[1]))
    queries, keys = (t.float().unflatten(2, (heads, -1)).transpose(1, 2) for t in (q, k))
    total = torch.zeros(len(q), len(groups), k.shape[1], device=q.device)
    for start in range(0, q.shape[1], CHUNK):
        part = queries[:, :, start : start + CHUNK] @ keys.transpose(2, 3) / queries.shape[-1] ** 0.5
        total += torch.einsum("gq,bhqm->bgm", groups[:, start : start + CHUNK], part.softmax(-1)) / heads
    return total
