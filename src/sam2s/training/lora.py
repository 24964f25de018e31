"""Low-rank adapters: train two thin matrices beside a frozen one, and fold them into it when weights are written."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from sam2s.model import SAM2S


class LowRank(nn.Module):
    """Adds scale * up @ down to a matrix [out, in]; `up` starts at zero, so nothing changes at first."""

    def __init__(self, weight: Tensor, rank: int, alpha: float) -> None:
        super().__init__()
        rank = min(rank, *weight.shape)
        self.up = nn.Parameter(weight.new_zeros(weight.shape[0], rank))
        self.down = nn.Parameter(torch.randn(rank, weight.shape[1]).to(weight) / weight.shape[1] ** 0.5)
        self.scale = alpha / rank

    def forward(self, weight: Tensor) -> Tensor:
        """weight [out, in] -> the adapted weight [out, in]."""
        return weight + self.scale * (self.up @ self.down)


def add_adapters(module: nn.Module, rank: int, alpha: float) -> None:
    """Give every linear layer inside `module` an adapter; its other parameters are left as they are."""
    for layer in [m for m in module.modules() if isinstance(m, nn.Linear)]:
        parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank, alpha))


def plain_state(model: SAM2S) -> dict[str, Tensor]:
    """The state dict with all adapters folded in: what a network without adapters loads and answers the same with."""
    state: dict[str, Tensor] = dict(model.state_dict())
    for name, module in model.named_modules():
        if parametrize.is_parametrized(module):
            for key in [key for key in state if key.startswith(f"{name}.parametrizations.")]:
                del state[key]
            weight = module.weight
            assert isinstance(weight, Tensor), "adapters are on weights of linear layers"
            state[f"{name}.weight"] = weight.detach()
    return state
