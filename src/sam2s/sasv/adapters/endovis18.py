"""EndoVis 2018: instrument parts, kidney and more as colours; third-party masks of single instruments where present."""

from __future__ import annotations

import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sam2s.errors import DatasetError
from sam2s.sasv.adapters._sequences import by_number, gaps, holder, only_one, sequences
from sam2s.sasv.raw import (
    DownloadForm,
    FileForm,
    FrameLabels,
    LinkRules,
    MaskGrouping,
    PublishedPart,
    RawFrame,
    RawMask,
    RawVideo,
    SourceInfo,
)
from sam2s.sasv.reading import existing, files, read_colours
from sam2s.sasv.text_files import MALFORMED, described, whole_number

INFO = SourceInfo(
    name="endovis18",
    title="EndoVis 2018 robotic scene segmentation",
    procedure="nephrectomy",
    subsets=("EndoVis18",),
    url="https://endovissub2018-roboticscenesegmentation.grand-challenge.org/Downloads/",
    access="registration",
    licence="challenge terms (unverified)",
    layout=(
        "seq_N/left_frames and seq_N/labels of the four training releases, repairs/ of repairs.zip, labels.json; "
        "seq_N/instrument_labels_2017 (third-party instances) is used where it is there"
    ),
    assumes=(
        "SA-SV tests on sequences 2, 5, 9 and 15",
        "without third-party instances, an instrument is a connected group of shaft, wrist and clasper of unknown type",
        "each tissue, the needle, the thread, the suction and the probe are one object each",
        "file names in repairs.zip follow one loader: seq_<n>_<label file>",
    ),
)
VERSION = 1

TEST = frozenset({2, 5, 9, 15})
_FRAMES = 149  # of every sequence
_NUMBERS = (*range(1, 8), *range(9, 17))


def _part(name: str, numbers: Sequence[int], in_sasv: bool) -> PublishedPart:
    groups = {f"seq_{number}": _FRAMES for number in numbers}
    return PublishedPart(
        name,
        _FRAMES * len(numbers),
        groups,
        unit="sequences",
        in_sasv=in_sasv,
        get="miccai_challenge_2018_release_1.zip, miccai_challenge_release_2.zip, _3.zip and _4.zip, repairs.zip",
    )


PARTS = (
    _part("sequences of SA-SV", sorted(TEST), True),
    _part("other sequences", [number for number in _NUMBERS if number not in TEST], False),
)
REPAIRED = frozenset({1, 4})  # sequences with labels known to be bad before repairs.zip
RATE = Fraction(2)  # nominal: still stretches were cut out
COLOURS = {
    "background tissue": (0, 0, 0),
    "instrument shaft": (0, 255, 0),
    "instrument clasper": (0, 255, 255),
    "instrument wrist": (125, 255, 12),
    "kidney parenchyma": (255, 55, 0),
    "covered kidney": (24, 55, 125),
    "thread": (187, 155, 25),
    "clamps": (0, 255, 125),
    "suturing needle": (255, 255, 125),
    "suction instrument": (123, 15, 175),
    "small intestine": (124, 155, 5),
    "ultrasound probe": (12, 255, 141),
}
TOOL_PARTS = frozenset({"instrument shaft", "instrument clasper", "instrument wrist"})
# Classes of which a scene has one; the name is the lasting id.
SINGLE = frozenset(COLOURS) - TOOL_PARTS - {"background tissue", "clamps"}
INSTANCES = {  # classes of the third-party files
    1: "bipolar forceps",
    2: "prograsp forceps",
    3: "large needle driver",
    4: "monopolar curved scissors",
    5: "ultrasound probe",
    6: "suction instrument",
    7: "clip applier",
}
TOOLS = TOOL_PARTS | frozenset(INSTANCES.values())
_SEQUENCE = re.compile(r"seq_(\d+)")
_FRAME = re.compile(r"frame(\d+)\.png")
_INSTANCE = re.compile(r"frame(\d+)_class(\d+)_inst(\d+)\.png")
_REPAIR = re.compile(r"seq_(\d+)_(.+\.png)")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Frame:
    """Files of one frame; `instances` is None where nobody separated the instruments."""

    image: Path
    labels: Path
    instances: tuple[tuple[str, Path], ...] | None


