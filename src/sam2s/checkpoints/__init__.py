"""Weights on disk: finding, reading, checking and writing them."""

from .average import average_checkpoints
from .inspection import Inspection, inspect_checkpoint
from .load import SEMANTIC, assemble, compare_with_network, load_checkpoint
from .locate import find_weights, local_path, path_given
from .native import Metadata, save_checkpoint
from .reading import Checkpoint, read_checkpoint
from .registry import NamedWeights, named_weights, registry
from .renaming import Renaming
from .report import TensorReport, compare_shapes

__all__ = [
    "SEMANTIC",
    "Checkpoint",
    "Inspection",
    "Metadata",
    "NamedWeights",
    "Renaming",
    "TensorReport",
    "assemble",
    "average_checkpoints",
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
]
