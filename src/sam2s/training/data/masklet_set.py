"""Built sets (`sam2s sasv build`) as a source of clips: docs/reference/masklet-format.md has their form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from sam2s.errors import DatasetError
from sam2s.sasv.masklets import LabelState, MaskletDataset, MaskletVideo, mask_files, read_video, video_folder
from sam2s.sasv.video_labels import MAX_ID

from .pictures import mask_picture_size, picture_size, sides
from .video import Finding, TrainingEntry


class BuiltVideo:
    """A video of a built set. An object takes part in a frame only where its state is mask or empty."""

    def __init__(self, video: MaskletVideo) -> None:
        self.video = video

    @property
    def name(self) -> str:
        """See `TrainingVideo`."""
        return self.video.id

    @cached_property
    def frames(self) -> tuple[int, ...]:
        """See `TrainingVideo`."""
        seen = [o.area for o in self.video.objects]
        return tuple(t for t in range(len(self.video)) if any(area[t] is not None for area in seen))

    def category(self, object_id: int) -> str | None:
        """See `TrainingVideo`."""
        return next(o.category for o in self.video.objects if o.id == object_id)

    def cover(self, frame: int) -> dict[int, float]:
        """See `TrainingVideo`; reads no file."""
        pixels = self.video.size[0] * self.video.size[1]
        return {o.id: area / pixels for o in self.video.objects if (area := o.area[frame])}

    def images(self, frames: Sequence[int]) -> list[np.ndarray]:
        """See `TrainingVideo`."""
        return [self.video.image(frame) for frame in frames]

    def masks(self, frame: int, ids: Sequence[int]) -> dict[int, np.ndarray]:
        """See `TrainingVideo`; reads no file where none of the objects is visible."""
        states = {o.id: o.state(frame) for o in self.video.objects if o.id in ids}
        maps = (
            self.video.label_maps(frame)
            if LabelState.MASK in states.values()
            else [np.zeros(self.video.size, np.uint8)]
        )
        return {
            i: np.logical_or.reduce([labels == i for labels in maps])
            for i, state in states.items()
            if state is not LabelState.NOT_ANNOTATED
        }

    def problems(self) -> Iterator[Finding]:
        """See `TrainingVideo`."""
        for one in self.video.objects:
            if not 1 <= one.id <= MAX_ID:
                yield Finding("ids", f"object id {one.id} is beyond 1 to {MAX_ID}")
            if not one.seen:
                yield Finding("empty", f"object {one.id} has a mask on no frame", fatal=False)
        for t, frame in enumerate(self.video.frames):
            masks = [self.video.folder / name for name in mask_files(t, frame.layers)]
            try:
                sizes = [picture_size(self.video.image_path(t)), *(mask_picture_size(path) for path in masks)]
            except DatasetError as error:
                yield Finding("file", str(error), t)
                continue
            for size in sorted({*sizes} - {self.video.size}):
                yield Finding("size", f"a file is {sides(size)}, the video is {sides(self.video.size)}", t)


def masklet_entries(
    root: Path, *, split: str | None, subset: str | None = None, split_file: Path | None = None
) -> list[TrainingEntry]:
    """Videos and pictures of a built set; `split` is "train", "val" or "test", or None for all.

    Raises:
        DatasetError: there is none of that split and subset.
    """
    dataset = MaskletDataset(root, split=split, subset=subset, split_file=split_file)
    known: Mapping[str, Mapping[str, int]] = dataset.manifest["videos"]
    if not dataset.ids:
        there = sorted({str(entry["split"]) for entry in known.values()})
        part = "" if subset is None else f" of subset {subset}"
        raise DatasetError(f"{root} has no videos of split {split}{part}; its splits are {', '.join(there) or 'none'}")
    return [
        TrainingEntry(name, known[name]["frames"], partial(_read, video_folder(root, name))) for name in dataset.ids
    ]


def _read(folder: Path) -> BuiltVideo:
    return BuiltVideo(read_video(folder))
