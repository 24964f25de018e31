"""Picture files: their pixels, and what can be learned of them without decoding any."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.masks.palette import read_label_map

_IDS = ("1", "L", "P", "I", "I;16", "I;16B")


def read_picture(path: Path) -> np.ndarray:
    """uint8 [H, W, 3], RGB.

    Raises:
        DatasetError: it is missing, damaged, or no picture.
    """
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises any of them
        raise DatasetError(f"cannot read {path}: {_reason(error)}") from error


@lru_cache(maxsize=16)
def read_labels(path: Path) -> np.ndarray:
    """Object ids [H, W] of a label map; the last few are kept, because a clip asks for the same one several times."""
    labels = read_label_map(path)
    labels.flags.writeable = False
    return labels


def picture_size(path: Path) -> tuple[int, int]:
    """(height, width) of a picture.

    Raises:
        DatasetError: it is missing or no picture.
    """
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {_reason(error)}") from error


def mask_size(path: Path) -> tuple[int, int]:
    """(height, width) of a mask.

    Raises:
        DatasetError: it is missing, no picture, or a picture in colours.
    """
    try:
        with Image.open(path) as image:
            mode, size = image.mode, (image.height, image.width)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {_reason(error)}") from error
    if mode not in _IDS:
        raise DatasetError(f"mask {path} is a {mode} picture: its pixels are colours, not ids; save it in mode L or P")
    return size


def sides(size: tuple[int, int]) -> str:
    """A size as people write it, width first."""
    return f"{size[1]}x{size[0]}"


def _reason(error: Exception) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else str(error).removesuffix(".")
