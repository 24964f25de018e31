"""The weights that have a name. The list itself is data: registry.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from sam2s.errors import CheckpointError

BUNDLED = Path(__file__).parents[1] / "weights"
"""Folder of the weights that come with the package."""


@dataclass(frozen=True, slots=True)
class NamedWeights:
    """Named weights.

    Attributes:
        name: what users type.
        preset: the network they belong to.
        file: name of the file, in the repository or in the package.
        megabytes: its size, rounded.
        licence: terms of use of the weights.
        repo: Hugging Face repository; None for weights bundled with the package.
        sha256: checksum of the file; None to trust the one the hub states.
        note: one sentence for users.
    """

    name: str
    preset: str
    file: str
    megabytes: int
    licence: str
    repo: str | None = None
    sha256: str | None = None
    note: str = ""


@cache
def registry() -> dict[str, NamedWeights]:
    """All named weights, in the order to show them."""
    data = json.loads((Path(__file__).with_name("registry.json")).read_text())
    return {name: NamedWeights(name, **fields) for name, fields in data.items()}


def named_weights(name: str) -> NamedWeights:
    """Look a name up.

    Raises:
        CheckpointError: there is no such name; the nearest are suggested.
    """
    if name in registry():
        return registry()[name]
    near = get_close_matches(name, registry(), 2, 0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise CheckpointError(
        f"no weights called {name!r}, and no such file or folder; the names are {', '.join(registry())}{hint}"
    )
