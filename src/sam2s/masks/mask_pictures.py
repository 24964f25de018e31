"""Masks that are kept as pictures: told apart by what their pixels hold, thresholded or refused, and said which.

A picture may be a label map (every pixel the number of an object), a picture of one mask (0 and 1, or 0 and 255,
perhaps with soft edges, perhaps saved as JPEG), or a cut-out whose mask is the alpha channel. What it is, follows from
the file's mode and from how its values lie: ids fill areas, while the greys of soft edges and of lossy compression
change from pixel to pixel between black and white. Everything that reads masks from pictures reads them here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from sam2s.errors import PictureError
from sam2s.picture_files import open_picture, picture_size, upright

MaskKind = Literal["empty", "binary", "labels", "soft"]

_THRESHOLD = 128
_BRIGHT, _DARK = 192, 64
_MANY = 16  # more values than this are seldom ids
_CHROMA = 48  # by so much may the channels of a grey JPEG differ
_LOSSY = ("JPEG", "MPO", "JPEG2000")


@dataclass(frozen=True)
class MaskPicture:
    """What a picture of masks holds.

    Attributes:
        path: the file.
        kind: `empty`: no pixel is set; `binary`: one mask, of the value 1 or 255 (65535 with 16 bits); `labels`: ids
            of objects; `soft`: one mask in greys, thresholded.
        labels: uint8 or uint16 [H, W]. Ids; 0 and 1, or 0 and 255, of a binary picture; 0 and 255 of a soft one.
        note: what was decided about it, for a message; None where there was nothing to decide.
    """

    path: Path
    kind: MaskKind
    labels: np.ndarray
    note: str | None = None

    @property
    def values(self) -> list[int]:
        """Values of its pixels other than 0, in order."""
        return [int(value) for value in np.unique(self.labels) if value]

    def of_object(self, object_id: int) -> tuple[np.ndarray, str | None]:
        """Return the mask bool [H, W] of one object, and a note on how it was read, or None.

        Of a picture of one mask it is that mask, whatever the object's number; of a label map the pixels of that
        number. 255 beside other ids marks pixels that nobody decided (void), and is left out.

        Raises:
            PictureError: a label map does not hold the object, or no pixel is set.
        """
        values = self.values
        if object_id in values:
            void = f"mask {self.path} holds 255 beside other ids: taken for void, and left out"
            return self.labels == object_id, void if 255 in values and object_id != 255 else self.note
        if self.kind in ("binary", "soft"):
            alone = f"mask {self.path} holds the value {values[0]} alone: taken as a picture of one mask"
            return self.labels > 0, alone if values == [1] else self.note
        found = f"the values {', '.join(map(str, values[:10]))}" if values else "no object at all"
        raise PictureError(f"mask {self.path} has {found}; pixels must be {object_id} for this object, or 0 and 255")


def read_mask_picture(path: Path) -> MaskPicture:
    """Read a picture of masks, upright, and tell what it is.

    Raises:
        PictureError: it is missing, damaged, or its pixels are colours or greys that stand for no mask.
        LimitError: it declares more pixels than the limit.
    """
    with open_picture(path, "mask") as image:
        lossy = image.format in _LOSSY or (image.format == "WEBP" and not _lossless_webp(path))
        pixels, by_colour, note = _one_channel(upright(image), path, lossy=lossy)
    if pixels.size == 0:
        raise PictureError(f"mask {path} has no pixels")
    if lossy:
        return _soft(path, pixels, "saved with loss, which blurs ids")
    top = np.iinfo(pixels.dtype).max if pixels.dtype != np.bool_ else 1
    values = _values(pixels)
    if not values:
        return MaskPicture(path, "empty", pixels.astype(_type(pixels)), note)
    if len(values) == 1:
        kind: MaskKind = "binary" if values[0] in (1, 255, top) else "labels"
        return MaskPicture(path, kind, pixels.astype(_type(pixels)), note)
    if by_colour and _is_soft(pixels, values):
        scaled = pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)
        return _soft(path, scaled, f"{len(values)} greys that change from pixel to pixel, as no ids do")
    return MaskPicture(path, "labels", pixels, note)


def mask_picture_size(path: Path) -> tuple[int, int]:
    """Read (height, width) of a picture of masks, upright, from its header.

    Raises:
        PictureError: it is missing or no picture.
    """
    return picture_size(path)


def _lossless_webp(path: Path) -> bool:
    with path.open("rb") as file:
        return b"VP8L" in file.read(4096)


def _soft(path: Path, grey: np.ndarray, why: str) -> MaskPicture:
    """One mask in greys, if most of them are near black and white."""
    counts = np.bincount(grey.reshape(-1), minlength=256)
    bright, between = int(counts[_BRIGHT:].sum()), int(counts[_DARK:_BRIGHT].sum())
    if not bright and not between and not counts[_DARK // 2 :].any():
        return MaskPicture(path, "empty", np.zeros_like(grey), f"mask {path}: black, {why}: taken for no object")
    if between > max(bright, grey.size // 10 if bright else 0):
        raise PictureError(
            f"mask {path} is a picture in greys, not a label map and not a mask: {bright} pixels are nearly white and "
            f"{between} lie between black and white; save ids in a PNG of mode L or P, or a mask as 0 and 255"
        )
    labels = np.where(grey >= _THRESHOLD, np.uint8(255), np.uint8(0))
    note = f"mask {path}: {why}: taken as a picture of one mask, set where a pixel is at least {_THRESHOLD} of 255"
    return MaskPicture(path, "soft", labels, note)


def _is_soft(pixels: np.ndarray, values: list[int]) -> bool:
    """Whether several values are the greys of a picture and no ids: they change from pixel to pixel."""
    top = int(np.iinfo(pixels.dtype).max)
    white = values[-1] >= top - top // 8
    between = [value for value in values if value != top]
    if len(between) <= _MANY and (not white or between[-1] <= 2 * len(between) + 8):
        return False  # low numbers without gaps, or none near white
    inside = (pixels > 0) & (pixels < top)
    return _edge_share(pixels, inside) >= (0.5 if len(between) > _MANY else 0.9)


def _edge_share(pixels: np.ndarray, among: np.ndarray) -> float:
    """Of some pixels the share that differs from a neighbour above, below, to the left or right."""
    differs = np.zeros(pixels.shape, bool)
    vertical, horizontal = pixels[1:] != pixels[:-1], pixels[:, 1:] != pixels[:, :-1]
    differs[1:] |= vertical
    differs[:-1] |= vertical
    differs[:, 1:] |= horizontal
    differs[:, :-1] |= horizontal
    return int(np.count_nonzero(differs & among)) / max(int(np.count_nonzero(among)), 1)


def _values(pixels: np.ndarray) -> list[int]:
    """Values that occur, other than 0, in order."""
    counts = np.bincount(pixels.reshape(-1))
    return [int(value) for value in np.flatnonzero(counts) if value]


def _type(pixels: np.ndarray) -> type[np.unsignedinteger]:
    return np.uint16 if pixels.dtype == np.uint16 else np.uint8


def _one_channel(image: Image.Image, path: Path, *, lossy: bool) -> tuple[np.ndarray, bool, str | None]:
    """Reduce a picture to one number a pixel; also say whether the numbers are greys, and what was decided."""
    mode = image.mode
    if mode == "P":
        return _indexed(image, path)
    if mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        return _with_alpha(image, path)
    if mode == "1":
        return np.asarray(image).astype(np.uint8), True, None
    if mode == "L":
        return np.array(image), True, None
    if mode.startswith("I"):
        pixels = np.array(image)
        if pixels.max(initial=0) > np.iinfo(np.uint16).max or pixels.min(initial=0) < 0:
            raise PictureError(f"mask {path} holds ids below 0 or above 65535; use 8-bit or 16-bit ids")
        return pixels.astype(np.uint16), True, None
    if mode == "F":
        pixels = np.array(image)
        if not np.isin(pixels, (0, 1)).all() and not np.isin(pixels, (0, 255)).all():
            raise PictureError(
                f"mask {path} holds floats from {pixels.min():g} to {pixels.max():g}; threshold them, "
                "and save 0 and 255"
            )
        return pixels.astype(np.uint8), True, None
    pixels = np.asarray(image.convert("RGB"))
    grey = _grey(pixels, _CHROMA if lossy else 0)
    return (grey, True, None) if grey is not None else _one_colour(pixels, path, mode)


def _indexed(image: Image.Image, path: Path) -> tuple[np.ndarray, bool, str | None]:
    """Of a palette the numbers count, not the colours; unless it only swaps black and white, or holds an alpha."""
    pixels = np.array(image)
    used = np.unique(pixels)
    palette = np.zeros((256, 3), np.uint8)
    colours = np.frombuffer(bytes(image.getpalette("RGB") or ()), np.uint8).reshape(-1, 3)[:256]
    palette[: len(colours)] = colours
    if "transparency" in image.info and used.size > 1 and (palette[used] == palette[used[0]]).all():
        return _with_alpha(image.convert("RGBA"), path)
    if used.size == 2 and used[0] == 0 and (palette[0] == 255).all() and not palette[used[1]].any():
        note = f"mask {path}: its palette has white before black: white is taken for the object"
        return np.where(pixels == 0, np.uint8(255), np.uint8(0)), True, note
    identity = bool((palette[used] == used[:, None]).all())
    return pixels, identity, None


def _with_alpha(image: Image.Image, path: Path) -> tuple[np.ndarray, bool, str | None]:
    """A full alpha says nothing; else it is the mask, if the colours say nothing or the same."""
    pixels = np.asarray(image.convert("RGBA"))
    alpha, grey = pixels[..., 3], _grey(pixels[..., :3], 0)
    if alpha.min(initial=255) == 255:
        if grey is not None:
            return grey, True, None
        return _one_colour(pixels[..., :3], path, image.mode)
    note = f"mask {path}: the alpha channel is taken for the mask"
    if grey is None or grey.min() == grey.max():
        return alpha, True, note
    if np.array_equal(grey > 0, alpha > 0):
        return grey, True, None  # ids or a mask, and nothing where it is transparent
    if np.array_equal(grey >= _THRESHOLD, alpha >= _THRESHOLD):
        return alpha, True, note
    raise PictureError(
        f"mask {path} says one thing in its greys and another in its alpha channel; save the mask as 0 and 255 "
        "without alpha"
    )


def _grey(colours: np.ndarray, tolerance: int) -> np.ndarray | None:
    """The one channel [H, W] of a picture [H, W, 3] without colours, or None."""
    if tolerance == 0:
        return colours[..., 0] if (colours == colours[..., :1]).all() else None
    spread = colours.max(axis=-1).astype(np.int16) - colours.min(axis=-1)
    return np.asarray(Image.fromarray(colours).convert("L")) if spread.max(initial=0) <= tolerance else None


def _one_colour(colours: np.ndarray, path: Path, mode: str) -> tuple[np.ndarray, bool, str | None]:
    """A mask in one colour on black; more colours are refused."""
    lit = colours.any(axis=-1)
    if lit.any() and not lit.all() and (colours[lit] == colours[lit][0]).all():
        shade = ", ".join(map(str, colours[lit][0].tolist()))
        note = f"mask {path}: one colour ({shade}) on black: taken as a picture of one mask"
        return np.where(lit, np.uint8(255), np.uint8(0)), True, note
    raise PictureError(f"mask {path} is a {mode} picture: its pixels are colours, not ids; save it in mode L or P")
