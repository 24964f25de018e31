"""From checked weights to a network."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from sam2s.errors import CheckpointError
from sam2s.model.config import ModelConfig
from sam2s.model.network import SAM2S, build

from .families import family_by_name
from .reading import Checkpoint, read_checkpoint
from .renaming import Renaming
from .report import TensorReport, compare_shapes, shapes

log = logging.getLogger(__name__)

LONG_TERM = "long_term_tpos_enc"
SEMANTIC = ("cls_token", "text_bank", "semantic_proj.")
"""How the names of all tensors begin that a network without semantics lacks."""
SAM_2_0_LACKS = {"no_obj_embed_spatial", "obj_ptr_tpos_proj.weight", "obj_ptr_tpos_proj.bias"}


def compare_with_network(config: ModelConfig, state: Mapping[str, Tensor]) -> TensorReport:
    """Hold weights against the network of `config`."""
    return compare_shapes(shapes(_skeleton(config).state_dict()), shapes(state))


def load_checkpoint(name_or_path: str | Path, *, renaming: Renaming | None = None) -> Checkpoint:
    """Read weights by name or path and check every tensor of them.

    Weights without the parameters that SAM2S adds become plain SAM 2.1: the long-term embedding is a copy of the one
    for conditioning frames, semantics are off.

    Args:
        name_or_path: as for `find_weights`.
        renaming: gives the tensors of a foreign file the official names first.

    Returns:
        config, state dict (complete for that config, official names, CPU, precision of the file) and metadata.

    Raises:
        CheckpointError: they cannot be found or read, or a tensor is missing, unexpected or mis-shaped.
    """
    try:
        config, state, metadata = read_checkpoint(name_or_path, renaming=renaming)
    except CheckpointError as error:
        raise CheckpointError(f"{error}{_successor_hint(name_or_path)}") from error
    if config.semantic != "off" and not any(name.startswith(SEMANTIC) for name in state):
        config = replace(config, semantic="off", categories=())
    if LONG_TERM not in state and "maskmem_tpos_enc" in state:
        state[LONG_TERM] = state["maskmem_tpos_enc"][-1:].clone()
    report = compare_with_network(config, state)
    if report.missing or report.unexpected or report.misshaped:
        hint = "\nThese are SAM 2.0 weights; SAM 2.1 ones are needed." if set(report.missing) == SAM_2_0_LACKS else ""
        hint += _successor_hint(name_or_path)
        raise CheckpointError(f"{name_or_path} does not fit the network {config.name!r}:\n{report.table()}{hint}")
    log.info("%s: all %d tensors match network %r", name_or_path, len(report.matched), config.name)
    return Checkpoint(config, state, metadata)


def _successor_hint(name_or_path: str | Path) -> str:
    family = family_by_name(name_or_path)
    return "" if family is None else f"\nIts name says {family.name}: {family.reason}. To use it: {family.advice}."


def assemble(config: ModelConfig, state: Mapping[str, Tensor]) -> SAM2S:
    """Make the network and give it weights, which it shares rather than copies."""
    network = _skeleton(config)
    network.load_state_dict(state, assign=True)
    return network


class _NoInitialisation(TorchFunctionMode):
    """Skips torch.nn.init: random numbers for 224 M weights take seconds, and these are about to be replaced."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def _skeleton(config: ModelConfig) -> SAM2S:
    with _NoInitialisation(), torch.device("cpu"):
        return build(config)
