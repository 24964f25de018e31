"""Optimisers and their groups of parameters: layer-wise learning rates, weight decay.

As the SAM 2.1 reference implementation fine-tunes (AdamW, rates that fall towards the image, no decay of biases and
norms), but norms over maps do not decay here either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sam2s.errors import ConfigError
from sam2s.model import SAM2S

from .freeze import ADDITIONS
from .settings import require, require_positive

_BLOCK = re.compile(r"image_encoder\.trunk\.blocks\.(\d+)\.")


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimiserSettings:
    """How weights follow their gradients.

    Attributes:
        lr: peak learning rate.
        layer_decay: block i of n of the trunk learns at layer_decay ** (n - i) times `lr`, the patch embedding at
            layer_decay ** (n + 1); the position grids and all else at `lr`.
        additions: factor on the learning rate of what SAM2S adds to SAM 2.1.
        weight_decay: of kernels, matrices and embeddings.
        betas: of AdamW.
        clip_norm: largest L2 norm of all gradients together.
        muon: above 0, the matrices of linear layers learn by Muon at this many times `lr`.
    """

    lr: float = 1e-5
    layer_decay: float = 1.0
    additions: float = 1.0
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.999)
    clip_norm: float = 0.1
    muon: float = 0.0

    def __post_init__(self) -> None:
        require_positive(self, "lr", "layer_decay", "additions", "clip_norm")
        require(self, "weight_decay", "muon", least=0)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"betas are {list(self.betas)}; both are from 0 to below 1, such as [0.9, 0.999]")


def rate_scale(name: str, blocks: int, settings: OptimiserSettings) -> float:
    """Learning rate of a parameter as a multiple of `lr`, before the schedule.

    Args:
        name: its name in the network.
        blocks: blocks of the trunk.
        settings: the rules.
    """
    if name.startswith(ADDITIONS):
        return settings.additions
    if found := _BLOCK.match(name):
        return settings.layer_decay ** (blocks - int(found[1]))
    if name.startswith("image_encoder.trunk.patch_embed"):
        return settings.layer_decay ** (blocks + 1)
    return 1.0


def make_optimisers(model: SAM2S, settings: OptimiserSettings) -> list[torch.optim.Optimizer]:
    """AdamW, and Muon if asked for, over the parameters that have gradients.

    Every group holds `peak`, which is its learning rate at the top of the schedule.
    """
    blocks = len(model.image_encoder.trunk.blocks)
    matrices = {id(m.weight) for m in model.modules() if isinstance(m, nn.Linear)} if settings.muon else set()
    groups: dict[tuple[bool, float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            muon = id(parameter) in matrices
            scale = rate_scale(name, blocks, settings) * (settings.muon if muon else 1.0)
            decay = settings.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((muon, scale, decay), []).append(parameter)

    def chosen(muon: bool) -> list[dict[str, Any]]:
        return [
            {"params": parameters, "lr": settings.lr * scale, "peak": settings.lr * scale, "weight_decay": decay}
            for (is_muon, scale, decay), parameters in groups.items()
            if is_muon == muon
        ]

    found: list[torch.optim.Optimizer] = [torch.optim.AdamW(chosen(False), betas=settings.betas)]
    if settings.muon:
        if not hasattr(torch.optim, "Muon"):
            raise ConfigError(f"torch {torch.__version__} has no Muon; set optimiser.muon to 0, or update torch")
        found.append(torch.optim.Muon(chosen(True), adjust_lr_fn="match_rms_adamw"))
    return found


def set_rates(optimisers: list[torch.optim.Optimizer], factor: float) -> None:
    """Put all learning rates at `factor` times their peak."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = factor * group["peak"]


def describe(optimisers: list[torch.optim.Optimizer]) -> str:
    """A line for each group: kind, numbers, peak learning rate, weight decay."""
    lines = [f"  {'':10} {'numbers':>12} {'peak rate':>10} {'decay':>7}"]
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            count = sum(p.numel() for p in group["params"])
            lines.append(
                f"  {type(optimiser).__name__:10} {count:12,} {group['peak']:10.3g} {group['weight_decay']:7g}"
            )
    return "\n".join(lines)
