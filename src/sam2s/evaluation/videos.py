"""Videos with known masks: those of a built SA-SV set, of folders of pictures, or generated on the spot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Protocol

import numpy as np

from sam2s.errors import ConfigError, DatasetError
from sam2s.files import natural
from sam2s.formats.folders import find_sequences, list_pictures
from sam2s.masks.palette import read_label_map
from sam2s.sasv.counts import partial_subsets
from sam2s.sasv.masklets import MANIFEST, SUMS, MaskletDataset, MaskletVideo, read_manifest
from sam2s.sasv.video_labels import sha256
from sam2s.synth import Scene
from sam2s.video import ArraySource, VideoSource
from sam2s.video.folder import FolderSource

HELD_OUT = 500_000
"""First seed of the generated clips; training draws from a million up."""
SYNTHETIC_FRAMES, SYNTHETIC_SIZE, SYNTHETIC_AREA = 100, 256, 0.01


class EvalVideo(Protocol):
    """A video and its truth.

    Attributes:
        name: unlike that of any other video; may hold slashes.
        objects: by object id, the subset (column of the table) it belongs to.
        source: its frames.
        stems: by frame, the name of its mask file.
        columns: the subsets of its objects.
        fingerprint: another one when its frames or its truth change.
    """

    @property
    def name(self) -> str: ...

    @property
    def objects(self) -> Mapping[int, str]: ...

    @property
    def source(self) -> VideoSource: ...

    @property
    def stems(self) -> tuple[str, ...]: ...

    @property
    def columns(self) -> frozenset[str]: ...

    @property
    def fingerprint(self) -> str: ...

    def truth(self, frame: int) -> dict[int, np.ndarray]:
        """Masks bool [H, W] of all objects that are annotated on a frame, all false where one is absent."""
        ...


@dataclass(frozen=True)
class FolderVideo:
    """Pictures in one folder, label images of the same stems in another; frames without one are not annotated."""

    name: str
    subset: str
    frames: Path
    masks: Path

    @cached_property
    def source(self) -> FolderSource:
        """See `EvalVideo`."""
        return FolderSource(self.frames)

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """See `EvalVideo`."""
        return tuple(file.stem for file in self.source.files)

    @cached_property
    def objects(self) -> dict[int, str]:
        """See `EvalVideo`: every id that comes up in the masks."""
        ids = {int(i) for path in self._files.values() for i in np.unique(read_label_map(path))}
        return dict.fromkeys(sorted(ids - {0}), self.subset)

    @property
    def columns(self) -> frozenset[str]:
        """See `EvalVideo`."""
        return frozenset({self.subset})

    @cached_property
    def fingerprint(self) -> str:
        """See `EvalVideo`: names and sizes of frames, every byte of the masks; the same wherever the folder lies."""
        digest = hashlib.sha256(self.subset.encode())
        for file in self.source.files:
            digest.update(f"{file.name} {file.stat().st_size}\n".encode())
        for path in self._files.values():
            digest.update(f"{path.name} {sha256(path)}\n".encode())
        return digest.hexdigest()

    def truth(self, frame: int) -> dict[int, np.ndarray]:
        """See `EvalVideo`."""
        path = self._files.get(self.stems[frame])
        if path is None:
            return {}
        labels = read_label_map(path)
        return {object_id: labels == object_id for object_id in self.objects}

    @cached_property
    def _files(self) -> dict[str, Path]:
        return list_pictures(self.masks)


@dataclass(frozen=True)
class BuiltVideo:
    """A video of a built SA-SV set; `objects` may leave some out."""

    video: MaskletVideo
    objects: Mapping[int, str]

    @property
    def name(self) -> str:
        """See `EvalVideo`."""
        return self.video.id

    @cached_property
    def source(self) -> FolderSource:
        """See `EvalVideo`."""
        return FolderSource(self.video.image_path(0).parent, fps=self.video.fps)

    @property
    def stems(self) -> tuple[str, ...]:
        """See `EvalVideo`."""
        return tuple(Path(frame.file).stem for frame in self.video.frames)

    @property
    def columns(self) -> frozenset[str]:
        """See `EvalVideo`."""
        return frozenset(self.objects.values())

    @property
    def fingerprint(self) -> str:
        """See `EvalVideo`: hash of the file that holds the hashes of all others, and which objects were asked for."""
        sums = self.video.folder / SUMS
        if not sums.is_file():
            raise DatasetError(f"{sums} is missing; build {self.video.id} again (sam2s sasv build)")
        return hashlib.sha256(f"{sha256(sums)} {sorted(self.objects.items())}".encode()).hexdigest()

    def truth(self, frame: int) -> dict[int, np.ndarray]:
        """See `EvalVideo`."""
        return {i: mask for i, mask in self.video.masks(frame).items() if i in self.objects}


@dataclass(frozen=True)
class SyntheticVideo:
    """A generated clip; its objects are those that cover a hundredth of the first frame."""

    seed: int
    length: int = SYNTHETIC_FRAMES
    size: int = SYNTHETIC_SIZE
    subset: str = "synthetic"

    @property
    def name(self) -> str:
        """See `EvalVideo`."""
        return f"{self.subset}/{self.seed}"

    @cached_property
    def objects(self) -> dict[int, str]:
        """See `EvalVideo`."""
        first = self._scene.render(0)[1]
        least = SYNTHETIC_AREA * self.size**2
        return {o.id: self.subset for o in self._scene.objects if (first == o.id).sum() >= least}

    @property
    def source(self) -> ArraySource:
        """See `EvalVideo`."""
        return ArraySource([image for image, _ in self._frames], name=self.name)

    @property
    def stems(self) -> tuple[str, ...]:
        """See `EvalVideo`."""
        return tuple(f"{frame:05}" for frame in range(self.length))

    @property
    def columns(self) -> frozenset[str]:
        """See `EvalVideo`."""
        return frozenset({self.subset})

    @property
    def fingerprint(self) -> str:
        """See `EvalVideo`: what it is drawn from. Pixels may differ by one between numbers of threads."""
        return repr(self)

    def truth(self, frame: int) -> dict[int, np.ndarray]:
        """See `EvalVideo`."""
        return {object_id: self._frames[frame][1] == object_id for object_id in self.objects}

    @cached_property
    def _scene(self) -> Scene:
        return Scene(self.seed, self.size, self.length)

    @cached_property
    def _frames(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return [self._scene.render(frame) for frame in range(self.length)]


def open_videos(data: Iterable[str], *, split: str = "test", subsets: Iterable[str] = ()) -> list[EvalVideo]:
    """Open everything that is to be evaluated.

    Args:
        data: folders, or `synthetic:N`.
        split: part of built sets.
        subsets: take only objects of these subsets.

    Raises:
        ConfigError: a place does not exist, or two hold videos of one name.
        DatasetError: there is nothing to evaluate.
    """
    wanted = set(subsets)
    found = [video for place in data for video in _open(place, split, wanted)]
    names = [video.name for video in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"{len(twice)} videos come up twice in --data, such as {min(twice)}; rename a folder")
    if not found:
        raise DatasetError(f"no video of --subset {', '.join(sorted(wanted))} in --data {', '.join(data)}")
    return found


def partial(data: Iterable[str], videos: Sequence[EvalVideo]) -> dict[str, str]:
    """Test subsets of SA-SV among the videos of which a built set holds only a part, and how much that is."""
    subsets = {video.video.subset for video in videos if isinstance(video, BuiltVideo)}
    found: dict[str, str] = {}
    for place in data:
        if (Path(place) / MANIFEST).is_file():
            found |= partial_subsets(read_manifest(Path(place))["videos"].values())
    return {name: text for name, text in found.items() if name in subsets}


def synthetic(number: int, length: int = SYNTHETIC_FRAMES, size: int = SYNTHETIC_SIZE) -> list[SyntheticVideo]:
    """The first generated clips that no training sees and that show an object of some size."""
    clips: list[SyntheticVideo] = []
    for seed in count(HELD_OUT):
        if len(clips) == number:
            break
        if SyntheticVideo(seed, length, size).objects:
            clips.append(SyntheticVideo(seed, length, size))
    return clips


def appearances(video: EvalVideo) -> dict[int, int]:
    """By object, the frame on which it is first seen; those that never are have no entry."""
    first: dict[int, int] = {}
    for frame in range(len(video.stems)):
        if len(first) == len(video.objects):
            break
        for object_id, mask in video.truth(frame).items():
            if object_id not in first and mask.any():
                first[object_id] = frame
    return first


def _open(place: str, split: str, wanted: set[str]) -> list[EvalVideo]:
    kind, _, number = place.partition(":")
    if kind == "synthetic":
        if not number.isdecimal() or not int(number):
            raise ConfigError(f"--data {place} is not synthetic:N with a number of clips, such as synthetic:20")
        return list(synthetic(int(number))) if not wanted or "synthetic" in wanted else []
    root = Path(place)
    if not root.is_dir():
        raise ConfigError(f"--data {place} is not a folder; give a built set, a folder of sequences, or synthetic:N")
    if (root / MANIFEST).exists():
        return _built(root, split, wanted)
    home = root.resolve().name
    if (root / "JPEGImages").is_dir() and (root / "Annotations").is_dir():
        masks = sorted({file.parent for file in (root / "Annotations").rglob("*.png")}, key=lambda p: natural(str(p)))
        found = [(home, p.name, root / "JPEGImages" / p.relative_to(root / "Annotations"), p) for p in masks]
    else:
        found = [
            (s.subset or home, s.name.rpartition("/")[2], s.folder / "frames", s.folder / "masks")
            for s in find_sequences(root)
        ]
    return [FolderVideo(f"{s}/{name}", s, frames, p) for s, name, frames, p in found if not wanted or s in wanted]


def _built(root: Path, split: str, wanted: set[str]) -> list[EvalVideo]:
    dataset = MaskletDataset(root, split=split, images=False)
    if not len(dataset):
        there = sorted({entry["split"] for entry in dataset.manifest["videos"].values()})
        raise DatasetError(f"{root} has no videos of --split {split}; its splits are {', '.join(there)}")
    videos: list[EvalVideo] = []
    for video in dataset:
        columns = {o.id: _column(video, o.kind) for o in video.objects}
        objects = {i: column for i, column in columns.items() if not wanted or column in wanted}
        if objects:
            videos.append(BuiltVideo(video, objects))
    return videos


def _column(video: MaskletVideo, kind: str) -> str:
    """Column of the paper's tables: EndoVis18 is two, instruments and tissue."""
    if video.subset == "EndoVis18":
        return "EV18-I" if kind == "instrument" else "EV18-T"
    return "EV17" if video.subset == "EndoVis17" else video.subset or video.source
