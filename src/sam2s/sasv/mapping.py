"""A user's mapping file: where a download of unknown layout keeps pictures and masks, and what its values mean.

docs/how-to/mapping-files.md explains the keys. Nothing is guessed: what a file leaves open is an error.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sam2s.errors import DatasetError
from sam2s.sasv.lost_pictures import find_lost_pictures, lost_video, video_name
from sam2s.sasv.ontology import load_ontology
from sam2s.sasv.path_template import PathTemplate
from sam2s.sasv.raw import (
    FrameLabels,
    LinkRules,
    MaskGrouping,
    PublishedPart,
    RawFrame,
    RawMask,
    RawVideo,
    SourceInfo,
    Split,
)
from sam2s.sasv.reading import read_codes, read_colours
from sam2s.sasv.text_files import MALFORMED, described, read_yaml, text, whole_number
from sam2s.sasv.traces import note

HELP = "docs/how-to/mapping-files.md"
_CHOICES = {
    "encoding": ("binary", "ids", "codes", "colours"),
    "objects": ("each", "lasting", "components", "whole"),
    "missing": ("error", "absent", "unknown"),
}
_REQUIRED = {"images", "masks", *_CHOICES}
_OPTIONAL = {"folder", "labels", "threshold", "crop", "fps", "patient", "split", "expected"}


@dataclass(frozen=True)
class MappingFile:
    """A mapping file, checked."""

    file: Path
    folder: Path
    images: PathTemplate
    masks: tuple[tuple[str, PathTemplate], ...]  # label and path; one with label "" where the values tell the label
    encoding: str
    objects: str
    missing: str
    table: tuple[tuple[Any, str | None], ...] = ()  # code or colour, and label
    threshold: int = 0
    crop: tuple[int, int, int, int] | None = None
    fps: Fraction | None = None
    patient: PathTemplate = field(default=PathTemplate("{video}"))
    split: tuple[tuple[str, Split], ...] = ()
    expected: tuple[int | None, int | None] = (None, None)  # videos and frames of a complete copy


def find(root: Path, info: SourceInfo) -> Path | None:
    """The user's mapping file for a source, `<root>/<source>.yaml`, or None."""
    path = root / f"{info.name}.yaml"
    return path if path.is_file() else None


def videos(file: Path, info: SourceInfo, *, split: Split, images: bool = False) -> Iterator[RawVideo]:
    """All videos that a mapping file describes.

    Args:
        file: the mapping file.
        info: of the source; its one subset is that of the videos in `split`.
        split: of all videos where the file says nothing.
        images: whether every picture stands alone.

    Raises:
        DatasetError: the file is incomplete, contradicts itself, or does not fit the folder.
    """
    mapping = read(file, info, images=images)
    groups: dict[str, dict[int, tuple[Path, dict[str, str]]]] = defaultdict(dict)
    patients: dict[str, str] = {}
    for path, values in mapping.images.matches(mapping.folder):
        name = video_name(values, images=images)
        other, _ = groups[name].setdefault(int(values["frame"]), (path, values))
        if other != path:
            raise _wrong(file, f"{other} and {path} would both be frame {values['frame']} of {name!r}")
        patients[name] = mapping.patient.fill({"video": name, **values}).text
    if not groups:
        raise _wrong(file, f"no file below {mapping.folder} fits images: {mapping.images.text!r}")
    for _, masks in mapping.masks:
        if next(masks.matches(mapping.folder), None) is None:
            raise _wrong(file, f"no file below {mapping.folder} fits masks: {masks.text!r}")
    splits = dict(mapping.split)
    pictures = [values for frames in groups.values() for _, values in frames.values()]
    lost = find_lost_pictures(mapping.folder, [path for _, path in mapping.masks], pictures, images=images)
    if splits and (odd := sorted(splits.keys() ^ (groups.keys() | lost.keys()))):
        raise _wrong(
            file, f"split should list every video once; {odd[0]!r} is {'' if odd[0] in splits else 'not '}listed"
        )
    for name, frames in groups.items():
        chosen = splits.get(name, split)
        yield RawVideo(
            name=name,
            frames=partial(_frames, mapping, dict(sorted(frames.items()))),
            length=len(frames),
            subset=info.subsets[0] if chosen == split else None,
            split=chosen,
            patient=f"{info.name}:{patients[name]}",
            fps=mapping.fps,
            images=images,
            grouping=dict.fromkeys(
                _labels_of(mapping), MaskGrouping.EACH if mapping.objects == "each" else MaskGrouping.COMPONENTS
            ),
            link_rules=LinkRules(gap=10),
            crop=mapping.crop,
            missing=tuple(sorted(lost.get(name, ()))),
        )
    for name in sorted(lost.keys() - groups.keys()):
        video = lost_video(name, len(lost[name]), mapping.images, info, splits.get(name, split))
        yield replace(video, images=images, subset=video.subset if video.split == split else None)


