"""Snapshots of a state: tensors as safetensors, everything else as JSON in its header, preceded by a checksum.

Tracking continues from a restored snapshot as without interruption, bit-identically on a CPU.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from sam2s.errors import OutputError
from sam2s.files import write_atomically
from sam2s.memory import MemoryEntry, MemoryPolicy, SearchRule
from sam2s.model import Segmentation
from sam2s.tracking import Box, Mask, ObjectState, Points, PresenceRule
from sam2s.tracking.answered_prompt import AnsweredPrompt
from sam2s.tracking.appearance import Appearance, Gallery
from sam2s.tracking.lost_and_found import Phase, SearchState
from sam2s.tracking.preprocess import ModelPrompt
from sam2s.tracking.presence import PresenceState
from sam2s.tracking.prompt_queue import WaitingPrompt
from sam2s.tracking.settings import TrackerSettings

from .events import decode_prompt, encode_prompt

MAGIC = b"sam2s-4\n"
_RECORDS = {
    record.__name__: record
    for record in (
        AnsweredPrompt,
        Appearance,
        Gallery,
        MemoryEntry,
        MemoryPolicy,
        ModelPrompt,
        PresenceState,
        PresenceRule,
        SearchRule,
        SearchState,
        Segmentation,
        TrackerSettings,
        WaitingPrompt,
    )
}


class DamagedSnapshotError(OutputError):
    """A snapshot on disk is damaged; its state can be recomputed from an earlier one."""


def write_snapshot(path: Path, state: dict[str, Any]) -> None:
    """Write a state of plain containers, tensors and records of tracking atomically."""
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_pack(state, tensors, {}))
    payload = save(tensors or {"none": torch.zeros(1)}, {"state": text})
    write_atomically(path, MAGIC + hashlib.sha256(payload).digest() + payload)


def read_snapshot(path: Path, device: torch.device) -> dict[str, Any]:
    """Read what `write_snapshot` wrote, with the tensors on a device.

    Raises:
        DamagedSnapshotError: it is missing or was changed.
    """
    try:
        data = path.read_bytes()
        start = len(MAGIC) + hashlib.sha256().digest_size
        payload = data[start:]
        if data[:start] != MAGIC + hashlib.sha256(payload).digest():
            raise ValueError("its checksum differs" if data.startswith(MAGIC) else "it is not a snapshot of this sam2s")
        header = json.loads(payload[8 : 8 + int.from_bytes(payload[:8], "little")])
        tensors = {name: tensor.to(device) for name, tensor in load(payload).items()}
        state: dict[str, Any] = _unpack(json.loads(header["__metadata__"]["state"]), tensors)
        return state
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DamagedSnapshotError(
            f"snapshot {path} is damaged ({error}); recompute it with VideoSession.reopen(..., recompute=True), or "
            "give another output folder"
        ) from error


def _pack(value: Any, tensors: dict[str, Tensor], names: dict[int, str]) -> Any:
    """Convert a state to JSON, with tensors replaced by names; a tensor that occurs several times is stored once."""
    if isinstance(value, Tensor):
        if id(value) not in names:
            names[id(value)] = str(len(names))
            tensors[names[id(value)]] = value.clone(memory_format=torch.contiguous_format)
        return {"tensor": names[id(value)]}
    if isinstance(value, Points | Box | Mask):
        return {"prompt": encode_prompt(value)}
    if isinstance(value, Phase):
        return {"phase": value.value}
    if isinstance(value, ObjectState):
        return {"presence": value.value}
    if is_dataclass(value) and not isinstance(value, type):
        packed = {f.name: _pack(getattr(value, f.name), tensors, names) for f in fields(value)}
        return {"record": type(value).__name__, "fields": packed}
    if isinstance(value, dict):
        return {"items": [[key, _pack(item, tensors, names)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_pack(item, tensors, names) for item in value]}
    return [_pack(item, tensors, names) for item in value] if isinstance(value, list) else value


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    if "prompt" in value:
        return decode_prompt(value["prompt"])
    if "presence" in value:
        return ObjectState(value["presence"])
    if "phase" in value:
        return Phase(value["phase"])
    if "record" in value:
        return _RECORDS[value["record"]](**{name: _unpack(x, tensors) for name, x in value["fields"].items()})
    if "tuple" in value:
        return tuple(_unpack(item, tensors) for item in value["tuple"])
    return {key: _unpack(item, tensors) for key, item in value["items"]}
