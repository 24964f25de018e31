"""Sequences of frames with label images on disk: `<set>/<sequence>/frames/<stem>.{jpg,png}` and `.../masks/<stem>.png`.

Frames may lack a mask (not annotated). An all-zero mask says that every object is absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sam2s.errors import DatasetError
from sam2s.files import natural, walk_folders
from sam2s.masks.palette import read_label_map
from sam2s.picture_files import IMAGE_SUFFIXES, PictureReader


@dataclass(frozen=True)
class Sequence:
    """One annotated sequence.

    Attributes:
        name: its path below the folder that was searched, such as "davis/camel".
        folder: the folder that holds `frames` and `masks`.
    """

    name: str
    folder: Path

    @property
    def subset(self) -> str:
        """The part of the name above the last slash, empty without one."""
        return self.name.rpartition("/")[0]

    @cached_property
    def frame_files(self) -> dict[str, Path]:
        """Pictures by stem, in time order."""
        return list_pictures(self.folder / "frames")

    @cached_property
    def mask_files(self) -> dict[str, Path]:
        """Label images by stem, in time order."""
        return list_pictures(self.folder / "masks")

    def frame(self, stem: str) -> np.ndarray:
        """Read a frame, uint8 [H, W, 3] RGB."""
        return self._reader.read(self.frame_files[stem])

    @cached_property
    def _reader(self) -> PictureReader:
        return PictureReader(list(self.frame_files.values()))

    def labels(self, stem: str) -> np.ndarray | None:
        """Read the object ids [H, W] of a frame; None if it is not annotated."""
        path = self.mask_files.get(stem)
        return None if path is None else read_label_map(path)

    def __iter__(self) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
        """Yield (stem, frame, labels) in time order."""
        for stem in self.frame_files:
            yield stem, self.frame(stem), self.labels(stem)


def find_sequences(root: Path) -> list[Sequence]:
    """Find all sequences in or below a folder, in natural order of their names.

    Raises:
        DatasetError: there is none.
    """
    folders = [folder for folder in walk_folders(root) if (folder / "masks").is_dir() and (folder / "frames").is_dir()]
    names = {str(folder.relative_to(root)) if folder != root else root.resolve().name: folder for folder in folders}
    if not names:
        raise DatasetError(f"no sequence in {root}: one is a folder that holds frames/<stem>.jpg and masks/<stem>.png")
    return [Sequence(name, names[name]) for name in sorted(names, key=natural)]


def list_pictures(folder: Path) -> dict[str, Path]:
    """Pictures of a folder by stem, in natural order: 9 comes before 10."""
    files = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES] if folder.is_dir() else []
    return {path.stem: path for path in sorted(files, key=lambda path: natural(path.stem))}
