"""Videos with known masks: those of a built SA-SV set, of folders of pictures, or generated on the spot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from sam2s.errors import DatasetError
from sam2s.evaluation.maskset import VOID, frame_key, mask_files
from sam2s.masks.palette import read_label_map
from sam2s.sasv.masklets import SUMS, MaskletVideo
from sam2s.sasv.video_labels import sha256
from sam2s.video import VideoSource
from sam2s.video.folder import FolderSource

CATEGORY_FILES = "objects.json", "scene.json"
"""Where the names of a sequence's objects may stand; `sam2s synth` writes the latter."""


class EvalVideo(Protocol):
    """A video and its truth.

    Attributes:
        name: unlike that of any other video; may hold slashes.
        objects: by object id, the subset (column of the table) it belongs to.
        categories: by object id, its name, where there is one.
        source: its frames.
        stems: by frame, the name of its mask file.
        columns: the subsets of its objects.
        fingerprint: another one when its frames or its truth change.
    """

    @property
    def name(self) -> str:
        """Name of the video, unique in its data set."""
        ...

    @property
    def objects(self) -> Mapping[int, str]:
        """By object id, the subset it belongs to."""
        ...

    @property
    def categories(self) -> Mapping[int, str]:
        """Names of the objects by id, where there are any."""
        ...

    @property
    def source(self) -> VideoSource:
        """The frames."""
        ...

    @property
    def stems(self) -> tuple[str, ...]:
        """By frame, the name of its mask file without ending."""
        ...

    @property
    def columns(self) -> frozenset[str]:
        """The subsets of its objects."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes when frames or ground truths change."""
        ...

    def truth(self, frame: int) -> dict[int, np.ndarray]:
        """Masks bool [H, W] of all objects that are annotated on a frame, all false where one is absent."""
        ...

    def void(self, frame: int) -> np.ndarray | None:
        """Pixels bool [H, W] of a frame that nobody decided, which count for nobody; None if there are none."""
        ...


@dataclass(frozen=True)
class FolderVideo:
    """Pictures in one folder, label images of the same stems in another; frames without one are not annotated.

    Numbers pair without their leading zeros: 00005.png is the mask of 5.jpg.

    Attributes:
        name: its name.
        subset: the subset of all its objects.
        frames: folder of the frames.
        masks: folder of the label images.
        void_value: value of pixels that nobody decided; "auto": 255, if other ids come up too.
    """

    name: str
    subset: str
    frames: Path
    masks: Path
    void_value: int | Literal["auto"] | None = "auto"

    @cached_property
    def source(self) -> FolderSource:
        """The frames."""
        return FolderSource(self.frames)

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """By frame, the name of its mask file."""
        return tuple(file.stem for file in self.source.files)

    @cached_property
    def objects(self) -> dict[int, str]:
        """By object id, its subset: every id that comes up in the masks."""
        return dict.fromkeys(sorted(self._ids - {self._void}), self.subset)

    @cached_property
    def categories(self) -> dict[int, str]:
        """By object id, its name, out of `objects.json` or `scene.json` beside the folder of masks."""
        return read_categories(self.masks.parent)

    @property
    def columns(self) -> frozenset[str]:
        """The subsets of its objects."""
        return frozenset({self.subset})

    @cached_property
    def fingerprint(self) -> str:
        """A hash of names and sizes of the frames and of every byte of the masks; the same wherever the folder lies."""
        digest = hashlib.sha256(f"{self.subset} {self._void or ''}".encode())
        for file in self.source.files:
            digest.update(f"{file.name} {file.stat().st_size}\n".encode())
        for path in self._files.values():
            digest.update(f"{path.name} {sha256(path)}\n".encode())
        return digest.hexdigest()

    def truth(self, frame: int) -> dict[int, np.ndarray]:
        """Masks bool [H, W] of all objects that are annotated on a frame."""
        labels = self._labels(frame)
        return {} if labels is None else {object_id: labels == object_id for object_id in self.objects}

    def void(self, frame: int) -> np.ndarray | None:
        """Pixels bool [H, W] of a frame that nobody decided."""
        labels = self._labels(frame) if self._void else None
        return None if labels is None else labels == self._void

    def _labels(self, frame: int) -> np.ndarray | None:
        path = self._files.get(frame_key(self.stems[frame]))
        return None if path is None else read_label_map(path)

    @cached_property
    def _ids(self) -> set[int]:
        return {int(i) for path in self._files.values() for i in np.unique(read_label_map(path))} - {0}

    @cached_property
    def _void(self) -> int | None:
        if self.void_value != "auto":
            return self.void_value
        return VOID if VOID in self._ids and len(self._ids) > 1 and VOID - 1 not in self._ids else None

    @cached_property
    def _files(self) -> dict[str, Path]:
        files, frames = mask_files(self.masks), {frame_key(stem): stem for stem in self.stems}
        if stray := [path for key, path in files.items() if key not in frames]:
            raise DatasetError(
                f"{self.name}: {len(stray)} of {len(files)} masks have no frame of their name, such as "
                f"{stray[0].name}; frames are called {self.source.files[0].name} and so on; name masks after frames"
            )
        return files


@dataclass(frozen=True)
class SasvVideo:
    """A video of a built SA-SV set; `objects` may leave some out."""

    video: MaskletVideo
    objects: Mapping[int, str]

    @property
    def name(self) -> str:
        """The name, unlike that of any other video."""
        return self.video.id

    @cached_property
    def categories(self) -> dict[int, str]:
        """By object id, its name in the ontology."""
        return {item.id: item.category for item in self.video.objects if item.id in self.objects}

    @cached_property
    def source(self) -> FolderSource:
        """The frames."""
        return FolderSource(self.video.image_path(0).parent, fps=self.video.fps)

    @property
    def stems(self) -> tuple[str, ...]:
        """By frame, the name of its mask file."""
        return tuple(Path(frame.file).stem for frame in self.video.frames)

    @property
    def columns(self) -> frozenset[str]:
        """The subsets of its objects."""
        return frozenset(self.objects.values())

    @property
    def fingerprint(self) -> str:
        """A hash of the file that holds the hashes of all others, and of the objects that were asked for."""
        sums = self.video.folder / SUMS
        if not sums.is_file():
            raise DatasetError(f"{sums} is missing; build {self.video.id} again (sam2s sasv build)")
        return hashlib.sha256(f"{sha256(sums)} {sorted(self.objects.items())}".encode()).hexdigest()

    def truth(self, frame: int) -> dict[int, np.ndarray]:
        """Masks bool [H, W] of all objects that are annotated on a frame."""
        return {i: mask for i, mask in self.video.masks(frame).items() if i in self.objects}

    def void(self, frame: int) -> np.ndarray | None:
        """A built set has no undecided pixels."""
        return None


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


def read_categories(folder: Path) -> dict[int, str]:
    """Names of objects by id out of `{"objects": [{"id": 1, "label": "grasper"}, ...]}`, none without such a file.

    Raises:
        DatasetError: the file is damaged.
    """
    path = next((folder / name for name in CATEGORY_FILES if (folder / name).is_file()), None)
    if path is None:
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8-sig"))["objects"]
        return {int(entry["id"]): str(entry["label"]) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"cannot read names of objects from {path}: {error!r}; "
            'expected {"objects": [{"id": 1, "label": "hook"}, ...]}'
        ) from error