def published_parts(file: Path, info: SourceInfo) -> tuple[PublishedPart, ...]:
    """What a complete copy holds, as far as the mapping file says it (`expected`), and the pictures of its masks."""
    videos, frames = read(file, info, images=True).expected
    return (PublishedPart(frames=frames, count=videos),)


def read(file: Path, info: SourceInfo, *, images: bool = False) -> MappingFile:
    """Read and check a mapping file."""
    data = read_yaml(file, f"see {HELP}")
    for key in sorted(_REQUIRED - data.keys()):
        raise _wrong(
            file, f"{key} is missing" + (f"; choose from {', '.join(_CHOICES[key])}" if key in _CHOICES else "")
        )
    for key in sorted(map(str, data.keys() - _REQUIRED - _OPTIONAL)):
        raise _wrong(file, f"{key} is not known; known are {', '.join(sorted(_REQUIRED | _OPTIONAL))}")
    for key, choices in _CHOICES.items():
        if data[key] not in choices:
            raise _wrong(file, f"{key} is {data[key]!r}; choose from {', '.join(choices)}")
    by_value = data["encoding"] in ("codes", "colours")
    if by_value != isinstance(data["masks"], str) or by_value != ("labels" in data):
        raise _wrong(
            file,
            "codes and colours need masks: path, and labels: {value: label}; binary and ids need masks: {label: path}",
        )
    if (data["encoding"] == "binary") != ("threshold" in data):
        raise _wrong(file, "binary needs threshold (true above it; 127 for lossy masks, 0 for 0/1), others have none")
    try:
        mapping = _parse(file, data)
        _check(mapping, images=images)
        for label in _labels_of(mapping):
            load_ontology().category(info.name, label)
    except DatasetError:
        raise
    except MALFORMED as error:
        raise _wrong(file, f"a value has the wrong form ({described(error)})") from error
    return mapping


def _parse(file: Path, data: dict[str, Any]) -> MappingFile:
    masks = {"": data["masks"]} if isinstance(data["masks"], str) else dict(data["masks"])
    table: list[tuple[Any, str | None]] = []
    if data["encoding"] == "codes":
        table = [(int(code), label) for code, label in data["labels"].items()]
    elif data["encoding"] == "colours":
        table = [((int(r), int(g), int(b)), label) for label, (r, g, b) in data["labels"].items()]
    for _, label in table:
        if label is not None:
            text(label, "a label")
    crop = data.get("crop")
    if crop is not None:
        x, y, width, height = (whole_number(value, "crop") for value in crop)
        crop = x, y, width, height
    fps = Fraction(str(data["fps"])) if "fps" in data else None
    if fps is not None and fps <= 0:
        raise ValueError(f"fps is {data['fps']}; give a number above 0, or leave it out")
    splits = [(str(name), split) for split, names in data.get("split", {}).items() for name in names]
    if odd := {split for _, split in splits} - {"train", "val", "test"}:
        raise ValueError(f"split {min(odd)!r} is none of train, val, test")
    if len(dict(splits)) < len(splits):
        raise ValueError("split lists a video twice")
    return MappingFile(
        file=file,
        folder=file.parent / text(data.get("folder", "."), "folder"),
        images=PathTemplate(text(data["images"], "images")),
        masks=tuple((text(label, "a label"), PathTemplate(text(path, "masks"))) for label, path in masks.items()),
        encoding=data["encoding"],
        objects=data["objects"],
        missing=data["missing"],
        table=tuple(table),
        threshold=whole_number(data.get("threshold", 0), "threshold"),
        crop=crop,
        fps=fps,
        patient=PathTemplate(text(data.get("patient", "{video}"), "patient")),
        split=tuple(splits),
        expected=_parse_expected(data.get("expected", {})),
    )