FORM = DownloadForm(
    files=(
        FileForm("seq_N/left_frames/frameNNN.png", "pictures, 1280x1024", ("seq_*/left_frames/frame[0-9]*.png",)),
        FileForm("seq_N/labels/frameNNN.png", "colours", ("seq_*/labels/frame[0-9]*.png",)),
        FileForm("repairs/seq_<n>_<label file>", "mended labels of repairs.zip", ("repairs/seq_*.png",), needed=False),
        FileForm(
            "seq_N/instrument_labels_2017/frameNNN_classC_instI.png",
            "third-party masks of single instruments, above 0",
            ("seq_*/instrument_labels_2017/frame*_class*_inst*.png",),
            needed=False,
        ),
        FileForm("labels.json", "colours of the classes", ("labels.json",), needed=False, telling=False),
    ),
    archives=("miccai_challenge*.zip", "repairs.zip"),
    words=("endovis18", "endovis2018"),
    codes={", ".join(map(str, colour)): label for label, colour in COLOURS.items()},
    record='[{"name": "instrument-shaft", "color": [0, 255, 0], "classid": 1}]',
)


def find(root: Path) -> Path | None:
    """The folder that holds the unpacked releases."""
    return holder(root, "seq_*/left_frames", "seq_*/labels", beside="repairs")


def videos(folder: Path) -> Iterator[RawVideo]:
    """A video per sequence that has labels (the challenge's own test frames come without)."""
    paths: dict[int, Path] = {}
    for match, path in sequences(folder, _SEQUENCE, "labels"):
        paths[int(match[1])] = only_one(paths.get(int(match[1])), path, f"seq_{match[1]} with labels")
    repairs = _repairs(folder)
    for number, path in sorted(paths.items()):
        if number in REPAIRED and number not in repairs:
            log.warning(
                "endovis18: seq_%d has labels known to be bad; unpack repairs.zip below %s (if it was built already, "
                "build it again with --fresh)",
                number,
                folder,
            )
        yield RawVideo(
            name=f"seq_{number}",
            subset="EndoVis18" if number in TEST else None,
            split="test" if number in TEST else "train",
            patient=f"endovis18:{number}",
            fps=RATE,
            link_rules=LinkRules(gap=20, min_area=500, join=10),
            part=PARTS[number not in TEST].name,
        ).with_frames(partial(_find_frames, path=path, repairs=repairs.get(number, {}), top=folder))


def _find_frames(video: RawVideo, path: Path, repairs: Mapping[str, Path], top: Path) -> RawVideo:
    frames = _collect(path, repairs)
    separated = (path / "instrument_labels_2017").is_dir()
    grouping = dict.fromkeys(INSTANCES.values(), MaskGrouping.EACH) if separated else {}
    return replace(
        video,
        frames=partial(_frames, video.name, frames, _colours(path, top)),
        length=len(frames),
        missing=gaps(frames, range(_FRAMES)),
        grouping=grouping,
    )


def _collect(path: Path, repairs: Mapping[str, Path]) -> dict[int, _Frame]:
    """Files of a sequence by frame number.

    Raises:
        DatasetError: a frame has no labels, or a repair belongs to no label file.
    """
    images, labels = by_number(path / "left_frames", _FRAME), by_number(path / "labels", _FRAME)
    names = {label.name for label in labels.values()}
    if stray := sorted(repairs.keys() - names):
        raise DatasetError(f"{repairs[stray[0]]} repairs no file of {path / 'labels'}; restore the official names")
    labels = {n: repairs.get(label.name, label) for n, label in labels.items()}
    if odd := sorted(images.keys() ^ labels.keys()):
        raise DatasetError(f"{path}: frame {odd[0]} lacks its picture or its labels; unpack the release again")
    instances = _instances(path / "instrument_labels_2017")
    return {
        n: _Frame(image, labels[n], None if instances is None else tuple(instances[n])) for n, image in images.items()
    }


