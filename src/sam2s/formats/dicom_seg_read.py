"""DICOM SEG of any writer as shapes: binary, fractional and label maps (PS3.3, A.51 and C.8.20).

Which frame of the video a mask belongs to is found in this order: the frame of a recording that it was derived from
(Derivation Image Macro), its place in time (Frame Content Macro), and where there is neither, its place among the
masks of its segment, if there is one for every frame of the video.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sam2s.errors import DatasetError, PictureError, Sam2sError, SourceError
from sam2s.formats.shapes import ImportedShape
from sam2s.masks import rle
from sam2s.video.dicom import DicomPictures, is_dicom, open_samples, quiet_pydicom, read_attributes
from sam2s.workspace import VideoIdentity

if TYPE_CHECKING:
    from pydicom import Dataset

_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_TAGS = (
    "SegmentationType", "SegmentationFractionalType", "MaximumFractionalValue", "PixelPaddingValue", "NumberOfFrames",
    "SegmentSequence", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
_LABEL_MAP = "LABELMAP"
_LONGEST = 64  # characters of a name


@dataclass(frozen=True)
class _Segment:
    """`key` is the TrackingID where that tells segments apart, else the number."""

    key: str
    name: str | None


@dataclass(frozen=True)
class _Content:
    """What the file says of its masks.

    Attributes:
        kind: BINARY, FRACTIONAL or LABELMAP.
        segments: by number.
        frames: number of the segment (0 in label maps) and frame of the video, by mask.
        largest: value of a fraction of 1.
        probable: whether fractions are probabilities.
        background: value that is no segment in a label map, though it may be described; None in others.
    """

    kind: str
    segments: dict[int, _Segment]
    frames: list[tuple[int, int]]
    largest: int
    probable: bool
    background: int | None


def read_dicom_seg(path: Path, video: VideoIdentity) -> Iterator[ImportedShape]:
    """Yield the masks of a file in its order.

    Fractional masks are cut at half of the largest value; of probabilities the mean inside becomes the score.

    Args:
        path: of the file.
        video: that the masks belong to; where it is a DICOM recording at its place, references must be to it.

    Raises:
        DatasetError: it is damaged, no segmentation, of another size or recording, or nothing tells which frames of the
            video its masks belong to.
        MissingExtraError: pydicom is not installed.
    """
    with _damage_named(path):
        attributes, pictures = open_samples(path, _CLASSES)
        size = attributes["Rows"], attributes["Columns"]
        if size != video.size:
            raise DatasetError(
                f"{path}: its masks have {size[1]}x{size[0]} pixels, frames of {video.name} have "
                f"{video.size[1]}x{video.size[0]}; masks are not scaled"
            )
        content = _read_content(path, video)
        if pictures.count < len(content.frames):
            raise DatasetError(f"{path}: describes {len(content.frames)} masks, and its pixels hold {pictures.count}")
    seen: set[tuple[int, int]] = set()
    for place, (number, frame) in enumerate(content.frames):
        with _damage_named(path):
            found = list(_masks(path, content, pictures, place, number))
        for segment, mask, score in found:
            if (segment, frame) in seen:
                raise DatasetError(f"{path}: segment {segment} has two masks on frame {frame} of the video")
            seen.add((segment, frame))
            described = content.segments[segment]
            yield ImportedShape(frame, described.key, described.name, rle.encode(mask), score=score)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Refuse what is damaged without a word of what pydicom says, which may quote values."""
    try:
        yield
    except (SourceError, PictureError) as error:
        text = str(error)
        if "is a DICOM object of the class" in text:
            text += ", which is no segmentation; allowed are Segmentation and Label Map Segmentation Storage"
        raise DatasetError(text) from error
    except (Sam2sError, MemoryError):
        raise
    except Exception as error:  # damaged data sets fail in many ways
        raise DatasetError(f"{path}: its description of masks is damaged ({type(error).__name__})") from None


def _read_content(path: Path, video: VideoIdentity) -> _Content:
    from pydicom import dcmread

    recording = None
    if video.path is not None and is_dicom(Path(video.path)):
        recording = read_attributes(Path(video.path))[0].get("SOPInstanceUID")
    with quiet_pydicom():
        data = dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
        kind = str(data.get("SegmentationType", ""))
        if kind not in ("BINARY", "FRACTIONAL", _LABEL_MAP):
            raise DatasetError(
                f"{path}: its SegmentationType is {kind[:16]!r}; allowed are BINARY, FRACTIONAL and LABELMAP"
            )
        background = int(data.get("PixelPaddingValue", 0)) if kind == _LABEL_MAP else None
        segments = _segments(path, data, background)
        groups = _functional_groups(path, data)
        numbers = [0 if kind == _LABEL_MAP else _segment_number(item) for item in groups]
        if unknown := set(numbers) - set(segments) - ({0} if kind == _LABEL_MAP else set()):
            raise DatasetError(f"{path}: has masks of segment {min(unknown)}, which it does not describe")
        frames = _frames_of_masks(path, groups, numbers, video, recording)
        largest = int(data.get("MaximumFractionalValue", 255))
        if largest < 1:
            raise DatasetError(f"{path}: its MaximumFractionalValue is {largest}, not a number from 1 up")
        return _Content(
            kind,
            segments,
            list(zip(numbers, frames, strict=True)),
            largest,
            data.get("SegmentationFractionalType") == "PROBABILITY",
            background,
        )


