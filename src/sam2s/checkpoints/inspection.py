"""What a strange checkpoint holds beside our networks, module by module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from sam2s.errors import CheckpointError
from sam2s.model.config import PRESETS, preset

from .families import Family, family_by_name, foreign_family
from .load import compare_with_network
from .reading import read_tensors_of
from .renaming import Renaming
from .report import TensorReport


@dataclass(frozen=True, slots=True)
class ModuleCount:
    """How the tensors of one module compare.

    Attributes:
        module: first part of the names, or the first two under `image_encoder`.
        matched, missing, unexpected, misshaped: number of tensors; see `TensorReport`.
    """

    module: str
    matched: int
    missing: int
    unexpected: int
    misshaped: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """A checkpoint held against the network that it comes nearest to.

    Attributes:
        preset: name of that network.
        report: every tensor of both.
        modules: the same, counted by module, in the order of the network, then of the file.
        family: the family of networks the file belongs to where it is known and not ours.
        tensors: number of tensors in the file, after renaming.
    """

    preset: str
    report: TensorReport
    modules: tuple[ModuleCount, ...]
    family: Family | None
    tensors: int


def inspect_checkpoint(path: Path, *, against: str | None = None, renaming: Renaming | None = None) -> Inspection:
    """Hold a file or folder of tensors against one of our networks, without loading it into any.

    Args:
        path: safetensors, torch file or transformers folder.
        against: preset to compare with; None for the one with the most matching tensors.
        renaming: applied to the names first.

    Raises:
        CheckpointError: the file cannot be read.
        ConfigError: there is no such preset.
    """
    state = read_tensors_of(path)
    if renaming is not None:
        state = renaming.apply(state)
    if not state:
        raise CheckpointError(f"{path} holds no tensors under these names; see prefix and drop of the mapping file")
    names = [against] if against else list(PRESETS)
    reports = {name: _compare(state, name) for name in names}
    best = max(reports, key=lambda name: len(reports[name].matched))
    report = reports[best]
    family = foreign_family(state)
    if family is None and (report.missing or report.unexpected or report.misshaped):
        family = family_by_name(path)
    return Inspection(best, report, count_by_module(report), family, len(state))


def _compare(state: Mapping[str, Tensor], name: str) -> TensorReport:
    """Compare with a preset; with the tensors that SAM2S adds only where the file has some of them."""
    semantic = any(tensor.startswith(("cls_token", "semantic_proj.", "text_bank")) for tensor in state)
    bank = state.get("text_bank")
    categories = tuple(map(str, range(len(bank)))) if bank is not None and bank.ndim else ()
    config = preset(name, semantic="joint", categories=categories) if semantic else preset(name)
    return compare_with_network(config, state)


def count_by_module(report: TensorReport) -> tuple[ModuleCount, ...]:
    """Count the tensors of a report by module."""
    groups = (report.matched, report.missing, report.unexpected, tuple(name for name, _, _ in report.misshaped))
    counts: dict[str, list[int]] = {}
    for column, names in enumerate(groups):
        for name in names:
            counts.setdefault(_module(name), [0, 0, 0, 0])[column] += 1
    return tuple(ModuleCount(module, *numbers) for module, numbers in counts.items())


def _module(name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "image_encoder" else parts[0]
