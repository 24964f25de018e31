"""One source video from its raw frames to its labels: frames stored, objects made and linked, states filled in."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.picture_files import PictureReader
from sam2s.sasv.instances import GroupingStats, Instance, frame_instances, merged, with_colour
from sam2s.sasv.linking import Linker
from sam2s.sasv.ontology import load_ontology
from sam2s.sasv.pictures import small, store
from sam2s.sasv.raw import FrameLabels, RawVideo
from sam2s.sasv.traces import note
from sam2s.sasv.video_labels import LabelledFrame, LabelledObject, VideoLabels, empty


@dataclass
class _FrameMasks:
    """What is known of one frame: whether anybody looked, for which labels (None: all), and the masks by id."""

    annotated: bool
    scope: frozenset[str] | None
    masks: dict[int, rle.Rle] = field(default_factory=dict)

    def looked_for(self, labels: set[str]) -> bool:
        return self.annotated and (self.scope is None or not self.scope.isdisjoint(labels))


@dataclass
class _LabelCollector:
    """Gathers the objects of one video, frame by frame.

    Attributes:
        video: the video, for its rules.
        source: name of its source, for the ontology.
        linker: gives ids to the objects of a frame.
        stats: what was done to get from labels to objects.
        frames: masks by frame.
        examples: by id, the object's first instance.
        source_labels: by id, the source's names of the object.
    """

    video: RawVideo
    source: str
    linker: Linker
    stats: GroupingStats = field(default_factory=GroupingStats)
    frames: list[_FrameMasks] = field(default_factory=list)
    examples: dict[int, Instance] = field(default_factory=dict)
    source_labels: dict[int, set[str]] = field(default_factory=dict)

    def add(self, labels: FrameLabels | None, picture: np.ndarray) -> None:
        """Take the labels of the next frame; None where nobody annotated it."""
        frame = _FrameMasks(labels is not None, labels.scope if labels else None)
        self.frames.append(frame)
        if labels is None:
            return
        size = self.linker.size
        instances = frame_instances(
            labels,
            size,
            source=self.source,
            ontology=load_ontology(),
            grouping=self.video.grouping,
            link_rules=self.video.link_rules,
            crop=self.video.crop,
            stats=self.stats,
        )
        instances = with_colour(instances, picture, size)
        by_id: dict[int, Instance] = {}
        ids = self.linker.step(len(self.frames) - 1, instances)
        for object_id, instance in zip(ids, instances, strict=True):
            by_id[object_id] = merged(by_id[object_id], instance) if object_id in by_id else instance
        for object_id, instance in by_id.items():
            frame.masks[object_id] = rle.encode(instance.mask(size))
            self.examples.setdefault(object_id, instance)
            self.source_labels.setdefault(object_id, set()).add(instance.label)

    def objects(self) -> dict[int, LabelledObject]:
        """All objects with their state on every frame."""
        nothing = empty(self.linker.size)
        objects = {}
        for i, example in sorted(self.examples.items()):
            names = self.source_labels[i]
            masks = [f.masks.get(i) or (nothing if f.looked_for(names) else None) for f in self.frames]
            label = " / ".join(sorted(names))
            objects[i] = LabelledObject(example.category.name, example.category.kind, label, masks, example.track)
        return objects

    def link_stats(self) -> dict[str, int]:
        """How ids came about, and what was done to the labels."""
        stats = {"split": self.stats.split, "specks": self.stats.specks, "unknown_pixels": self.stats.unknown_pixels}
        return {**self.linker.link_stats, **stats}


def assemble(
    video: RawVideo, source: str, header: dict[str, Any], folder: Path, *, hard_link: bool
) -> tuple[VideoLabels, list[str]]:
    """Go once through a video; only one frame's pixels are held at a time.

    Returns:
        The labels, and the names of the frames stored in `folder`.

    Raises:
        DatasetError: a file is missing, damaged or not as documented.
    """
    files: list[str] = []
    frames: list[LabelledFrame] = []
    collector: _LabelCollector | None = None
    reader = cache(lambda: PictureReader([frame.image for frame in video.frames() if isinstance(frame.image, Path)]))
    for t, frame in enumerate(video.frames()):
        if isinstance(frame.image, Path):
            note(frame.image)
        name, size = store(frame.image, folder, t, video.crop, hard_link=hard_link, reader=reader)
        collector = collector or _LabelCollector(video, source, Linker(video.link_rules, size))
        if size != collector.linker.size:
            raise DatasetError(
                f"{video.name}: frame {frame.index} is {size}, those before {collector.linker.size}; "
                "restore the official files"
            )
        files.append(name)
        frames.append(LabelledFrame(frame.index, frame.pts, frame.labels is not None))
        collector.add(frame.labels, small(folder / name, frame.image))
    if collector is None:
        raise DatasetError(f"{video.name} has no frames; unpack the official download again")
    linker = collector.linker
    labels = VideoLabels(header, linker.size, frames, collector.objects(), collector.link_stats(), linker.review)
    labels.base = labels.fingerprint()
    return labels, files