def _segments(path: Path, data: Dataset, background: int | None) -> dict[int, _Segment]:
    described = {int(item.SegmentNumber): item for item in data.get("SegmentSequence", [])}
    items = {number: item for number, item in described.items() if number != background}
    if not items:
        raise DatasetError(f"{path}: describes no segment")
    ids = [str(item.get("TrackingID", "")) for item in items.values()]
    tracked = all(ids) and len(set(ids)) == len(ids)
    found = {}
    for number, item in items.items():
        types = item.get("SegmentedPropertyTypeCodeSequence", [])
        name = str(item.get("SegmentLabel") or (types[0].get("CodeMeaning") if types else None) or "")
        found[number] = _Segment(str(item.TrackingID) if tracked else str(number), name[:_LONGEST] or None)
    return found


def _functional_groups(path: Path, data: Dataset) -> list[tuple[Dataset, ...]]:
    """Functional groups of each mask, and behind them those of all masks."""
    count = int(data.get("NumberOfFrames", 1))
    groups = list(data.get("PerFrameFunctionalGroupsSequence", []))
    shared = tuple(data.get("SharedFunctionalGroupsSequence", []))[:1]
    if len(groups) != count:
        raise DatasetError(f"{path}: says that it holds {count} masks, and describes {len(groups)}")
    return [(group, *shared) for group in groups]


def _items(groups: tuple[Dataset, ...], sequence: str) -> list[Dataset]:
    """Items of a sequence among a mask's groups, or else among those of all masks."""
    return next((list(items) for group in groups if (items := group.get(sequence))), [])


def _segment_number(groups: tuple[Dataset, ...]) -> int:
    return int(_items(groups, "SegmentIdentificationSequence")[0].ReferencedSegmentNumber)


def _frames_of_masks(
    path: Path, groups: list[tuple[Dataset, ...]], numbers: list[int], video: VideoIdentity, recording: str | None
) -> list[int]:
    """Frame of the video of each mask."""
    sources = [_source(path, item, recording) for item in groups]
    uids = {uid for uid, _ in sources if uid is not None}
    if len(uids) > 1:
        raise DatasetError(
            f"{path}: its masks refer to {len(uids)} objects: single images, slices or several recordings; masks of "
            "one multi-frame recording are read"
        )
    if recording is not None and uids - {recording}:
        raise DatasetError(
            f"{path}: its masks refer to {min(uids)}, and {video.name} is {recording}: they are of another recording"
        )
    referenced = [frame for _, frame in sources if frame is not None]
    if len(referenced) == len(groups):
        return [_from_one(path, frame, "ReferencedFrameNumber") for frame in referenced]
    content = [_items(item, "FrameContentSequence") for item in groups]
    places = [item[0].get("TemporalPositionIndex") if item else None for item in content]
    timed = [place for place in places if place is not None]
    if len(timed) == len(groups):
        return [_from_one(path, place, "TemporalPositionIndex") for place in timed]
    counts = Counter(numbers)
    if set(counts.values()) == {video.length}:
        order = {number: itertools.count() for number in counts}
        return [next(order[number]) for number in numbers]
    raise DatasetError(
        f"{path}: nothing tells which frames of {video.name} its masks belong to: not all refer to a frame of a "
        f"recording or have a TemporalPositionIndex, and there is not one for each of {video.length or 'its'} frames"
    )


def _source(path: Path, groups: tuple[Dataset, ...], recording: str | None) -> tuple[str | None, int | None]:
    """Object and number of the frame that a mask was derived from; of several objects the recording counts."""
    images = [
        image
        for derivation in _items(groups, "DerivationImageSequence")
        for image in derivation.get("SourceImageSequence", [])
    ]
    ours = [image for image in images if image.get("ReferencedSOPInstanceUID") == recording]
    found = set()
    for image in ours or images:
        if image.get("SpatialLocationsPreserved") == "NO":
            raise DatasetError(
                f"{path}: its pixels lie elsewhere than those of the recording (SpatialLocationsPreserved is NO)"
            )
        numbers = image.get("ReferencedFrameNumber")
        for number in numbers if isinstance(numbers, MutableSequence) else [numbers]:
            found.add((str(image.ReferencedSOPInstanceUID), None if number is None else int(number)))
    if len(found) > 1:
        raise DatasetError(f"{path}: has a mask that was derived from {len(found)} frames; masks of one frame are read")
    return found.pop() if found else (None, None)


def _from_one(path: Path, number: int, what: str) -> int:
    if int(number) < 1:
        raise DatasetError(f"{path}: has the {what} {int(number)}; they are counted from 1")
    return int(number) - 1


def _masks(
    path: Path, content: _Content, pictures: DicomPictures, place: int, number: int
) -> Iterator[tuple[int, np.ndarray, float]]:
    """Segment, mask [H, W] and score of each mask in a picture."""
    values = pictures.read_samples(place)
    if content.kind == "BINARY":
        yield number, values > 0, 1.0
    elif content.kind == "FRACTIONAL":
        mask = values * 2.0 >= content.largest
        score = float(values[mask].mean() / content.largest) if content.probable and mask.any() else 1.0
        yield number, mask, min(score, 1.0)
    else:
        for value in np.unique(values).tolist():
            if value == content.background:
                continue
            if value not in content.segments:
                raise DatasetError(f"{path}: has pixels of segment {value}, which it does not describe")
            yield value, values == value, 1.0
