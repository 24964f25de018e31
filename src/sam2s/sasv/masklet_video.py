"""One video of a built set: its frames, its objects with lasting ids, and what is known of each on every frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from sam2s.errors import DatasetError, PictureError
from sam2s.picture_files import open_picture


class LabelState(StrEnum):
    """What is known of one object on one frame."""

    MASK = "mask"
    EMPTY = "empty"
    NOT_ANNOTATED = "not annotated"


@dataclass(frozen=True, slots=True)
class Masklet:
    """One object of one video.

    Attributes:
        id: lasting id in this video, counted from 1; the value of its pixels in the label maps.
        category: name in the ontology.
        kind: "instrument" or "tissue".
        label: the source's own name.
        area: per frame its pixels, 0 where it was looked for and not there, None where nobody looked.
        track: the source's own lasting id, or None where ours was derived.
    """

    id: int
    category: str
    kind: str
    label: str
    area: tuple[int | None, ...]
    track: str | None = None

    def state(self, frame: int) -> LabelState:
        """What is known of it on a frame (position in the video)."""
        area = self.area[frame]
        return LabelState.NOT_ANNOTATED if area is None else LabelState.MASK if area else LabelState.EMPTY

    @property
    def seen(self) -> list[int]:
        """Frames on which it has a mask."""
        return [t for t, area in enumerate(self.area) if area]


@dataclass(frozen=True, slots=True)
class MaskletFrame:
    """One frame: `file` relative to the video's folder, `index` in the source, time, and how many label maps it has."""

    file: str
    index: int
    pts: Fraction | None
    layers: int


@dataclass(frozen=True)
class MaskletVideo:
    """One video (or single image) of a built set; pixels are read on demand.

    Attributes:
        folder: where it lies.
        id: "source/name".
        subset: row of Table 1, or None for material that SA-SV leaves out.
        images: whether it is a single picture.
        size: (height, width) of every frame and mask.
        fps: annotated frames a second, or None where unknown.
        crop: (x, y, width, height) that was cut from the source's frames, or None.
        link_stats: how its ids came about, counts by name.
        review: doubtful links, for a person to look at.
        edits: corrections that were applied (see `patch.py`).
        base: fingerprint of the labels before any correction.
        recipe: fingerprint of the code that built it.
        incomplete: what its copy of the source lacks of it, "" where nothing is known to be missing.
    """

    folder: Path
    id: str
    source: str
    subset: str | None
    split: str
    patient: str
    procedure: str
    licence: str
    images: bool
    size: tuple[int, int]
    fps: Fraction | None
    crop: tuple[int, int, int, int] | None
    frames: tuple[MaskletFrame, ...]
    objects: tuple[Masklet, ...]
    link_stats: dict[str, int]
    review: tuple[dict[str, Any], ...]
    edits: tuple[dict[str, Any], ...]
    base: str
    recipe: str
    incomplete: str = ""

    def __len__(self) -> int:
        return len(self.frames)

    def image(self, frame: int) -> np.ndarray:
        """uint8 [H, W, 3], RGB."""
        path = self.image_path(frame)
        try:
            with open_picture(path, "frame") as image:
                return np.array(image.convert("RGB"))
        except PictureError as error:
            raise DatasetError(f"{error}; build {self.id} again") from error

    def image_path(self, frame: int) -> Path:
        """The frame's file."""
        return self.folder / self.frames[frame].file

    def label_maps(self, frame: int) -> list[np.ndarray]:
        """Label maps [H, W] of a frame, more than one only where objects overlap; none where nothing is annotated."""
        return [_read_ids(self.folder / name, self.id) for name in mask_files(frame, self.frames[frame].layers)]

    def masks(self, frame: int) -> dict[int, np.ndarray]:
        """bool [H, W] by id of every object that is annotated on this frame, all false where it is absent."""
        maps = self.label_maps(frame)
        known = [o.id for o in self.objects if o.area[frame] is not None]
        return {i: np.logical_or.reduce([m == i for m in maps]) for i in known}


def _read_ids(path: Path, video: str) -> np.ndarray:
    """Read a label map as it was written: every value is an id, nothing is taken for a soft edge."""
    try:
        with open_picture(path, "label map") as image:
            if image.mode not in ("L", "P") and not image.mode.startswith("I"):
                raise PictureError(f"label map {path} is a {image.mode} picture, not ids")
            return np.array(image)
    except PictureError as error:
        raise DatasetError(f"{error}; build {video} again") from error


def mask_files(frame: int, layers: int) -> list[str]:
    """Names of a frame's label maps: masks/00007.png, masks/00007.1.png, ..."""
    return [f"masks/{frame:05d}{f'.{layer}' if layer else ''}.png" for layer in range(layers)]
