"""Colours of objects, and label maps as indexed PNG (the form of DAVIS, YouTube-VOS and MOSE)."""

from __future__ import annotations

import colorsys
import io
import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from sam2s.errors import OutputError
from sam2s.files import write_atomically
from sam2s.masks.mask_pictures import read_mask_picture

log = logging.getLogger(__name__)

_warned: set[tuple[Path, str]] = set()  # folders that a note was logged for

MAX_LABEL = 255
_GOLDEN = 0.618033988749895

# Told apart on tissue (reds, browns, pinks) and on steel, also by most colour-blind people in neighbouring pairs.
_DISPLAY = (
    (38, 214, 255),  # cyan
    (255, 214, 10),  # yellow
    (124, 108, 255),  # indigo
    (72, 229, 125),  # green
    (255, 140, 40),  # orange
    (255, 105, 230),  # magenta
    (60, 140, 255),  # blue
    (196, 240, 66),  # lime
    (186, 120, 255),  # violet
    (0, 204, 178),  # teal
    (255, 190, 140),  # peach
    (255, 92, 92),  # coral
)


@cache
def davis_palette() -> np.ndarray:
    """uint8 [256, 3]: the colours of DAVIS and PASCAL VOC, made by spreading the bits of the id over the channels."""
    ids = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            palette[:, channel] |= ((ids >> (3 * bit + channel) & 1) << (7 - bit)).astype(np.uint8)
    palette.flags.writeable = False
    return palette


def display_color(object_id: int) -> tuple[int, int, int]:
    """A bright RGB colour that depends on the id alone: chosen ones for ids 1 to 12, then hues a golden angle apart."""
    position = object_id - 1
    if 0 <= position < len(_DISPLAY):
        return _DISPLAY[position]
    hue = (position * _GOLDEN) % 1
    tint = (position // 3) % 3  # neighbours in hue differ in tint as well
    red, green, blue = colorsys.hls_to_rgb(hue, (0.62, 0.72, 0.54)[tint], (0.95, 0.85, 0.75)[tint])
    return round(red * 255), round(green * 255), round(blue * 255)


def check_label(object_id: int) -> None:
    """Refuse an object id that does not fit into a label map.

    Raises:
        OutputError: it is not one of 1 to 255.
    """
    if not 1 <= object_id <= MAX_LABEL:
        raise OutputError(
            f"object id {object_id} does not fit into an indexed PNG, which holds ids 1 to {MAX_LABEL}; "
            "export coco or ytvis instead (--export coco), or give smaller ids"
        )


def label_map(masks: Mapping[int, np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Merge masks bool [H, W] by object id into one uint8 [H, W] map, 0 for background.

    Where masks overlap the smallest id wins, as in the SAM 2.1 reference implementation.

    Raises:
        OutputError: an id does not fit into a label map (1 to 255).
    """
    labels = np.zeros(size, np.uint8)
    for object_id in sorted(masks, reverse=True):
        check_label(object_id)
        labels[masks[object_id]] = object_id
    return labels


def encode_label_map(labels: np.ndarray) -> bytes:
    """Labels uint8 [H, W] as the bytes of an indexed PNG in DAVIS colours."""
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise OutputError(f"a label map is uint8 [H, W], got {labels.dtype} {list(labels.shape)}")
    image = Image.fromarray(labels)  # mode L; attaching a palette makes it P without touching the ids
    image.putpalette(davis_palette().tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def write_label_map(path: Path, labels: np.ndarray) -> None:
    """Write labels uint8 [H, W] as an indexed PNG; the file appears whole or not at all."""
    write_atomically(path, encode_label_map(labels))


def read_label_map(path: Path) -> np.ndarray:
    """Read object ids [H, W] from a picture: uint8, or uint16 from a 16-bit one.

    A picture of one mask in greys (soft edges, JPEG) is thresholded to 0 and 255; a warning says so, once a folder.

    Raises:
        PictureError: the file is missing, damaged, or holds colours or greys instead of ids.
    """
    picture = read_mask_picture(path)
    if picture.note and (path.parent, picture.kind) not in _warned:
        _warned.add((path.parent, picture.kind))
        log.warning("%s; more such masks of the folder are read alike", picture.note)
    return picture.labels
