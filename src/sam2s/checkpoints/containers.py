"""Reading tensors out of the files they come in, without ever running code from them."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from sam2s.errors import CheckpointError

State = dict[str, Tensor]

LFS_POINTER = b"version https://git-lfs"


def read_tensors(path: Path) -> tuple[State, dict[str, str]]:
    """Read a safetensors or torch file; which of the two it is, its first bytes say.

    Returns:
        tensors by name, on the CPU, and the text metadata of the file (empty for torch files).

    Raises:
        CheckpointError: the file cannot be read, is truncated, is neither kind, or holds anything but tensors.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    if not head:
        raise CheckpointError(f"{path} is empty; fetch or copy it again")
    if head.startswith(LFS_POINTER):
        raise CheckpointError(f"{path} is a Git LFS pointer, not the weights; run `git lfs pull` where it came from")
    if head[8:9] == b"{":
        return read_safetensors(path)
    if head.startswith((b"PK\x03\x04", b"\x80")):
        return read_torch(path), {}
    kind = "a web page" if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")) else "some other file"
    raise CheckpointError(
        f"{path} is not a checkpoint but {kind} (it starts with {head[:16]!r}); "
        "expected safetensors, a torch .pt file, or a transformers folder"
    )


def read_safetensors(path: Path) -> tuple[State, dict[str, str]]:
    """Read a safetensors file with its metadata."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} is damaged or truncated ({path.stat().st_size:,} bytes; {error}); fetch or copy it again"
        ) from error


def read_torch(path: Path) -> State:
    """Read a torch file that holds a state dict, bare or under the key "model"; anything but tensors is refused."""
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    if zipped and not zipfile.is_zipfile(path):
        raise CheckpointError(f"{path} is truncated ({path.stat().st_size:,} bytes); fetch or copy it again")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        raise CheckpointError(
            f"{path} was refused: it holds Python objects{f' ({found[1]})' if found else ''} besides tensors, and such "
            "files can run code; nothing of it was run. Ask its author for a file of plain tensors (safetensors)"
        ) from error
    except Exception as error:  # torch and zipfile have one of their own for every place where a file can break off
        what = "a zip archive without readable tensors" if zipped else "damaged or truncated"
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(
            f"{path} is {what} ({path.stat().st_size:,} bytes; {why}); fetch or copy it again"
        ) from error
    state = content.get("model", content) if isinstance(content, dict) else content
    items = state.items() if isinstance(state, dict) else ()
    if not items or not all(isinstance(name, str) and isinstance(value, Tensor) for name, value in items):
        raise CheckpointError(
            f"{path} holds no state dict: expected tensors by name, bare or under the key 'model', found "
            f"{describe(content)}"
        )
    return state


def describe(content: object) -> str:
    """Say in a few words what a file held instead of a state dict."""
    if isinstance(content, dict):
        return (
            "a dict with the keys " + ", ".join(repr(key) for key in list(content)[:6]) if content else "an empty dict"
        )
    return f"a {type(content).__name__}"
