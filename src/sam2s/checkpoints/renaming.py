"""Mapping files: a checkpoint whose network is ours under other names, renamed by patterns and then loaded strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from sam2s.errors import CheckpointError


@dataclass(frozen=True)
class Renaming:
    """How the tensors of a foreign checkpoint are named here.

    A mapping file is YAML with any of these keys:

        prefix: module.model.        # cut off every name that begins so; other tensors are dropped
        rename:                      # applied in order to every name, first match of each pattern
          - ["^tracker\\\\.", ""]
          - ["^semantic_head\\\\.", "semantic_proj."]
        drop: ["^ema\\\\.", "num_batches_tracked$"]   # names, as renamed, that are left out

    Attributes:
        prefix: beginning of the names that count, which is cut off.
        rename: pairs of pattern and replacement (`re.sub` syntax).
        drop: patterns of renamed tensors that are left out.
    """

    prefix: str = ""
    rename: tuple[tuple[re.Pattern[str], str], ...] = ()
    drop: tuple[re.Pattern[str], ...] = ()

    @classmethod
    def read(cls, path: Path) -> Renaming:
        """Read a mapping file.

        Raises:
            CheckpointError: it cannot be read, or has another form.
        """
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CheckpointError(f"cannot read the mapping file {path}: {reason}") from error
        content = {} if content is None else content
        if not isinstance(content, dict) or set(content) - {"prefix", "rename", "drop"}:
            keys = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
            raise CheckpointError(f"{path} must be a YAML mapping with the keys prefix, rename and drop; found {keys}")
        prefix = content.get("prefix", "")
        if not isinstance(prefix, str):
            raise CheckpointError(f"{path}: prefix must be text, not {prefix!r}")
        pairs = _list(content, "rename", path)
        for pair in pairs:
            if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)):
                raise CheckpointError(f"{path}: each entry of rename is a list [pattern, replacement]; found {pair!r}")
        return cls(
            prefix,
            tuple((_pattern(old, path), _replacement(old, new, path)) for old, new in pairs),
            tuple(_pattern(text, path) for text in _list(content, "drop", path)),
        )

    def apply(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Rename a state dict.

        Raises:
            CheckpointError: two tensors get one name.
        """
        renamed: dict[str, Tensor] = {}
        origin: dict[str, str] = {}
        for old, tensor in state.items():
            if not old.startswith(self.prefix):
                continue
            name = old.removeprefix(self.prefix)
            for pattern, replacement in self.rename:
                name = pattern.sub(replacement, name, count=1)
            if any(pattern.search(name) for pattern in self.drop):
                continue
            if name in renamed:
                raise CheckpointError(
                    f"the mapping gives {old} and {origin[name]} the same name {name}; narrow a pattern or drop one"
                )
            renamed[name], origin[name] = tensor, old
        return renamed


def _list(content: dict[str, Any], key: str, path: Path) -> list[Any]:
    value = content.get(key, [])
    if not isinstance(value, list):
        raise CheckpointError(f"{path}: {key} must be a list, not {value!r}")
    return value


def _pattern(text: object, path: Path) -> re.Pattern[str]:
    if not isinstance(text, str):
        raise CheckpointError(f"{path}: a pattern must be text, not {text!r}")
    try:
        return re.compile(text)
    except re.error as error:
        raise CheckpointError(f"{path}: {text!r} is not a regular expression ({error})") from error


def _replacement(old: str, new: str, path: Path) -> str:
    """The replacement, refused here if it names a group that its pattern does not have."""
    pattern = _pattern(old, path)
    groups = {int(number) for number in re.findall(r"\\(\d+)", new)}
    if any(number > pattern.groups for number in groups):
        raise CheckpointError(f"{path}: {new!r} names a group that {old!r} does not have")
    return new