def _parse_expected(numbers: dict[str, Any]) -> tuple[int | None, int | None]:
    """Videos and frames of a complete copy, as far as the user says them."""
    if odd := sorted(map(str, numbers.keys() - {"videos", "frames"})):
        raise ValueError(f"expected holds {odd[0]!r}; known are videos and frames")
    videos, frames = (numbers.get(key) for key in ("videos", "frames"))
    return videos and whole_number(videos, "videos", low=1), frames and whole_number(frames, "frames", low=1)


def _check(mapping: MappingFile, *, images: bool) -> None:
    if any(len(part.encode()) > 255 for part in mapping.folder.parts):
        raise ValueError("folder is longer than a name of a folder can be")
    for template in (mapping.images, *(path for _, path in mapping.masks)):
        template.check()
    fields = mapping.images.fields
    if missing := sorted({"frame"} - fields if images else {"frame", "video"} - fields):
        raise _wrong(mapping.file, f"images should hold {{{missing[0]}}}")
    for _, masks in mapping.masks:
        if odd := sorted(masks.fields - fields - {"object"}):
            raise _wrong(mapping.file, f"masks hold {{{odd[0]}}}, which images do not")
        by_object = mapping.encoding == "ids" or "object" in masks.fields
        if by_object != (mapping.objects in ("each", "lasting")):
            raise _wrong(
                mapping.file,
                "objects each and lasting need ids or {object} in the path of masks; components and whole have neither",
            )
    if odd := sorted(mapping.patient.fields - fields - {"video"}):
        raise _wrong(mapping.file, f"patient holds {{{odd[0]}}}, which images do not")


def _labels_of(mapping: MappingFile) -> list[str]:
    labels = [label for label, _ in mapping.masks] if not mapping.table else [label for _, label in mapping.table]
    return [label for label in dict.fromkeys(labels) if label]


def _wrong(file: Path, what: str) -> DatasetError:
    return DatasetError(f"mapping file {file}: {what}; see {HELP}")


def _frames(mapping: MappingFile, frames: dict[int, tuple[Path, dict[str, str]]]) -> Iterator[RawFrame]:
    for number, (image, values) in frames.items():
        yield RawFrame(number, image, _labels(mapping, image, values))


def _labels(mapping: MappingFile, image: Path, values: dict[str, str]) -> FrameLabels | None:
    masks: list[RawMask] = []
    scope: set[str] = set()
    unknown = 0
    for label, template in mapping.masks:
        filled = template.fill(values)
        if "object" in filled.fields:
            note(mapping.folder / os.path.dirname(filled.text.partition("{")[0]))
            files = [(path, fields["object"]) for path, fields in filled.matches(mapping.folder)]
        else:
            path = mapping.folder / filled.text
            note(path)
            files = [(path, "")] if path.is_file() else []
        if not files and mapping.missing == "error":
            raise _wrong(
                mapping.file, f"{image} has no mask {filled.text}; say what that means (missing: absent or unknown)"
            )
        if files or mapping.missing == "absent":
            scope.update([label] if label else _labels_of(mapping))
        for path, name in files:
            file_masks, odd = _masks(mapping, path, label, name)
            masks += file_masks
            unknown += odd
    return FrameLabels(tuple(masks), frozenset(scope), unknown) if scope else None


def _masks(mapping: MappingFile, path: Path, label: str, name: str) -> tuple[list[RawMask], int]:
    """Masks of one file, and how many pixels have no meaning."""
    if mapping.encoding == "binary":  # lossy files have channels that differ a little
        bright = read_colours(path).max(axis=2) > mapping.threshold
        return [RawMask(label, bright, _track(mapping, label, name))], 0
    values = read_colours(path) if mapping.encoding == "colours" else read_codes(path)
    if mapping.encoding == "ids":
        ids = [int(value) for value in np.unique(values) if value]
        return [RawMask(label, values == i, _track(mapping, label, f"{name}{i}")) for i in ids], 0
    background: Any = (0, 0, 0) if mapping.encoding == "colours" else 0
    masks = []
    unknown = values.shape[0] * values.shape[1]
    for value, meaning in dict([(background, None), *mapping.table]).items():
        mask = np.asarray((values == np.array(value)).reshape(*values.shape[:2], -1).all(axis=2))
        unknown -= int(np.count_nonzero(mask))
        if meaning and mask.any():
            masks.append(RawMask(meaning, mask, _track(mapping, meaning, name)))
    return masks, unknown


def _track(mapping: MappingFile, label: str, name: str) -> str | None:
    """The lasting id: of the object where the file says that ids last, of the label where it is one object."""
    return {"lasting": name, "whole": label}.get(mapping.objects)
