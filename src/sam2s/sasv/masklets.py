"""Reading a built set: videos, frames, objects with lasting ids. docs/reference/masklet-format.md has the form."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.masks.palette import read_label_map
from sam2s.sasv.splits import assigned_splits

FORMAT = "sasv-masklets"
VERSION = 1
MANIFEST = "manifest.json"
RECORD = "video.json"
SUMS = "SHA256SUMS"


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
            with Image.open(path) as image:
                return np.array(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:  # Pillow raises any of them
            raise DatasetError(f"cannot read frame {path}: {error}; build {self.id} again") from error

    def image_path(self, frame: int) -> Path:
        """The frame's file."""
        return self.folder / self.frames[frame].file

    def label_maps(self, frame: int) -> list[np.ndarray]:
        """Label maps [H, W] of a frame, more than one only where objects overlap; none where nothing is annotated."""
        return [read_label_map(self.folder / name) for name in mask_files(frame, self.frames[frame].layers)]

    def masks(self, frame: int) -> dict[int, np.ndarray]:
        """bool [H, W] by id of every object that is annotated on this frame, all false where it is absent."""
        maps = self.label_maps(frame)
        known = [o.id for o in self.objects if o.area[frame] is not None]
        return {i: np.logical_or.reduce([m == i for m in maps]) for i in known}


def mask_files(frame: int, layers: int) -> list[str]:
    """Names of a frame's label maps: masks/00007.png, masks/00007.1.png, ..."""
    return [f"masks/{frame:05d}{f'.{layer}' if layer else ''}.png" for layer in range(layers)]


def read_video(folder: Path) -> MaskletVideo:
    """Read one video's `video.json`.

    Raises:
        DatasetError: it is missing, damaged, or of a newer version.
    """
    path = folder / RECORD
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {path}: {error}; build the video again (sam2s sasv build)") from error
    if data.get("format") != FORMAT or data.get("version") != VERSION:
        form = f"{data.get('format')!r} version {data.get('version')!r}"
        raise DatasetError(f"{path} is {form}, this program reads {FORMAT!r} version {VERSION}; build it again")
    size, crop = data["size"], data["crop"]
    try:
        return MaskletVideo(
            folder=folder,
            id=data["id"],
            source=data["source"],
            subset=data["subset"],
            split=data["split"],
            patient=data["patient"],
            procedure=data["procedure"],
            licence=data["licence"],
            images=data["images"],
            size=(size[0], size[1]),
            fps=_fraction(data["fps"]),
            crop=crop and (crop[0], crop[1], crop[2], crop[3]),
            frames=tuple(MaskletFrame(f["file"], f["index"], _fraction(f["pts"]), f["layers"]) for f in data["frames"]),
            objects=tuple(Masklet(**{**o, "area": tuple(o["area"])}) for o in data["objects"]),
            link_stats=data["link_stats"],
            review=tuple(data["review"]),
            edits=tuple(data["edits"]),
            base=data["base"],
            recipe=data["recipe"],
            incomplete=data.get("incomplete") or "",
        )
    except (KeyError, TypeError) as error:
        raise DatasetError(f"{path} lacks or garbles {error}; build the video again (sam2s sasv build)") from error


class MaskletDataset:
    """A built set, or a part of it; iterates over `MaskletVideo`, reading one `video.json` at a time.

    Args:
        root: the folder that `sam2s sasv build` wrote.
        split: "train", "val" or "test".
        subset: row of Table 1, such as "CIS-Test".
        source: name of a source, such as "endovis17".
        images: True for single pictures alone, False for videos alone.
        split_file: take splits from this file (see `splits.py`) instead of those of the build.
    """

    def __init__(
        self,
        root: Path,
        *,
        split: str | None = None,
        subset: str | None = None,
        source: str | None = None,
        images: bool | None = None,
        split_file: Path | None = None,
    ) -> None:
        self.root = root
        entries = read_manifest(root)["videos"]
        assigned = assigned_splits(entries, split_file)
        self.ids = [
            name
            for name, entry in entries.items()
            if (split is None or assigned.get(name) == split)
            and subset in (None, entry["subset"])
            and source in (None, entry["source"])
            and images in (None, entry["images"])
        ]

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[MaskletVideo]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, item: int | str) -> MaskletVideo:
        name = item if isinstance(item, str) else self.ids[item]
        return read_video(video_folder(self.root, name))

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The set's manifest."""
        return read_manifest(self.root)


def video_folder(root: Path, name: str) -> Path:
    """Where video "source/name" lies."""
    return root / "videos" / name


def read_manifest(root: Path) -> dict[str, Any]:
    """Read the manifest of a built set.

    Raises:
        DatasetError: there is none, or it is of another version.
    """
    path = root / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{root} is not a built set ({error}); build one: sam2s sasv build --out {root}") from error
    if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
        raise DatasetError(f"{path} is not {FORMAT!r} version {VERSION}; build the set again")
    return manifest


def missing_by_subset(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Rows of Table 1 of which a set holds only a part, and what is missing; tables of counts and scores mark them."""
    return {subset: entry["missing"] for subset, entry in manifest.get("incomplete", {}).items()}


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)
