"""JSON and YAML files of others: read within limits, with one kind of error for whatever is wrong in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from sam2s.errors import DatasetError
from sam2s.limits import MAX_TEXT_BYTES

MALFORMED = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
    ZeroDivisionError,
    RecursionError,
)
"""What reading values of a wrong kind out of a parsed file raises."""


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """Read a JSON file that holds one object; a byte order mark is passed over.

    Args:
        path: the file.
        remedy: what to do when it cannot be read, for the message.

    Raises:
        DatasetError: it is missing, no JSON, no object, or too large.
    """
    return _read(path, json.loads, remedy)


def read_yaml(path: Path, remedy: str) -> dict[str, Any]:
    """Read a YAML (or JSON) file that holds keys and values; see `read_json`."""
    return _read(path, yaml.safe_load, remedy)


def _read(path: Path, parse: Callable[[str], Any], remedy: str) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise ValueError(f"it is larger than {MAX_TEXT_BYTES:,} bytes")
        data = parse(path.read_text("utf-8-sig"))
        if not isinstance(data, dict):
            raise TypeError("it should hold keys and values")
    except (OSError, yaml.YAMLError, *MALFORMED) as error:
        raise DatasetError(f"cannot read {path}: {described(error)}; {remedy}") from error
    return data


def described(error: BaseException) -> str:
    """What was wrong, in a few words, of an error that reading a file raised."""
    if isinstance(error, KeyError):
        return f"the key {error} is missing"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return " ".join(str(error).split()) or type(error).__name__


def whole_number(value: Any, what: str, *, low: int = 0) -> int:
    """The value, once we know that it is a whole number of at least `low`.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise ValueError(f"{what} is {value!r}; it should be a whole number of at least {low}")
    return value


def text(value: Any, what: str) -> str:
    """The value, once we know that it is text.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} is {value!r}; it should be text")
    return value


def inner_path(value: Any, what: str) -> str:
    """The value, once we know that it is a relative path that stays inside its folder.

    Raises:
        ValueError: it is not.
    """
    parts = text(value, what).replace("\\", "/").split("/")
    if not all(0 < len(part.encode()) < 256 for part in parts) or ".." in parts or "\0" in value or ":" in parts[0]:
        raise ValueError(f"{what} is {value!r}; it should be a path inside the folder")
    return "/".join(parts)
