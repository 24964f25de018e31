"""Weights on disk: finding, reading, checking and writing them."""

from .load import SEMANTIC, Checkpoint, assemble, examine, find, load_checkpoint, local, path_given, read
from .native import Metadata, save_checkpoint
from .registry import Entry, entry, registry
from .report import Report, compare

__all__ = [
    "SEMANTIC",
    "Checkpoint",
    "Entry",
    "Metadata",
    "Report",
    "assemble",
    "compare",
    "entry",
    "examine",
    "find",
    "load_checkpoint",
    "local",
    "path_given",
    "read",
    "registry",
    "save_checkpoint",
]
