"""From what a user types, a name, a path or a hub repository, to a file or folder on this machine."""

from __future__ import annotations

import re
from pathlib import Path

from sam2s.errors import CheckpointError

from . import hub
from .registry import BUNDLED, NamedWeights, named_weights, registry

REPOSITORY = re.compile(r"hf:([\w.-]+/[\w.-]+)")
"""A repository of the hub as users give it: hf:OWNER/NAME."""


def find_weights(name_or_path: str | Path, *, download: bool = True) -> Path:
    """Path of weights given by name, path or hub repository; what is not here yet is fetched.

    Args:
        name_or_path: a name of `registry`, a file or folder, or `hf:OWNER/NAME`.
        download: fetch named weights that are not on this machine.

    Raises:
        CheckpointError: neither a name nor a file or folder, or it is not here and cannot be (or shall not be) fetched.
    """
    if (item := repository_given(name_or_path)) is None:
        path = path_given(name_or_path)
        if path is not None:
            if path.exists():
                return path
            if path.suffix in (".pt", ".pth", ".safetensors") or len(path.parts) > 1:
                raise CheckpointError(
                    f"there is no file or folder {path}; names of weights: {', '.join(registry())}; a "
                    "repository of the Hugging Face hub is given as hf:OWNER/NAME"
                )
        item = named_weights(str(name_or_path))
    if (path := local_path(item)) is not None:
        return path
    if item.repo is None:
        raise CheckpointError(
            f"this installation lacks the bundled {item.file}: install the package again with --force-reinstall"
        )
    if not download:
        raise CheckpointError(f"{item.name} is not on this machine yet; get it with: sam2s weights fetch {item.name}")
    return hub.fetch_repository(item) if repository_given(name_or_path) else hub.fetch(item)


def path_given(name_or_path: str | Path) -> Path | None:
    """The path that is meant; None for a name, which no file or folder of that name hides, and for a repository."""
    if str(name_or_path) in registry() or repository_given(name_or_path) is not None:
        return None
    return Path(name_or_path).expanduser()


def repository_given(name_or_path: str | Path) -> NamedWeights | None:
    """Weights in a hub repository that is given as `hf:OWNER/NAME`; None for everything else."""
    match = REPOSITORY.fullmatch(str(name_or_path))
    if match is None:
        return None
    return NamedWeights(str(name_or_path), "", hub.MODEL_FILE, 0, "", repo=match[1])


def local_path(item: NamedWeights) -> Path | None:
    """Path of weights on this machine, in the package or in the hub's cache; None where they are not."""
    if item.repo is not None:
        return hub.cached(item)
    path = BUNDLED / item.file
    return path if path.is_file() else None
