"""Folders of pictures, or video files, and label maps as a source of clips: DAVIS, YouTube-VOS, MOSE, your own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from sam2s.errors import DatasetError
from sam2s.files import walk_folders
from sam2s.formats.davis_sets import davis_videos, is_davis_set
from sam2s.formats.folders import Sequence as FolderSequence
from sam2s.formats.folders import find_sequences, list_pictures
from sam2s.picture_files import PictureReader

from .film import FilmVideo, film_files, films_without_maps
from .pictures import mask_picture_size, picture_size, read_labels, sides
from .video import Finding, TrainingEntry


@dataclass(frozen=True)
class PictureVideo:
    """Pictures in one folder, label maps of the same stems in another; a frame without a map is not annotated.

    A map says of every object whether it is there, so on an annotated frame all objects are known.

    Attributes:
        name: see `TrainingVideo`.
        pictures: folder of the frames.
        maps: folder of the label maps.
        categories: by object id, where somebody said what it is.
    """

    name: str
    pictures: Path
    maps: Path
    categories: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def frames(self) -> tuple[int, ...]:
        """See `TrainingVideo`; positions among the pictures, as a tracker counts them."""
        return tuple(t for t, stem in enumerate(self._stems) if stem in self._maps)

    def category(self, object_id: int) -> str | None:
        """See `TrainingVideo`."""
        return self.categories.get(object_id)

    def cover(self, frame: int) -> dict[int, float]:
        """See `TrainingVideo`."""
        labels = self.labels(frame)
        counts = np.bincount(labels.ravel())
        return {i: counts[i] / labels.size for i in np.flatnonzero(counts).tolist() if i}

    def images(self, frames: Sequence[int]) -> list[np.ndarray]:
        """See `TrainingVideo`."""
        return [self._reader.read(self._pictures[self._stems[frame]]) for frame in frames]

    def masks(self, frame: int, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """See `TrainingVideo`."""
        labels = self.labels(frame)
        return {i: labels == i for i in ids}

    def labels(self, frame: int) -> np.ndarray:
        """Object ids [H, W] of a frame."""
        return read_labels(self._maps[self._stems[frame]])

    def problems(self) -> Iterator[Finding]:
        """See `TrainingVideo`."""
        for stem in self._maps.keys() - self._pictures.keys():
            yield Finding("file", f"{self._maps[stem]} has no picture in {self.pictures}")
        common: tuple[int, int] | None = None
        for frame in self.frames:
            stem = self._stems[frame]
            try:
                size, labels = picture_size(self._pictures[stem]), mask_picture_size(self._maps[stem])
            except DatasetError as error:
                yield Finding("file", str(error), frame)
                continue
            common = common or size
            if labels != size:
                yield Finding("size", f"the mask is {sides(labels)}, the picture {sides(size)}", frame)
            elif size != common:
                yield Finding("size", f"the picture is {sides(size)}, those before it are {sides(common)}", frame)
        numbers = [int(stem) for stem in self._pictures if stem.isdecimal()]
        steps = np.diff(numbers)
        if len(steps) and len(numbers) == len(self._pictures):
            usual = int(np.bincount(steps).argmax())
            for at in np.flatnonzero(steps != usual).tolist():
                text = f"picture {numbers[at]} is followed by {numbers[at + 1]}, others are {usual} apart"
                yield Finding("gap", text, at + 1, fatal=False)

    @cached_property
    def _pictures(self) -> dict[str, Path]:
        return list_pictures(self.pictures)

    @cached_property
    def _reader(self) -> PictureReader:
        return PictureReader(list(self._pictures.values()))

    @cached_property
    def _stems(self) -> list[str]:
        return list(self._pictures)

    @cached_property
    def _maps(self) -> dict[str, Path]:
        return list_pictures(self.maps)


def davis_entries(root: Path, *, split: str | None) -> list[TrainingEntry]:
    """Videos of a folder with JPEGImages and Annotations, or of folders that hold frames and masks.

    Args:
        root: the folder, or one with a folder of that kind for each split, as YouTube-VOS has.
        split: names a list in ImageSets, or such a folder; where there is neither, all videos are taken. Names of
            videos of several such folders begin with the folder's.

    Raises:
        DatasetError: there is no video, or none of that split, or two have one name.
    """
    if not is_davis_set(root):
        return _film_entries(root) or [
            _entry(s.name, s.folder / "frames", s.folder / "masks", {}) for s in _sequences(root)
        ]
    videos = davis_videos(root, split=split)
    if not videos:
        raise DatasetError(f"{root} has no label map: no folder below Annotations holds pictures")
    categories = {home: _categories(home / "meta.json") for home in {video.home for video in videos}}
    entries = []
    for video in videos:
        pictures = film_files(video.pictures.parent).get(video.pictures.name, video.pictures)
        entries.append(_entry(video.name, pictures, video.masks, categories[video.home].get(video.masks.name, {})))
    return entries


def _film_entries(root: Path) -> list[TrainingEntry]:
    films = film_files(root)
    entries = [_entry(name, film, root / name, {}) for name, film in films.items() if (root / name).is_dir()]
    if films and not entries:
        raise DatasetError(f"no video of {root} can be learned from: {'; '.join(films_without_maps(root)[:3])}")
    return entries


def _sequences(root: Path) -> list[FolderSequence]:
    try:
        return find_sequences(root)
    except DatasetError as error:
        for folder in walk_folders(root):
            if any((folder / name).is_dir() for name in film_files(folder)):
                raise DatasetError(f"{root} holds no video itself; give the folder {folder}, which does") from error
        raise DatasetError(
            f"{error}; or give a folder with video files such as case1.mp4, and label maps in case1/00012.png"
        ) from error


def _entry(name: str, pictures: Path, maps: Path, categories: Mapping[int, str]) -> TrainingEntry:
    kind = FilmVideo if pictures.is_file() else PictureVideo
    return TrainingEntry(name, len(list_pictures(maps)), partial(kind, name, pictures, maps, categories))


def _categories(meta: Path) -> dict[str, dict[int, str]]:
    """By video and object id, from the meta.json of YouTube-VOS, where there is one."""
    if not meta.exists():
        return {}
    try:
        videos = json.loads(meta.read_text("utf-8"))["videos"]
        return {
            name: {int(i): one["category"] for i, one in video["objects"].items() if "category" in one}
            for name, video in videos.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{meta} is not of the form videos: NAME: objects: ID: category ({error}); mend or remove it"
        ) from error
