"""Masks of many videos in whatever form they lie on disk, read one frame at a time.

Frames of two sides are paired by their key: the file's stem, numbers without leading zeros ("00005" is "5").
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sam2s.errors import DatasetError
from sam2s.evaluation.region import Region, cut_labels, cut_mask
from sam2s.evaluation.rules import Layout
from sam2s.files import natural
from sam2s.formats.folders import list_pictures
from sam2s.masks import polygon, rle
from sam2s.masks.palette import read_label_map

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

    def read(self, key: str) -> tuple[dict[int, Region], tuple[int, int] | None]:
        """Read the objects on a frame and the frame's size (H, W), where it is known; none on a frame without masks."""
        ...


@dataclass(frozen=True)
class LabelMaps:
    """One label image a frame.

    Attributes:
        files: label images by frame key, in time order.
    """

    files: dict[str, Path]
    by_object: None = None

    @property
    def frames(self) -> tuple[str, ...]:
        """Keys of the frames that have masks, in time order."""
        return tuple(self.files)

    def read(self, key: str) -> tuple[dict[int, Region], tuple[int, int] | None]:
        """Read the objects on a frame, and its size (H, W) where it is known."""
        if key not in self.files:
            return {}, None
        labels = read_label_map(self.files[key])
        return cut_labels(labels), labels.shape


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

    def read(self, key: str) -> tuple[dict[int, Region], tuple[int, int] | None]:
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
        return regions, size


@dataclass(frozen=True)
class Polygons:
    """A mask as polygons (flat lists of x, y) in a picture of size (H, W)."""

    points: list[list[float]]
    size: tuple[int, int]


@dataclass(frozen=True)
class Outlined:
    """Run lengths or polygons out of a JSON file.

    Attributes:
        masks: by frame key, in time order, the objects' masks.
        size: (H, W) of the video, where the file says it.
    """

    masks: dict[str, dict[int, rle.Rle | Polygons]]
    size: tuple[int, int] | None
    by_object: None = field(default=None)

    @property
    def frames(self) -> tuple[str, ...]:
        """Keys of the frames that have masks, in time order."""
        return tuple(self.masks)

    def read(self, key: str) -> tuple[dict[int, Region], tuple[int, int] | None]:
        """Read the objects on a frame, and its size (H, W) where it is known."""
        regions: dict[int, Region] = {}
        size = self.size
        for object_id, shape in self.masks.get(key, {}).items():
            try:
                mask = polygon.fill(shape.points, shape.size) if isinstance(shape, Polygons) else rle.decode(shape)
            except (ValueError, TypeError, KeyError) as error:
                raise DatasetError(f"frame {key}, object {object_id}: {error}") from error
            if size not in (None, mask.shape):
                raise DatasetError(
                    f"frame {key}, object {object_id}: mask of size {mask.shape}, expected {size} (H, W)"
                )
            size = mask.shape
            region = cut_mask(mask)
            if region:
                regions[object_id] = region
        return regions, size


def read_folder(root: Path, layout: Layout = Layout.AUTO) -> dict[str, VideoMasks]:
    """Find the videos in or below a folder of PNG files, by their path below it, in natural order.

    Where a folder has a subfolder `masks`, only that is looked at and its name is left out; folders that hold pictures
    (`frames`, `JPEGImages`) are left out.

    Raises:
        DatasetError: there is no PNG file.
    """
    leaves: dict[str, Path] = {}
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = (
            ["masks"] if "masks" in subfolders else [name for name in subfolders if not _NOT_MASKS.fullmatch(name)]
        )
        if any(name.lower().endswith(".png") for name in files):
            leaves[Path(folder).relative_to(root).as_posix()] = Path(folder)
    if not leaves:
        raise DatasetError(f"no PNG masks in {root}: give the folder that holds the videos' folders, or a .json file")
    siblings: dict[str, list[str]] = {}
    for name in sorted(leaves, key=natural):
        siblings.setdefault(name.rpartition("/")[0], []).append(name)
    videos: dict[str, VideoMasks] = {}
    for parent, names in siblings.items():
        if layout is Layout.OBJECTS or (layout is Layout.AUTO and _are_objects(parent, names)):
            folders = {_object_id(leaves[name]): _by_key(leaves[name]) for name in names}
            videos[parent or root.resolve().name] = ObjectMasks(folders)
        else:
            for name in names:
                video = root.resolve().name if name in (".", "masks") else name.removesuffix("/masks")
                videos[video] = LabelMaps(_by_key(leaves[name]))
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


def _by_key(folder: Path) -> dict[str, Path]:
    return {frame_key(stem): path for stem, path in list_pictures(folder).items() if path.suffix.lower() == ".png"}
