"""Masks of many videos in whatever form they lie on disk, read one frame at a time.

Frames of two sides are paired by their key: the file's stem, numbers without leading zeros ("00005" is "5").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np

from sam2s.errors import DatasetError
from sam2s.evaluation.region import Region, cut_labels
from sam2s.evaluation.rules import Layout
from sam2s.files import natural, walk_folders
from sam2s.masks.palette import read_label_map
from sam2s.picture_files import IMAGE_SUFFIXES

_NOT_MASKS = re.compile(r"frames|JPEGImages.*|\..*", re.IGNORECASE)
_OBJECT_FOLDER = re.compile(r"\d{3}")


class VideoMasks(Protocol):
    """The masks of one video.

    Attributes:
        frames: keys of the frames that have masks (maybe empty ones), in time order.
        by_object: by object id, the frames on which it has a mask (maybe an empty one); None if all are on all frames.
    """

    @property
    def frames(self) -> tuple[str, ...]:
        """Keys of the frames that have masks, in order."""
        ...

    @property
    def by_object(self) -> Mapping[int, Mapping[str, object]] | None:
        """What each object has by frame, where the layout is by object; else None."""
        ...

    def read(self, key: str) -> FrameRegions:
        """Read the objects on a frame; a frame without masks has none and no size."""
        ...


VOID = 255


class FrameRegions(NamedTuple):
    """The objects on a frame, its size (H, W) where that is known, and its undecided pixels bool [H, W], if any."""

    regions: dict[int, Region]
    size: tuple[int, int] | None
    void: np.ndarray | None = None


@dataclass(frozen=True)
class LabelMaps:
    """One label image a frame.

    Attributes:
        files: label images by frame key, in time order.
        void: value of pixels that nobody decided; "auto": 255, in a video that has other ids too.
    """

    files: dict[str, Path]
    void: int | Literal["auto"] | None = None
    by_object: None = None

    @property
    def frames(self) -> tuple[str, ...]:
        """Keys of the frames that have masks, in time order."""
        return tuple(self.files)

    def read(self, key: str) -> FrameRegions:
        """Read the objects on a frame, its size, and its undecided pixels."""
        if key not in self.files:
            return FrameRegions({}, None)
        labels = read_label_map(self.files[key])
        regions = cut_labels(labels)
        value = self._void_value(regions.keys())
        if value is None or regions.pop(value, None) is None:
            return FrameRegions(regions, labels.shape)
        return FrameRegions(regions, labels.shape, labels == value)

    def _void_value(self, ids: Collection[int]) -> int | None:
        """The value of undecided pixels on a frame with these ids."""
        if self.void != "auto":
            return self.void
        if VOID not in ids or VOID - 1 in ids:
            return None
        return VOID if len(ids) > 1 or self._has_other_ids else None

    @cached_property
    def _has_other_ids(self) -> bool:
        return any(set(cut_labels(read_label_map(path))) - {VOID} for path in self.files.values())


@dataclass(frozen=True)
class ObjectMasks:
    """One binary image a frame and object.

    Attributes:
        by_object: by object id, the images by frame key.
    """

    by_object: dict[int, dict[str, Path]]

    @property
    def frames(self) -> tuple[str, ...]:
        """Keys of the frames that have masks, in time order."""
        return tuple(sorted({key for files in self.by_object.values() for key in files}, key=natural))

    def read(self, key: str) -> FrameRegions:
        """Read the objects on a frame, and its size (H, W) where it is known."""
        regions: dict[int, Region] = {}
        size: tuple[int, int] | None = None
        for object_id, files in self.by_object.items():
            if key in files:
                labels = read_label_map(files[key])
                regions_in_file = list(cut_labels(labels).values())
                if len(regions_in_file) > 1 or (size or labels.shape) != labels.shape:
                    problem = (
                        "several ids" if len(regions_in_file) > 1 else f"size {labels.shape}, other objects {size}"
                    )
                    raise DatasetError(
                        f"{files[key]} has {problem}, but was read as the mask of one object; --layout labels?"
                    )
                size = labels.shape
                regions |= {object_id: regions_in_file[0]} if regions_in_file else {}
        return FrameRegions(regions, size)


def read_folder(
    root: Path, layout: Layout = Layout.AUTO, void: int | Literal["auto"] | None = None
) -> dict[str, VideoMasks]:
    """Find the videos in or below a folder of pictures, by their path below it, in natural order.

    Where a folder has a subfolder `masks`, only that is looked at and its name is left out; folders that hold pictures
    (`frames`, `JPEGImages`) are left out.

    Raises:
        DatasetError: there is no PNG file.
    """
    leaves: dict[str, Path] = {}
    for folder in walk_folders(root, _is_of_masks):
        if not (folder / "masks").is_dir() and any(f.suffix.lower() in IMAGE_SUFFIXES for f in folder.iterdir()):
            leaves[folder.relative_to(root).as_posix()] = folder
    if not leaves:
        raise DatasetError(f"no masks in {root}: give the folder that holds the videos' folders, or a .json file")
    siblings: dict[str, list[str]] = {}
    for name in sorted(leaves, key=natural):
        siblings.setdefault(name.rpartition("/")[0], []).append(name)
    videos: dict[str, VideoMasks] = {}
    for parent, names in siblings.items():
        if layout is Layout.OBJECTS or (layout is Layout.AUTO and _are_objects(parent, names)):
            folders = {_object_id(leaves[name]): mask_files(leaves[name]) for name in names}
            videos[parent or root.resolve().name] = ObjectMasks(folders)
        else:
            for name in names:
                video = root.resolve().name if name in (".", "masks") else name.removesuffix("/masks")
                videos[video] = LabelMaps(mask_files(leaves[name]), void)
    return {name: videos[name] for name in sorted(videos, key=natural)}


def frame_key(stem: str) -> str:
    """The key of a frame whose file has this stem."""
    return str(int(stem)) if stem.isdecimal() else stem


def _are_objects(parent: str, names: list[str]) -> bool:
    own = [name.rpartition("/")[2] for name in names]
    return bool(parent) and "000" in own and all(_OBJECT_FOLDER.fullmatch(name) for name in own)


def _object_id(folder: Path) -> int:
    if not folder.name.isdecimal():
        raise DatasetError(
            f"{folder} cannot be the folder of one object: its name is not a number; use --layout labels"
        )
    return int(folder.name)


def mask_files(folder: Path) -> dict[str, Path]:
    """Pictures of masks in a folder by frame key, in time order: PNG files, or others where there are none.

    Raises:
        DatasetError: two are of one frame.
    """
    files = [f for f in folder.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES and not f.name.startswith(".")]
    lossless = [file for file in files if file.suffix.lower() == ".png"]
    by_key: dict[str, Path] = {}
    for path in sorted(lossless or files, key=lambda path: natural(path.stem)):
        if (other := by_key.setdefault(frame_key(path.stem), path)) != path:
            raise DatasetError(f"{other} and {path} are both masks of frame {frame_key(path.stem)}; keep one")
    return by_key


def _is_of_masks(name: str, siblings: Collection[str]) -> bool:
    """Whether a folder may hold masks: `masks` where there is one, else all but folders of pictures."""
    return name == "masks" if "masks" in siblings else not _NOT_MASKS.fullmatch(name)
