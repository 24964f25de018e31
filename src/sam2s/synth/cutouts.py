"""Cut-outs: pictures of one object on a transparent ground (alpha), as sprites that scenes can be made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from sam2s.errors import ConfigError, DatasetError, LimitError, PictureError
from sam2s.picture_files import open_picture, read_picture, upright

from .canvas import Sprite, sprite
from .shapes import Shape
from .textures import Surface

SIDE = 192
"""Longest side in pixels to which cut-outs are reduced."""

PHOTO_SIDE = 640
"""Shortest side in pixels to which photos are reduced."""

LEAST_SIDE, LEAST_FILL, MOST_FILL, LEAST_WHOLE = 24, 0.15, 0.97, 0.7
"""A cut-out's shortest side in pixels, the shares of its box that it may cover, and the share of its largest piece."""

MOST_PIXELS = 30_000_000
"""Larger pictures are passed over: reading one takes longer than a step of training."""

TRIES = 20
PADDING = 3
SUFFIXES = {".png", ".webp", ".tif", ".tiff"}
PHOTO_SUFFIXES = SUFFIXES | {".jpg", ".jpeg"}


@dataclass(frozen=True)
class CutoutFolder:
    """Cut-outs, and the photos that they may lie on or be covered with.

    Attributes:
        cutouts: files with alpha.
        photos: pictures without objects of their own; may be empty.
    """

    cutouts: tuple[FilePath, ...]
    photos: tuple[FilePath, ...] = ()

    @classmethod
    def open(cls, folder: FilePath, photos: FilePath | None = None) -> CutoutFolder:
        """List what lies in a folder and those below it; no picture is read yet.

        Args:
            folder: of the cut-outs; the name of the folder that a file lies in is the object's category.
            photos: folder of pictures to use as grounds and skins, or None for drawn ones alone.

        Raises:
            ConfigError: a folder does not exist.
            DatasetError: a folder holds no picture.
        """
        return cls(_files(folder, SUFFIXES), _files(photos, PHOTO_SUFFIXES) if photos else ())

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], str]:
        """A random cut-out `[h, w, 4]`, cropped to its outline, and the name of the folder that it lies in.

        Files that hold no cut-out are passed over.

        Raises:
            DatasetError: none of many files is a cut-out.
        """
        for _ in range(TRIES):
            path = self.cutouts[int(rng.integers(len(self.cutouts)))]
            rgba = read_cutout(path)
            if rgba is not None:
                return rgba, path.parent.name
        raise DatasetError(
            f"none of {TRIES} pictures near {self.cutouts[0]} is a cut-out: each must be an object on a transparent "
            f"ground (alpha), at least {LEAST_SIDE} pixels wide and high"
        )

    def draw_photo(self, rng: np.random.Generator, side: int) -> torch.Tensor:
        """A random square `[3, side, side]` of a photo, in 0 to 1, with its colours changed at random."""
        photo = read_photo(self.photos[int(rng.integers(len(self.photos)))])
        h, w = photo.shape[:2]
        cut = int(min(h, w) * math.exp(rng.uniform(math.log(0.25), 0)))
        y, x = int(rng.integers(h - cut + 1)), int(rng.integers(w - cut + 1))
        patch = Image.fromarray(photo[y : y + cut, x : x + cut]).resize((side, side), Image.Resampling.BILINEAR)
        pixels = np.asarray(patch)
        if rng.random() < 0.5:
            pixels = pixels[:, ::-1]
        return recoloured(torch.from_numpy(pixels.transpose(2, 0, 1) / np.float32(255)), rng)


def recoloured(colour: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A picture `[3, h, w]` with other gains a channel, at times with its channels exchanged or inverted."""
    if rng.random() < 0.3:
        colour = colour[torch.from_numpy(rng.permutation(3))]
    if rng.random() < 0.1:
        colour = 1 - colour
    gains = torch.from_numpy(np.exp(rng.normal(0, 0.2, 3)).astype(np.float32))[:, None, None]
    return (colour * gains).clamp_(0, 1)


@lru_cache(maxsize=512)
def read_cutout(path: FilePath) -> NDArray[np.uint8] | None:
    """A cut-out `[h, w, 4]`, cropped to its outline and reduced to `SIDE`, or None if the picture is none."""
    try:
        with open_picture(path) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            image = upright(picture).convert("RGBA")
    except (PictureError, LimitError):
        return None
    solid = np.asarray(image)[..., 3] > 127
    if not solid.any():
        return None
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    image = image.crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    rgba = np.asarray(image)
    solid = rgba[..., 3] > 127
    pieces = np.bincount(ndimage.label(solid)[0][solid])
    whole = len(pieces) > 0 and pieces.max() >= LEAST_WHOLE * solid.sum()
    if min(solid.shape) < LEAST_SIDE or not LEAST_FILL <= solid.mean() <= MOST_FILL or not whole:
        return None
    return rgba


@lru_cache(maxsize=32)
def read_photo(path: FilePath) -> NDArray[np.uint8]:
    """A photo `[h, w, 3]`, reduced to `PHOTO_SIDE`.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        image = Image.fromarray(read_picture(path))
    except (PictureError, LimitError) as error:
        raise DatasetError(f"{path} cannot be read as a photo: {error}; take it out of the folder") from error
    share = PHOTO_SIDE / min(image.size)
    if share < 1:
        image = image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.LANCZOS)
    return np.asarray(image)


def cutout_shape(rgba: NDArray[np.uint8]) -> tuple[Shape, torch.Tensor]:
    """The outline of a cut-out `[h, w, 4]`, its longer side 2 units long, and its colours `[3, h, w]`, on one grid.

    Colours go on beyond the outline as they are on it, so that soft edges do not mix in what is transparent.
    """
    padded = np.pad(rgba, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)))
    inside = padded[..., 3] > 127
    outer, nearest = ndimage.distance_transform_edt(~inside, return_indices=True)
    inner = ndimage.distance_transform_edt(inside)
    h, w = inside.shape
    unit = 2 / max(h, w)
    distance = torch.from_numpy((np.where(inside, inner - 0.5, 0.5 - outer) * unit).astype(np.float32))
    colour = padded[nearest[0], nearest[1], :3].transpose(2, 0, 1) / np.float32(255)
    slope = torch.zeros(2, h, w)
    rim = torch.exp(-distance.clamp(min=0) / 0.1)
    slope[0, :, 1:-1] = (distance[:, :-2] - distance[:, 2:]) / (2 * unit) * rim[:, 1:-1]
    slope[1, 1:-1] = (distance[:-2] - distance[2:]) / (2 * unit) * rim[1:-1]
    return Shape(distance, slope, (w / max(h, w), h / max(h, w))), torch.from_numpy(np.ascontiguousarray(colour))


def covered(rng: np.random.Generator, shape: Shape, colour: torch.Tensor, *, relief: float = 0.0) -> Sprite:
    """A sprite of colours `[3, h, w]` (or larger, cut to size) within an outline."""
    h, w = shape.distance.shape
    colour = colour[:, :h, :w]
    height = colour.mean(0)
    gloss = float(rng.choice([0.0, 0.1, 0.4]))
    return sprite(shape, Surface(colour, height), bump=relief, bulge=rng.uniform(0, 0.6), gloss=gloss)


def _files(folder: FilePath, suffixes: set[str]) -> tuple[FilePath, ...]:
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder; name one that holds pictures ({', '.join(sorted(suffixes))})")
    pictures = tuple(sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes))
    if not pictures:
        raise DatasetError(f"{folder} holds no picture ({', '.join(sorted(suffixes))}); cut-outs need alpha")
    return pictures
