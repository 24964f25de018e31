"""The validation and test parts of SA-V as a source of clips: folders of pictures, and of masks object by object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from sam2s.errors import DatasetError
from sam2s.formats.folders import list_pictures

from .pictures import mask_picture_size, picture_size, read_labels, read_picture, sides
from .sav import EVERY
from .video import Finding, TrainingEntry

PICTURES, MASKS = "JPEGImages_24fps", "Annotations_6fps"


@dataclass(frozen=True)
class ObjectFolders:
    """A video with a folder of masks for each object: folder 000 is object 1; a mask that is missing is an empty one.

    Attributes:
        name: see `TrainingVideo`.
        pictures: folder of its frames.
        folders: folder of its objects' folders.
    """

    name: str
    pictures: Path
    folders: Path

    @cached_property
    def frames(self) -> tuple[int, ...]:
        """See `TrainingVideo`."""
        return tuple(t for t, stem in enumerate(self._pictures) if stem.isdecimal() and int(stem) % EVERY == 0)

    def category(self, object_id: int) -> None:
        """See `TrainingVideo`; SA-V names no object."""

    def cover(self, frame: int) -> dict[int, float]:
        """See `TrainingVideo`."""
        paths = {i: path for i in self._ids if (path := self._mask(frame, i)).exists()}
        return {i: float((labels > 0).mean()) for i, path in paths.items() if (labels := read_labels(path)).any()}

    def images(self, frames: Sequence[int]) -> list[np.ndarray]:
        """See `TrainingVideo`."""
        files = list(self._pictures.values())
        return [read_picture(files[frame]) for frame in frames]

    def masks(self, frame: int, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """See `TrainingVideo`."""
        paths = {i: self._mask(frame, i) for i in ids}
        nothing = np.zeros(picture_size(self._pictures[self._stems[frame]]), bool)
        return {i: read_labels(path) > 0 if path.exists() else nothing for i, path in paths.items()}

    def problems(self) -> Iterator[Finding]:
        """See `TrainingVideo`."""
        known = {self._stems[frame] for frame in self.frames}
        for i in self._ids:
            for stem in list_pictures(self.folders / f"{i - 1:03d}").keys() - known:
                yield Finding(
                    "file", f"mask {stem} of object {i} has no picture in {self.pictures}, each {EVERY}th has"
                )
        for frame in self.frames:
            try:
                size = picture_size(self._pictures[self._stems[frame]])
                sizes = {mask_picture_size(path) for i in self._ids if (path := self._mask(frame, i)).exists()}
            except DatasetError as error:
                yield Finding("file", str(error), frame)
                continue
            for other in sizes - {size}:
                yield Finding("size", f"a mask is {sides(other)}, the picture {sides(size)}", frame)

    @cached_property
    def _pictures(self) -> dict[str, Path]:
        return list_pictures(self.pictures)

    @cached_property
    def _stems(self) -> list[str]:
        return list(self._pictures)

    @cached_property
    def _ids(self) -> list[int]:
        return sorted(int(folder.name) + 1 for folder in self.folders.iterdir() if folder.name.isdecimal())

    def _mask(self, frame: int, object_id: int) -> Path:
        return self.folders / f"{object_id - 1:03d}" / f"{self._stems[frame]}.png"


def sav_mask_entries(root: Path) -> list[TrainingEntry]:
    """All videos of a folder with JPEGImages_24fps and Annotations_6fps; none if it has another form."""
    if not (root / MASKS).is_dir():
        return []
    videos = [(path.name, root / PICTURES / path.name, path) for path in sorted((root / MASKS).iterdir())]
    return [TrainingEntry(n, -(-len(list_pictures(p)) // EVERY), partial(ObjectFolders, n, p, f)) for n, p, f in videos]
