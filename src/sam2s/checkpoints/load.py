"""From a name or a path to checked weights, and from these to a network."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from sam2s.errors import CheckpointError
from sam2s.model.config import ModelConfig
from sam2s.model.network import SAM2S, build

from . import hub
from .containers import State, read_tensors
from .native import EXPORT, KEY, Metadata, parse_metadata
from .registry import BUNDLED, Entry, entry, registry
from .report import Report, compare, shapes
from .sizes import infer_config, transformers_config
from .transformers_names import is_transformers, to_official

log = logging.getLogger(__name__)

LONG_TERM = "long_term_tpos_enc"
SEMANTIC = ("cls_token", "text_bank", "semantic_proj.")
"""How the names of all tensors begin that a network without semantics lacks."""
SAM_2_0_LACKS = {"no_obj_embed_spatial", "obj_ptr_tpos_proj.weight", "obj_ptr_tpos_proj.bias"}


class Checkpoint(NamedTuple):
    """Weights with official names, the sizes of their network, and what else is known about them."""

    config: ModelConfig
    state: State
    metadata: Metadata


def find(name_or_path: str | Path, *, download: bool = True) -> Path:
    """Path of weights given by name or path; named ones are fetched on first use.

    Raises:
        CheckpointError: neither a name nor a file or folder, or it is not here and cannot be (or shall not be) fetched.
    """
    path = path_given(name_or_path)
    if path is not None:
        if path.exists():
            return path
        if path.suffix in (".pt", ".pth", ".safetensors") or len(path.parts) > 1:
            raise CheckpointError(f"there is no file or folder {path}; names of weights: {', '.join(registry())}")
    item = entry(str(name_or_path))
    if (found := local(item)) is not None:
        return found
    if item.repo is None:
        raise CheckpointError(f"this installation lacks the bundled {item.file}: pip install --force-reinstall sam2s")
    if not download:
        raise CheckpointError(f"{item.name} is not on this machine yet; get it with: sam2s weights fetch {item.name}")
    return hub.fetch(item)


def path_given(name_or_path: str | Path) -> Path | None:
    """The path that is meant; None for the name of weights, which no file or folder of that name hides."""
    return None if str(name_or_path) in registry() else Path(name_or_path).expanduser()


def local(item: Entry) -> Path | None:
    """Path of named weights on this machine, in the package or in the hub's cache; None where they are not."""
    if item.repo is not None:
        return hub.cached(item)
    path = BUNDLED / item.file
    return path if path.is_file() else None


def read(name_or_path: str | Path, *, download: bool = True) -> Checkpoint:
    """Read weights in any format we know, renamed but not yet checked against the network.

    Raises:
        CheckpointError: nothing of such a name or format, or it is damaged, or holds something else.
    """
    config, state, metadata = _read_path(find(name_or_path, download=download))
    item = registry().get(str(name_or_path))
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
    return Checkpoint(infer_config(state, path), state, Metadata("official", str(path)))


def _read_folder(path: Path) -> Checkpoint:
    if (path / EXPORT).is_file():
        raise CheckpointError(
            f"{path} is a network that sam2s export onnx wrote, which can only track; give the weights it was made of"
        )
    index = path / "model.safetensors.index.json"
    if index.is_file():
        shards = _json(index).get("weight_map")
        if not isinstance(shards, dict):
            raise CheckpointError(f"{index} has no weight_map that names the files of each tensor")
        files = sorted({path / name for name in shards.values()})
    else:
        files = sorted(path.glob("*.safetensors"))
    if len(files) == 1 and not (path / "config.json").is_file():
        return _read_path(files[0])
    if not files or (len(files) > 1 and not index.is_file()):
        found = ", ".join(file.name for file in files) or "none"
        raise CheckpointError(
            f"the folder {path} holds no weights: expected config.json with model.safetensors, as save_pretrained "
            f"writes them; safetensors files found: {found}"
        )
    state: State = {}
    for file in files:
        state |= read_tensors(file)[0]
    return _from_transformers(state, path / "config.json")


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
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no JSON object")
    return content


def examine(config: ModelConfig, state: Mapping[str, Tensor]) -> Report:
    """Hold weights against the network of `config`."""
    return compare(shapes(_skeleton(config).state_dict()), shapes(state))


def load_checkpoint(name_or_path: str | Path) -> Checkpoint:
    """Read weights by name or path and check every tensor of them.

    Weights without the parameters that SAM2S adds become plain SAM 2.1: the long-term embedding is a copy of the one
    for conditioning frames, semantics are off.

    Returns:
        config, state dict (complete for that config, official names, CPU, precision of the file) and metadata.

    Raises:
        CheckpointError: they cannot be found or read, or a tensor is missing, unexpected or mis-shaped.
    """
    config, state, metadata = read(name_or_path)
    if config.semantic != "off" and not any(name.startswith(SEMANTIC) for name in state):
        config = replace(config, semantic="off", categories=())
    if LONG_TERM not in state and "maskmem_tpos_enc" in state:
        state[LONG_TERM] = state["maskmem_tpos_enc"][-1:].clone()
    report = examine(config, state)
    if report.missing or report.unexpected or report.misshaped:
        hint = "\nThese are SAM 2.0 weights; SAM 2.1 ones are needed." if set(report.missing) == SAM_2_0_LACKS else ""
        raise CheckpointError(f"{name_or_path} does not fit the network {config.name!r}:\n{report.table()}{hint}")
    log.info("%s: all %d tensors match network %r", name_or_path, len(report.matched), config.name)
    return Checkpoint(config, state, metadata)


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
