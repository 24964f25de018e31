"""Small parts that several modules share."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Activation = Literal["none", "relu", "gelu"]
_ACTIVATIONS = {"none": lambda x: x, "relu": F.relu, "gelu": F.gelu}
_ROWS = 64
"""Fewer rows than this are quicker through torch's own kernel."""


@cache
def _onednn() -> bool:
    """Whether oneDNN's linear layer is there and computes what torch's own does."""
    numbers = torch.linspace(-2, 2, 176, device="cpu").sin()  # drawing some would change what the caller draws
    x, weight, bias = numbers[:32].view(4, 8), numbers[32:160].view(16, 8), numbers[160:]
    try:
        y = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "gelu", [], "none")
    except (AttributeError, RuntimeError):
        return False
    return torch.allclose(y, F.gelu(F.linear(x, weight, bias)), atol=1e-5)


def _fusible(x: Tensor) -> bool:
    """Whether a tensor is one that oneDNN may take: on the processor, and nobody wants its gradient or its graph."""
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and not (torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.jit.is_tracing())
        and x.numel() >= _ROWS * x.shape[-1]  # after that: a graph that asks for a size is bound to it
        and not torch.is_autocast_enabled("cpu")
        and _onednn()
    )


class Linear(nn.Linear):
    """A linear layer and the activation after it, in one pass over the output where oneDNN computes both.

    On a processor that takes 5 to 10 % off the layer, and 10 to 30 % with GELU (benchmarks/README.md).
    """

    def forward(self, x: Tensor, activation: Activation = "none") -> Tensor:
        """x [..., in_features] -> [..., out_features]."""
        if _fusible(x):
            y: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, activation, [], "none")
            return y
        return _ACTIVATIONS[activation](F.linear(x, self.weight, self.bias))


class LayerNorm2d(nn.Module):
    """Layer norm over the channels of every pixel of a map [B, C, H, W]."""

    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> [B, C, H, W]."""
        y = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, self.eps)
        return y.permute(0, 3, 1, 2)


class MLP(nn.Module):
    """Linear layers with an activation between them, optionally a sigmoid at the end."""

    def __init__(self, dims: tuple[int, ...], activation: Activation = "relu", *, sigmoid: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Linear(a, b) for a, b in pairwise(dims))
        self.activation = activation
        self.sigmoid = sigmoid

    def forward(self, x: Tensor) -> Tensor:
        """x [..., dims[0]] -> [..., dims[-1]]."""
        for layer in self.layers[:-1]:
            x = layer(x, self.activation)
        x = self.layers[-1](x)
        return torch.sigmoid(x) if self.sigmoid else x


def tokens(x: Tensor) -> Tensor:
    """[B, C, h, w] -> [B, h*w, C]"""
    return x.flatten(2).transpose(1, 2)


def to_map(x: Tensor, height: int, width: int) -> Tensor:
    """[B, h*w, C] -> [B, C, h, w]"""
    return x.transpose(1, 2).unflatten(2, (height, width))
