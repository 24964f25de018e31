"""The average of two trainings of one network: often better than either on what neither was trained on."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from sam2s.errors import CheckpointError, ConfigError
from sam2s.model import ModelConfig

from .licences import combine_licences
from .native import Metadata
from .reading import Checkpoint

_OF_ONE = {"categories": (), "text_encoder": "", "templates": (), "confident_iou": None}
"""Fields of a config that may differ between trainings of one network, and what they are where nothing is said."""


def average_checkpoints(first: Checkpoint, second: Checkpoint, *, share: float) -> Checkpoint:
    """Average two weights number by number.

    Names and the text bank are those of the second, and so is everything else that is said of it; a calibration of
    either is not one of the average. The record of training says what was averaged.

    Args:
        first, second: what `load_checkpoint` returns.
        share: of the second, from 0 to 1.

    Raises:
        ConfigError: the share is not a share.
        CheckpointError: they are not of one network.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"share {share:g} is outside 0 to 1")
    (config, ours, about), (other, theirs, about_other) = first, second
    _check_same_sizes(config, other)
    if missing := sorted(ours.keys() ^ theirs.keys()):
        raise CheckpointError(f"only one of the weights has {', '.join(missing[:5])}; weights of one network average")
    state = {name: _average(name, ours[name], tensor, share) for name, tensor in theirs.items()}
    parts = [{"share": round(1 - share, 4), **_length(about)}, {"share": round(share, 4), **_length(about_other)}]
    stated = [licence for licence in (about.licence, about_other.licence) if licence]
    training = {**about_other.training, "averaged": parts}
    metadata = replace(about_other, training=training, licence=combine_licences(*stated) if stated else "")
    return Checkpoint(replace(other, confident_iou=None), state, metadata)


def _check_same_sizes(config: ModelConfig, other: ModelConfig) -> None:
    fields = [name for name in config.__slots__ if name not in _OF_ONE]
    if differing := [name for name in fields if getattr(config, name) != getattr(other, name)]:
        raise CheckpointError(f"the weights differ in {', '.join(differing)}; only weights of one network average")


def _average(name: str, ours: Tensor, theirs: Tensor, share: float) -> Tensor:
    if name == "text_bank":
        return theirs
    if ours.shape != theirs.shape:
        raise CheckpointError(
            f"{name} is {tuple(ours.shape)} in one of the weights and {tuple(theirs.shape)} in the other"
        )
    return ours.float().lerp(theirs.float(), share)


def _length(about: Metadata) -> dict[str, int]:
    """How far a training had gone: which of the stages in the record the average was taken after."""
    return {"stages": len(about.training.get("stages", []))}
