"""Our own file: safetensors with the config, the licence and the training record in its metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from torch import Tensor

from sam2s.errors import CheckpointError, ConfigError
from sam2s.files import replacing
from sam2s.model.config import ModelConfig

KEY = "sam2s"
VERSION = 1
EXPORT = "sam2s-onnx.json"
"""File that tells the folder of an exported network, which `sam2s.onnx` opens, from weights."""

# Large angles are made of it, so half precision would move every position.
KEPT_FLOAT32 = "positional_encoding_gaussian_matrix"

DTYPES = {"fp16": torch.float16, "fp32": torch.float32}


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known about weights besides their sizes.

    Attributes:
        format: kind of file they were read from.
        source: where they come from: a repository, a file, a training run.
        licence: terms of use, "" where nothing states them.
        training: free record of how they were made: data, steps, scores.
        note: one sentence for whoever uses them.
    """

    format: Literal["sam2s", "official", "transformers"] = "sam2s"
    source: str = ""
    licence: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


def save_checkpoint(
    path: str | Path,
    state: Mapping[str, Tensor],
    config: ModelConfig,
    metadata: Metadata | None = None,
    *,
    dtype: Literal["fp16", "fp32"] = "fp16",
) -> None:
    """Write weights as one safetensors file that `sam2s.load` needs nothing else for.

    The file appears whole or not at all.

    Args:
        path: where to write; ends in .safetensors.
        state: `network.state_dict()`.
        config: `network.config`.
        metadata: stored beside it; its `format` is not.
        dtype: precision of the stored numbers.

    Raises:
        CheckpointError: a number does not fit the precision.
        ConfigError: the path does not end in .safetensors.
        OutputError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ConfigError(
            f"our weights are safetensors: name the file {path.with_suffix('.safetensors').name}, not {path.name}"
        )
    tensors = {}
    for name, tensor in state.items():
        target = torch.float32 if name.endswith(KEPT_FLOAT32) else DTYPES[dtype]
        stored = tensor.detach().to("cpu", target, copy=True).contiguous()
        if not torch.isfinite(stored).all():
            raise CheckpointError(f"{name} holds numbers that {dtype} cannot: store the weights as fp32, or mend them")
        tensors[name] = stored
    with replacing(path) as partial:
        save_file(tensors, partial, metadata={"format": "pt", KEY: json.dumps(record(config, metadata))})
        partial.chmod(0o644)  # safetensors lets nobody else read what it writes


def record(config: ModelConfig, metadata: Metadata | None = None) -> dict[str, Any]:
    """What is stored beside weights, for `parse_metadata`."""
    fields = {"version": VERSION, "config": asdict(config), **asdict(metadata or Metadata())}
    del fields["format"]
    return fields


def parse_metadata(text: str, path: Path) -> tuple[ModelConfig, Metadata]:
    """Read back a `record`, which lies in the file at `path`."""
    try:
        found = json.loads(text)
        version = found.pop("version")
        if version > VERSION:
            raise CheckpointError(
                f"{path} was written by a newer sam2s (format {version}, this one reads {VERSION}); "
                "pip install --upgrade sam2s"
            )
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in found.pop("config").items()}
        return ModelConfig(**fields), Metadata(**found)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path} has damaged metadata ({error}); fetch or copy it again") from error
