"""Video files as a source of clips: NAME.mp4, and a folder of label maps named after the numbers of their frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import numpy as np

from sam2s.errors import DatasetError, SourceError
from sam2s.formats.folders import list_pictures
from sam2s.video import FileSource

from .pictures import mask_picture_size, read_labels, sides
from .video import Finding

SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".avi", ".m4v", ".mpg", ".mpeg", ".webm", ".ts", ".wmv", ".vob"})
"""Endings of files that are taken for videos."""


@dataclass(frozen=True)
class FilmVideo:
    """A video file whose frames are decoded when a clip asks for them; a frame without a map is not annotated.

    Attributes:
        name: for messages.
        film: the video file.
        maps: folder of the label maps; 00012.png is that of frame 12, counted from 0.
        categories: by object id, where somebody said what it is.
    """

    name: str
    film: Path
    maps: Path
    categories: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def frames(self) -> tuple[int, ...]:
        """Numbers of the frames that have a label map."""
        return tuple(sorted(self._maps))

    def category(self, object_id: int) -> str | None:
        """What an object is, or None where nobody said."""
        return self.categories.get(object_id)

    def cover(self, frame: int) -> dict[int, float]:
        """Share of the frame that each visible object covers."""
        labels = read_labels(self._maps[frame])
        counts = np.bincount(labels.ravel())
        return {i: counts[i] / labels.size for i in np.flatnonzero(counts).tolist() if i}

    def images(self, frames: Sequence[int]) -> list[np.ndarray]:
        """Frames uint8 [H, W, 3]; decodes from the key frame before each.

        Raises:
            DatasetError: the file is damaged, or holds no such frame.
        """
        try:
            with closing(FileSource(self.film, threads=1)) as source:
                return [source.frame(frame).image for frame in frames]
        except SourceError as error:
            raise DatasetError(f"cannot read the frames of {self.film}: {error}") from error

    def masks(self, frame: int, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """Masks bool [H, W]; on a frame with a map all objects are known."""
        labels = read_labels(self._maps[frame])
        return {i: labels == i for i in ids}

    def problems(self) -> Iterator[Finding]:
        """Damage, maps of frames that are not there, and maps of another size than the video."""
        for stem in list_pictures(self.maps):
            if not stem.isdecimal():
                yield Finding("file", f"map {stem} is not named after the number of its frame, such as 00012.png")
        repeated = [number for number, count in Counter(map(int, self._stems)).items() if count > 1]
        if repeated:
            yield Finding("file", f"frame {repeated[0]} has two maps in {self.maps}")
        try:
            with closing(FileSource(self.film, threads=1)) as source:
                size, length = source.size, source.length
        except SourceError as error:
            yield Finding("file", str(error))
            return
        if length is not None and self.frames and self.frames[-1] >= length:
            mend = "; they are counted from 0, so number the maps from 0" if self.frames[-1] == length else ""
            yield Finding("file", f"{self.film} has {length} frames, but frame {self.frames[-1]} has a map{mend}")
        for frame in self.frames:
            try:
                labels = mask_picture_size(self._maps[frame])
            except DatasetError as error:
                yield Finding("file", str(error), frame)
                continue
            if labels != size:
                yield Finding("size", f"the mask is {sides(labels)}, the video {sides(size)}", frame)

    @cached_property
    def _maps(self) -> dict[int, Path]:
        maps = list_pictures(self.maps)
        return {int(stem): maps[stem] for stem in self._stems}

    @cached_property
    def _stems(self) -> list[str]:
        return [stem for stem in list_pictures(self.maps) if stem.isdecimal()]


def films_without_maps(folder: Path) -> list[str]:
    """A sentence for each video file of a folder that has no folder of label maps, with what is to be renamed."""
    films = film_files(folder)
    if not films:
        return []
    spare = [path.name for path in sorted(folder.iterdir()) if path.is_dir() and path.name not in films]
    sentences = []
    for name, film in films.items():
        if (folder / name).is_dir():
            continue
        alike = [other for other in spare if other.lower().startswith(name.lower())]
        alike = alike or get_close_matches(name, spare, 1)
        hint = f"; there is {alike[0]!r}: rename it to {name!r}" if alike else ""
        sentences.append(f"{film.name} has no folder {name!r} of label maps beside it{hint}")
    return sentences


def film_files(folder: Path) -> dict[str, Path]:
    """Video files of a folder by stem, none where it is not a folder.

    Raises:
        DatasetError: two have one stem.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in SUFFIXES and path.is_file() and found.setdefault(path.stem, path) != path:
            raise DatasetError(f"{found[path.stem]} and {path} are videos of one name; remove or rename one")
    return found
