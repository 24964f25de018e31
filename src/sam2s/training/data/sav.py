"""SA-V as a source of clips: NAME.mp4, or a folder NAME of its frames, beside NAME_manual.json and NAME_auto.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from sam2s.errors import DatasetError, SourceError
from sam2s.formats.folders import list_pictures
from sam2s.masks import rle
from sam2s.video import FileSource

from .pictures import picture_size, read_picture, sides
from .video import Finding, TrainingEntry

MANUAL = "_manual.json"
AUTO = "_auto.json"
EVERY = 4
"""Annotated is each fourth of its 24 frames a second."""

_FRAMES = re.compile(r'"video_frame_count":\s*([\d.]+)')


@dataclass(frozen=True)
class SavVideo:
    """A video of SA-V; a column of the manual masklets is object 1, 2, ..., those of the automatic ones come after.

    Attributes:
        stem: path of the video without a suffix.
        auto: whether to take the automatic masklets too.
    """

    stem: Path
    auto: bool = False

    @property
    def name(self) -> str:
        """See `TrainingVideo`."""
        return self.stem.name

    @cached_property
    def frames(self) -> range:
        """See `TrainingVideo`."""
        return range(0, self._every * len(self._rows), self._every)

    def category(self, object_id: int) -> None:
        """See `TrainingVideo`; SA-V names no object."""

    def cover(self, frame: int) -> dict[int, float]:
        """See `TrainingVideo`; decodes no mask."""
        row = enumerate(self._rows[frame // self._every], start=1)
        with self._undamaged(frame):
            areas = {i: rle.area(one) / (one["size"][0] * one["size"][1]) for i, one in row if one}
        return {i: area for i, area in areas.items() if area}

    def images(self, frames: Sequence[int]) -> list[np.ndarray]:
        """See `TrainingVideo`; decodes from the key frame before each, and nothing twice."""
        if self._pictures:
            if frames and frames[-1] >= len(self._pictures):
                raise DatasetError(f"{self.stem} holds {len(self._pictures)} pictures, frame {frames[-1]} is annotated")
            return [read_picture(self._pictures[frame]) for frame in frames]
        try:
            with closing(FileSource(self._film, threads=1)) as source:
                return [source.frame(frame).image for frame in frames]
        except SourceError as error:
            raise DatasetError(f"cannot read the frames of {self.name}: {error}") from error

    def masks(self, frame: int, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """See `TrainingVideo`."""
        row = self._rows[frame // self._every]
        with self._undamaged(frame):
            return {i: rle.decode(one) for i in ids if (one := row[i - 1])}

    def problems(self) -> Iterator[Finding]:
        """See `TrainingVideo`."""
        try:
            size, length = self._shape()
        except (DatasetError, SourceError) as error:
            yield Finding("file", str(error))
            return
        if length is not None and self.frames and self.frames[-1] >= length:
            yield Finding("file", f"it has {length} frames, but frame {self.frames[-1]} is annotated")
        for frame in self.frames:
            for other in {(one["size"][0], one["size"][1]) for one in self._rows[frame // self._every] if one} - {size}:
                yield Finding("size", f"a mask is {sides(other)}, the video is {sides(size)}", frame)

    @cached_property
    def _rows(self) -> list[list[rle.Rle | None]]:
        """Per annotated frame, the masks of all objects; None where one is not annotated."""
        parts = [_masklets(self.stem.with_name(self.stem.name + MANUAL))]
        auto = self.stem.with_name(self.stem.name + AUTO)
        if self.auto and auto.exists():
            parts.append(_masklets(auto))
        columns = [max(map(len, part), default=0) for part in parts]
        return [
            [row[k] if k < len(row) else None for row, count in zip(rows, columns, strict=True) for k in range(count)]
            for rows in zip(*parts, strict=False)
        ]

    @cached_property
    def _every(self) -> int:
        """Frames from one annotated frame to the next; a folder may hold the annotated ones alone."""
        return 1 if self._pictures and len(self._pictures) == len(self._rows) else EVERY

    @cached_property
    def _pictures(self) -> list[Path]:
        """Frames that were taken out of the video file, none where it is read itself."""
        return list(list_pictures(self.stem).values())

    @property
    def _film(self) -> Path:
        return self.stem.with_name(f"{self.stem.name}.mp4")

    @contextmanager
    def _undamaged(self, frame: int) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise DatasetError(f"{self.name} frame {frame}: {error}; download its JSON again") from error

    def _shape(self) -> tuple[tuple[int, int], int | None]:
        """(height, width), and the number of frames where it is known."""
        if self._pictures:
            return picture_size(self._pictures[0]), len(self._pictures)
        with closing(FileSource(self._film, threads=1)) as source:
            return source.size, source.length


def sav_entries(root: Path, *, auto: bool = False) -> list[TrainingEntry]:
    """All videos below a folder that have manual masklets, in order of their names."""
    files = sorted(root.rglob(f"*{MANUAL}"), key=lambda path: path.name)
    stems = [file.with_name(file.name.removesuffix(MANUAL)) for file in files]
    return [
        TrainingEntry(stem.name, _annotated(file), partial(SavVideo, stem, auto))
        for stem, file in zip(stems, files, strict=True)
    ]


def _annotated(path: Path) -> int:
    """How many frames are annotated, from the head of the file: whole, it may hold many megabytes."""
    with path.open(encoding="utf-8") as file:
        found = _FRAMES.search(file.read(4096))
    return -(-int(float(found[1])) // EVERY) if found else len(_masklets(path))


def _masklets(path: Path) -> list[list[rle.Rle | None]]:
    try:
        rows = json.loads(path.read_text("utf-8"))["masklet"]
        return [[{"size": one["size"], "counts": one["counts"]} if one else None for one in row] for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"cannot read masklets from {path}: {error}; download it again") from error
