"""Masks that another program wrote: which object a pixel stands for, and what is refused because it cannot be told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sam2s.errors import DatasetError
from sam2s.evaluation.maskset import LabelMaps, VideoMasks
from sam2s.evaluation.region import paint
from sam2s.evaluation.rules import Missing
from sam2s.masks.mask_pictures import MaskPicture, read_mask_picture

_VOID = 255
_SOME = 5
_LOSSY = (".jpg", ".jpeg")


@dataclass
class OutsideMasks:
    """The masks of one video, read frame by frame.

    Attributes:
        masks: the files, or what was read out of a JSON file.
        place: where they lie, for messages.
        objects: ids of the objects that were to be tracked.
        notes: what was decided in reading them.
    """

    masks: VideoMasks
    place: Path
    objects: Collection[int]
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Decide how label maps are to be read.

        Raises:
            DatasetError: their values are not those of the objects, and not of a picture of one mask either.
        """
        self._single = isinstance(self.masks, LabelMaps) and self._is_single(self.masks)

    def check_frames(self, keys: Sequence[str], missing: Missing, mend: str) -> None:
        """Look whether there is a mask for each of these frames.

        Raises:
            DatasetError: there is none for any of them, or for some and `missing` is `error`.
        """
        there = set(self.masks.frames)
        lacking = [key for key in keys if key not in there]
        if keys and len(lacking) == len(keys) and there:
            raise DatasetError(
                f"the masks in {self.place} are called {_some(self.masks.frames)}, which is none of the frames "
                f"{_some(keys)}; {mend}"
            )
        if lacking and missing is Missing.ERROR:
            raise DatasetError(
                f"{self.place} lacks masks of {len(lacking)} of {len(keys)} frames, such as {lacking[0]}; {mend}, "
                "write a black picture where nothing is seen, or count them as empty: --missing empty"
            )
        if lacking:
            self.notes.append(f"{len(lacking)} of {len(keys)} masks are missing and counted as empty")

    def read(self, key: str) -> dict[int, np.ndarray]:
        """Masks bool [H, W] by object id; objects that are not there, and frames without a mask, have no entry."""
        if isinstance(self.masks, LabelMaps):
            path = self.masks.files.get(key)
            if path is None:
                return {}
            picture = read_mask_picture(path)
            if self._single:
                (object_id,) = self.objects
                return {object_id: picture.labels > 0}
            return {object_id: picture.labels == object_id for object_id in self.objects}
        frame = self.masks.read(key)
        if frame.size is None:
            return {}
        return {i: paint(region, (0, 0, *frame.size)) for i, region in frame.regions.items() if i in self.objects}

    def _is_single(self, masks: LabelMaps) -> bool:
        """Whether every file is a picture of one mask, whatever the number in it; notes what is not as it should be."""
        seen: set[int] = set()
        kinds: set[str] = set()
        first: MaskPicture | None = None
        for path in masks.files.values():
            picture = read_mask_picture(path)
            if picture.values:
                first = first or picture
                seen.update(picture.values)
                kinds.add(picture.kind)
        if first is None:
            if any(path.suffix.lower() in _LOSSY for path in masks.files.values()):
                raise DatasetError(
                    f"the masks in {self.place} are JPEG pictures, which do not keep small numbers, and show nothing; "
                    "save them as PNG"
                )
            self.notes.append(f"no mask in {self.place} shows anything")
            return False
        ids = set(self.objects)
        if not seen - ids:
            return False
        if len(ids) == 1 and kinds <= {"binary", "soft"}:
            self.notes.append(first.of_object(next(iter(ids)))[1] or f"{first.path}: taken as a picture of one mask")
            return True
        if not seen & ids:
            raise DatasetError(
                f"the masks in {self.place} hold the values {_some(sorted(seen))}, the objects are "
                f"{_some(sorted(ids))}; write the number of an object into its pixels"
            )
        extra = seen - ids
        if _VOID in extra and _VOID - 1 not in extra:
            self.notes.append(f"255 beside other ids in {self.place}: taken for undecided pixels, which show nothing")
            extra -= {_VOID}
        if extra:
            self.notes.append(f"ids {_some(sorted(extra))} in {self.place} are none of the objects and are not counted")
        return False


def find_video(videos: Mapping[str, VideoMasks], name: str) -> str | None:
    """The name under which masks of a video lie: its own, or one that the other ends with; None if there is none.

    Raises:
        DatasetError: several could be meant.
    """
    if name in videos:
        return name
    near = [other for other in videos if other.endswith(f"/{name}") or name.endswith(f"/{other}")]
    if len(near) > 1:
        raise DatasetError(f"masks of video {name} could be those of {_some(near)}; give them its whole name")
    return near[0] if near else None


def _some(names: Sequence[object]) -> str:
    listed = ", ".join(map(str, names[:_SOME]))
    return f"{listed} and {len(names) - _SOME} more" if len(names) > _SOME else listed