def _instances(folder: Path) -> dict[int, list[tuple[str, Path]]] | None:
    """Label and file of every instrument, by frame; None without the folder. Numbers hold for one frame only."""
    if not folder.is_dir():
        return None
    by_frame = defaultdict(list)
    for path in files(folder, ".png"):
        match = _INSTANCE.fullmatch(path.name)
        if not match or int(match[2]) not in INSTANCES:
            raise DatasetError(f"{path} is not called frameNNN_classC_instI.png with a class from 1 to 7; restore it")
        by_frame[int(match[1])].append((INSTANCES[int(match[2])], path))
    if not by_frame:
        raise DatasetError(f"{folder} is empty; fill it with the instance masks or remove it")
    return by_frame


def _repairs(folder: Path) -> dict[int, dict[str, Path]]:
    """Mended label files: by sequence, then by the name of the file that they replace."""
    repairs: dict[int, dict[str, Path]] = {}
    for _, path in sequences(folder, re.compile("repairs")):
        inner = path / "repairs"
        for file in files(inner if inner.is_dir() else path, ".png"):
            match = _REPAIR.fullmatch(file.name)
            if not match:
                raise DatasetError(f"{file} is not called seq_<n>_<label file>; restore the official name")
            repairs.setdefault(int(match[1]), {})[match[2]] = file
    return repairs


def _colours(path: Path, top: Path) -> dict[str, tuple[int, ...]]:
    """The table of the nearest labels.json between the sequence and the top folder, else that of the challenge."""
    for folder in (path, *path.parents):
        file = folder / "labels.json"
        if file.is_file():
            try:
                data = json.loads(existing(file).read_text("utf-8"))
                pairs = data.items() if isinstance(data, dict) else [(entry["name"], entry["color"]) for entry in data]
                table: dict[str, tuple[int, ...]] = {
                    re.sub("[-_]", " ", name).strip().lower(): _colour(colour) for name, colour in pairs
                }
            except MALFORMED as error:
                reason = described(error)
                raise DatasetError(f"cannot read the colours in {file}: {reason}; restore or remove it") from error
            if table.keys() != COLOURS.keys():
                odd = ", ".join(sorted(table.keys() ^ COLOURS.keys()))
                raise DatasetError(f"{file} has other classes than the challenge: {odd}; restore or remove it")
            return table
        if folder == top:
            break
    return dict(COLOURS)


def _colour(values: Sequence[Any]) -> tuple[int, int, int]:
    red, green, blue = (whole_number(value, "colour") for value in values[:3])
    if max(red, green, blue) > 255:
        raise ValueError(f"colour is {list(values)}; values go up to 255")
    return red, green, blue


def _frames(name: str, frames: dict[int, _Frame], colours: Mapping[str, tuple[int, ...]]) -> Iterator[RawFrame]:
    without = []
    for number, frame in frames.items():
        labels = _labels(frame, colours)
        if labels.scope is not None:
            without.append(number)
        yield RawFrame(number, frame.image, labels, number / RATE)
    if without:
        log.warning(
            "endovis18: %s shows instruments on %d frames without file in instrument_labels_2017, such as frame %d; "
            "instruments count as not annotated there",
            *(name, len(without), without[0]),
        )


def _labels(frame: _Frame, colours: Mapping[str, tuple[int, ...]]) -> FrameLabels:
    """All labels; instruments are out of scope where they are seen but nobody separated them."""
    pixels: np.ndarray = read_colours(existing(frame.labels)).astype(np.int32) @ np.array(
        [1 << 16, 1 << 8, 1], np.int32
    )
    masks: list[RawMask] = []
    unknown, seen = pixels.size, False
    for name, (red, green, blue) in colours.items():
        mask: np.ndarray = pixels == (red << 16 | green << 8 | blue)
        count = int(np.count_nonzero(mask))
        unknown -= count
        if not count or name == "background tissue":
            continue
        if frame.instances is not None and name in TOOLS:
            seen = True
            continue
        masks.append(
            RawMask("instrument" if name in TOOL_PARTS else name, mask, track=name if name in SINGLE else None)
        )
    # Some of these files are coloured, some 0/255, some 0/1.
    masks += [RawMask(label, read_colours(existing(path)).max(axis=2) > 0) for label, path in frame.instances or ()]
    return FrameLabels(tuple(masks), frozenset(colours) - TOOLS if seen and not frame.instances else None, unknown)
