"""Weights on disk: finding, reading, checking and writing them."""

from importlib import import_module
from typing import TYPE_CHECKING

from .locate import find_weights, local_path, path_given
from .registry import NamedWeights, named_weights, registry

if TYPE_CHECKING:
    from .average import average_checkpoints
    from .inspection import Inspection, inspect_checkpoint
    from .licences import UNSTATED, combine_licences, state_licence
    from .load import SEMANTIC, assemble, compare_with_network, load_checkpoint
    from .native import Metadata, save_checkpoint
    from .reading import Checkpoint, read_checkpoint
    from .renaming import Renaming
    from .report import TensorReport, compare_shapes

__all__ = [
    "SEMANTIC",
    "UNSTATED",
    "Checkpoint",
    "Inspection",
    "Metadata",
    "NamedWeights",
    "Renaming",
    "TensorReport",
    "assemble",
    "average_checkpoints",
    "combine_licences",
    "compare_shapes",
    "compare_with_network",
    "find_weights",
    "inspect_checkpoint",
    "load_checkpoint",
    "local_path",
    "named_weights",
    "path_given",
    "read_checkpoint",
    "registry",
    "save_checkpoint",
    "state_licence",
]

_HOMES = {
    "Checkpoint": "reading",
    "Inspection": "inspection",
    "Metadata": "native",
    "Renaming": "renaming",
    "SEMANTIC": "load",
    "TensorReport": "report",
    "UNSTATED": "licences",
    "assemble": "load",
    "average_checkpoints": "average",
    "combine_licences": "licences",
    "compare_shapes": "report",
    "compare_with_network": "load",
    "inspect_checkpoint": "inspection",
    "load_checkpoint": "load",
    "read_checkpoint": "reading",
    "save_checkpoint": "native",
    "state_licence": "licences",
}


def __getattr__(name: str) -> object:
    """Import on first use, so that what is known of weights by name can be listed without torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sam2s.checkpoints' has no attribute {name!r}")
    return getattr(import_module(f"sam2s.checkpoints.{_HOMES[name]}"), name)
