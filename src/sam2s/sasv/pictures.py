"""Frames on their way from a source to a built set: copied as they are where that is possible."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from sam2s.errors import DatasetError, PictureError
from sam2s.picture_files import PictureReader, is_plain, open_picture, picture_size

_AS_THEY_ARE = {".jpg": ".jpg", ".jpeg": ".jpg", ".png": ".png"}
_SMALL = 192  # longer side of the copy that colours are compared on
_QUALITY = 95  # of JPEGs made from decoded video, which has been through worse


def store(
    image: Path | np.ndarray,
    folder: Path,
    number: int,
    crop: tuple[int, int, int, int] | None,
    *,
    hard_link: bool,
    reader: Callable[[], PictureReader] | None = None,
) -> tuple[str, tuple[int, int]]:
    """Put a frame into `folder`/frames.

    JPEG and PNG files that need no crop are copied byte by byte, or linked; other files, pictures of more than eight
    bits and pictures that are to be turned become PNG of eight bits; frames of a decoded video become JPEG without
    chroma subsampling.

    Args:
        image: the frame.
        folder: of the video.
        number: of the frame in the video.
        crop: (x, y, width, height) to cut out, or None.
        hard_link: link instead of copying.
        reader: gives the reader of the video's pictures, which knows their depth; called where it is needed.

    Returns:
        Its name relative to `folder`, and its (height, width).
    """
    (folder / "frames").mkdir(exist_ok=True)
    stem = f"frames/{number:05d}"
    if isinstance(image, np.ndarray):
        picture = _cut(Image.fromarray(image), crop, "a decoded frame")
        picture.save(folder / f"{stem}.jpg", quality=_QUALITY, subsampling=0)
        return f"{stem}.jpg", (picture.height, picture.width)
    suffix = _AS_THEY_ARE.get(image.suffix.lower())
    if suffix and crop is None and is_plain(image):
        _copy(image, folder / f"{stem}{suffix}", hard_link=hard_link)
        return f"{stem}{suffix}", picture_size(image)
    pixels = (reader() if reader else PictureReader([image])).read(image)
    cut = _cut(Image.fromarray(pixels), crop, str(image))
    cut.save(folder / f"{stem}.png", compress_level=4)
    return f"{stem}.png", (cut.height, cut.width)


def small(path: Path, source: Path | np.ndarray) -> np.ndarray:
    """uint8 [h, w, 3]: a stored frame reduced to a few pixels; decodes all of it, so that a damaged one is noticed."""
    try:
        with open_picture(path) as image:
            image.draft("RGB", (_SMALL, _SMALL))
            picture = image.convert("RGB")
    except PictureError as error:
        name = source if isinstance(source, Path) else "of a decoded video"
        raise DatasetError(f"picture {name} is damaged ({error}); download it again") from error
    picture.thumbnail((_SMALL, _SMALL), Image.Resampling.BOX)
    return np.array(picture)


def _cut(image: Image.Image, crop: tuple[int, int, int, int] | None, name: str) -> Image.Image:
    if crop is None:
        return image
    x, y, width, height = crop
    if x + width > image.width or y + height > image.height:
        raise DatasetError(
            f"{name} is {image.width}x{image.height}, too small for the crop {width}x{height} at ({x}, {y}); "
            "restore the official file"
        )
    return image.crop((x, y, x + width, y + height))


def _copy(source: Path, target: Path, *, hard_link: bool) -> None:
    if hard_link:
        try:
            os.link(source.resolve(), target)
            return
        except OSError:
            pass  # another file system: copy
    shutil.copyfile(source, target)
