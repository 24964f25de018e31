"""Numbers as Python, numpy and torch hand them out, made plain or refused."""

from __future__ import annotations

import math
from typing import Any

from sam2s.errors import ConfigError, PromptError


def whole_number(value: Any, name: str) -> int:
    """Turn a whole number of any library into an int.

    >>> import numpy as np
    >>> whole_number(np.int64(3), "frame"), whole_number(3.0, "frame")
    (3, 3)

    Raises:
        PromptError: it is text, None, NaN, has a fraction, or is more than one number.
    """
    number = _plain(value)
    if number is None or not math.isfinite(number) or number != int(number):
        raise PromptError(f"{name} {value!r} is not a whole number; give an int")
    return int(number)


def at_least(least: int, value: Any, name: str) -> int:
    """Turn a setting that counts something into an int.

    Raises:
        ConfigError: it is not a whole number, or less than `least`.
    """
    try:
        number = whole_number(value, name)
    except PromptError as error:
        raise ConfigError(str(error)) from None
    if number < least:
        raise ConfigError(f"{name} {number} is too small; give at least {least}")
    return number


def finite_number(value: Any, name: str) -> float:
    """Turn a number of any library into a float.

    Raises:
        PromptError: it is text, None, NaN, infinite, or more than one number.
    """
    number = _plain(value)
    if number is None or not math.isfinite(number):
        raise PromptError(f"{name} {value!r} is not a finite number; give a float in pixels of the frame")
    return float(number)


def _plain(value: Any) -> int | float | None:
    """The number as Python's own; None where there is not exactly one."""
    try:
        number = value.item() if hasattr(value, "item") else value
    except (ValueError, RuntimeError):  # of an array, or a tensor, of several
        return None
    return number if isinstance(number, int | float) else None
