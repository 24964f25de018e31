"""Clips to learn from: sources, sampling, augmentation, batches."""

from .augment import Augmentation
from .check import preflight
from .clip_settings import ClipSettings
from .opening import SYNTHETIC, SourceSettings, find_entries, held_out_entries, open_source, training_entries
from .stream import ClipStream, training_loader

__all__ = [
    "SYNTHETIC",
    "Augmentation",
    "ClipSettings",
    "ClipStream",
    "SourceSettings",
    "find_entries",
    "held_out_entries",
    "open_source",
    "preflight",
    "training_entries",
    "training_loader",
]
