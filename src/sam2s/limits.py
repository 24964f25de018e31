"""How large an input may be: checked against what a file declares, before memory is taken for it."""

from __future__ import annotations

import os

from sam2s.errors import ConfigError, LimitError

MAX_PIXELS = 1 << 26
"""Pixels of one picture, video frame or mask, unless another limit is set: 8192 x 8192, two 8K frames."""

MAX_TEXT_BYTES = 1 << 30
"""Bytes of a JSON or YAML file that is read whole."""

_VARIABLE = "SAM2S_MAX_PIXELS"


def max_pixels() -> int:
    """Return the limit that holds in this process.

    Raises:
        ConfigError: the environment variable SAM2S_MAX_PIXELS is not a whole number from 1 up.
    """
    text = os.environ.get(_VARIABLE)
    if not text:
        return MAX_PIXELS
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise ConfigError(f"{_VARIABLE} is {text[:40]!r}; give a whole number of pixels, for example {MAX_PIXELS}")
    return value


def set_max_pixels(pixels: int) -> None:
    """Set the limit for this process and those that it starts.

    Raises:
        ConfigError: the number is below 1.
    """
    if pixels < 1:
        raise ConfigError(f"--max-pixels {pixels}: give a whole number from 1 up")
    os.environ[_VARIABLE] = str(pixels)


def check_pixels(height: int, width: int, name: str) -> None:
    """Refuse a picture, frame or mask that is larger than the limit; `name` begins the message.

    Raises:
        LimitError: it has more pixels than `max_pixels`.
    """
    if height * width > (limit := max_pixels()):
        raise LimitError(
            f"{name}: {width}x{height} are {height * width} pixels, more than the limit of {limit}; if that size is "
            f"right and the memory is there, raise it: sam2s --max-pixels {height * width} ..., or {_VARIABLE}"
        )
