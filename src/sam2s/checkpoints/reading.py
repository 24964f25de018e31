"""Reading weights of every format: from a name or a path to tensors with official names, their sizes and origin."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from sam2s.errors import CheckpointError
from sam2s.model.config import ModelConfig

from .containers import State, read_tensors
from .families import foreign_family
from .locate import find_weights, repository_given
from .native import EXPORT, KEY, Metadata, parse_metadata
from .registry import registry
from .renaming import Renaming
from .sizes import infer_config, transformers_config
from .tensor_checks import sound_tensors
from .transformers_names import is_transformers, to_official

INDEX = "model.safetensors.index.json"


class Checkpoint(NamedTuple):
    """Weights with official names, the sizes of their network, and what else is known about them."""

    config: ModelConfig
    state: State
    metadata: Metadata


def read_checkpoint(name_or_path: str | Path, *, download: bool = True, renaming: Renaming | None = None) -> Checkpoint:
    """Read weights in any format we know, renamed but not yet checked against the network.

    Args:
        name_or_path: as for `find_weights`.
        download: fetch named weights that are not on this machine.
        renaming: gives the tensors of a foreign file the official names first.

    Raises:
        CheckpointError: nothing of such a name or format, or it is damaged, or holds something else.
    """
    path = find_weights(name_or_path, download=download)
    config, state, metadata = _read_path(path) if renaming is None else _read_renamed(path, renaming)
    state = sound_tensors(state, path)
    item = registry().get(str(name_or_path)) or repository_given(name_or_path)
    if item is not None:
        source, licence = metadata.source if item.repo is None else item.repo, metadata.licence or item.licence
        metadata = replace(metadata, source=source, licence=licence, note=metadata.note or item.note)
    return Checkpoint(config, state, metadata)


def _read_path(path: Path) -> Checkpoint:
    if path.is_dir():
        return _read_folder(path)
    state, text = read_tensors(path)
    if KEY in text:
        config, metadata = parse_metadata(text[KEY], path)
        return Checkpoint(config, state, metadata)
    beside = path.with_name("config.json")
    if is_transformers(state):
        if beside.is_file():
            return _from_transformers(state, beside)
        state = to_official(state)
        return Checkpoint(infer_config(state, path), state, Metadata("transformers", str(path)))
    return Checkpoint(_infer(state, path), state, Metadata("official", str(path)))


def _infer(state: State, path: Path) -> ModelConfig:
    """The sizes of a network of the SAM 2.1 family; another family is refused by its name."""
    if (family := foreign_family(state)) is not None:
        raise CheckpointError(
            f"{path} belongs to {family.name}, not to SAM 2.1: {family.reason}. To use it: {family.advice}"
        )
    return infer_config(state, path)


def _read_renamed(path: Path, renaming: Renaming) -> Checkpoint:
    state = renaming.apply(read_tensors_of(path))
    return Checkpoint(infer_config(state, path), state, Metadata("official", str(path)))


def read_tensors_of(path: Path) -> State:
    """All tensors of a file or folder, under their official names where they are those of transformers.

    Raises:
        CheckpointError: it cannot be read, or the folder holds no safetensors.
    """
    state: State = {}
    for file in _files(path) if path.is_dir() else [path]:
        state |= read_tensors(file)[0]
    return to_official(state) if is_transformers(state) else state


def _read_folder(path: Path) -> Checkpoint:
    if (path / EXPORT).is_file():
        raise CheckpointError(
            f"{path} is a network that sam2s export onnx wrote, which can only track; give the weights it was made of"
        )
    files = _files(path)
    if len(files) == 1 and not (path / "config.json").is_file():
        return _read_path(files[0])
    state: State = {}
    for file in files:
        state |= read_tensors(file)[0]
    return _from_transformers(state, path / "config.json")


def _files(folder: Path) -> list[Path]:
    """The safetensors files of a folder: one, or the shards that an index names."""
    index = folder / INDEX
    if index.is_file():
        shards = _json(index).get("weight_map")
        names = set(shards.values()) if isinstance(shards, dict) and _all_plain_names(shards.values()) else set()
        if not names:
            raise CheckpointError(f"{index} has no weight_map that names a file of this folder for each tensor")
        return [folder / name for name in sorted(names)]
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        listed = ", ".join(file.name for file in files) or "none"
        raise CheckpointError(
            f"the folder {folder} holds no weights: expected config.json with model.safetensors, as save_pretrained "
            f"writes them; safetensors files found: {listed}"
        )
    return files


def _all_plain_names(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) and value and Path(value).name == value for value in values)


def _from_transformers(state: State, config: Path) -> Checkpoint:
    if not is_transformers(state):
        raise CheckpointError(
            f"{config.parent} holds a transformers model, but not Sam2VideoModel: its first tensors are "
            f"{', '.join(list(state)[:3])}"
        )
    state = to_official(state)
    return Checkpoint(
        transformers_config(state, _json(config), config.parent), state, Metadata("transformers", str(config.parent))
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no JSON object")
    return content
