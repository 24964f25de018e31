"""Settings read from plain values (YAML, the command line): every key must exist, every value have its type."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from sam2s.errors import ConfigError

T = TypeVar("T")


def read_settings(kind: type[T], value: Any, where: str = "") -> T:
    """Make an instance of a dataclass out of nested mappings and lists.

    Args:
        kind: the dataclass; its fields may be dataclasses, tuples, literals, numbers, strings, or one of these or None.
        value: a mapping of its fields.
        where: dotted name of the value, for messages.

    Raises:
        ConfigError: an unknown key (the nearest is suggested), a missing one, or a value of another type.
    """
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where or 'the recipe'} is {value!r}; it must hold keys: {', '.join(_keys(kind))}")
    hints = get_type_hints(kind)
    for key in value:
        if key not in _keys(kind):
            raise ConfigError(_unknown(str(key), _keys(kind), where))
    for field in fields(cast(Any, kind)):
        required = field.default is MISSING and field.default_factory is MISSING
        if required and field.name not in value:
            raise ConfigError(f"{_dotted(where, field.name)} is missing; it has no default")
    values = {key: _convert(hints[key], item, _dotted(where, key)) for key, item in value.items()}
    try:
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}" if where else str(error)) from error


def require(settings: object, *names: str, least: float, below: float = math.inf) -> None:
    """Refuse numbers under `least`, from `below` on, or that are no numbers.

    Raises:
        ConfigError: naming the first.
    """
    for name in names:
        value = getattr(settings, name)
        if not least <= value < below:
            upper = "" if below == math.inf else f" and below {below:g}"
            raise ConfigError(f"{name} is {value}; it must be at least {least:g}{upper}")


def require_positive(settings: object, *names: str) -> None:
    """Refuse numbers that are not above 0, or infinite.

    Raises:
        ConfigError: naming the first.
    """
    for name in names:
        if not 0 < (value := getattr(settings, name)) < math.inf:
            raise ConfigError(f"{name} is {value}; it must be above 0")


def require_share(settings: object, *names: str) -> None:
    """Refuse numbers outside 0 to 1.

    Raises:
        ConfigError: naming the first.
    """
    for name in names:
        if not 0 <= (value := getattr(settings, name)) <= 1:
            raise ConfigError(f"{name} is {value}; it is a share, from 0 to 1")


def _unknown(key: str, known: list[str], where: str = "") -> str:
    near = get_close_matches(key, known, 1, 0.5)
    hint = f"did you mean {_dotted(where, near[0])}?" if near else f"the keys there are {', '.join(known)}"
    return f"there is no setting {_dotted(where, key)}; {hint}"


def _convert(kind: Any, value: Any, where: str) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        return _convert(next(k for k in inner if k is not type(None)), value, where)
    if origin is Literal:
        word = ("off", "on")[value] if isinstance(value, bool) else value  # YAML takes these words for truth values
        if word in inner:
            return word
        raise ConfigError(f"{where} is {value!r}; choose one of {', '.join(map(str, inner))}")
    if origin is tuple:
        return _sequence(inner, value, where)
    if is_dataclass(kind):
        return read_settings(cast(type[Any], kind), value, where)
    if kind is bool or isinstance(value, bool):
        right = kind is bool and isinstance(value, bool)
        return value if right else _refuse(kind, value, where)
    if kind is str:
        # A number that YAML found in a text, such as a folder called 2020; what it may be is for the setting to say.
        return str(value) if isinstance(value, str | int | float) else _refuse(kind, value, where)
    try:
        number = float(value)  # YAML takes 1e-5 for a word
        if not math.isfinite(number):
            return _refuse(kind, value, where)
        return number if kind is float else int(value) if number == int(number) else _refuse(kind, value, where)
    except (TypeError, ValueError, OverflowError):
        return _refuse(kind, value, where)


def _sequence(inner: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where} is {value!r}; give a list, such as [{value}]")
    if inner[-1] is Ellipsis:
        inner = inner[:1] * len(value)
    elif len(value) != len(inner):
        raise ConfigError(f"{where} is {list(value)}; it has {len(inner)} values")
    return tuple(_convert(k, item, f"{where}.{i}") for i, (k, item) in enumerate(zip(inner, value, strict=True)))


def _refuse(kind: type, value: Any, where: str) -> Any:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
    raise ConfigError(f"{where} is {value!r}; it must be {names[kind]}")


def _keys(kind: Any) -> list[str]:
    return [field.name for field in fields(kind)]


def _dotted(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
