"""EndoVis 2017: robotic instruments in porcine procedures. Training frames have a folder of masks per instrument, test
frames one map of instrument types."""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

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
from sam2s.sasv.reading import existing, read_codes, subfolders

INFO = SourceInfo(
    name="endovis17",
    title="EndoVis 2017 robotic instrument segmentation",
    procedure="nephrectomy",
    subsets=("EndoVis17",),
    url="https://endovissub2017-roboticinstrumentsegmentation.grand-challenge.org/Downloads/",
    access="registration",
    licence="challenge terms (unverified)",
    layout=(
        "instrument_dataset_N/left_frames and ground_truth/<Instrument>_labels (five archives of frames), "
        "instrument_2017_test/.../instrument_dataset_N/gt/TypeSegmentation (test labels)"
    ),
    assumes=(
        "SA-SV tests on sequences 2, 5 and 6, each with its 225 training and 75 test frames",
        "test frames name types, not instruments: ids of the training part are continued by type and overlap",
        "two instruments of one type that touch on a test frame come as one object",
        "a test frame shows no more instruments of a type than the training part: further pieces are parts of those",
    ),
)
VERSION = 1

CROP = (320, 28, 1280, 1024)  # the picture inside the black padding of 1920x1080 frames
TEST = frozenset({2, 5, 6})  # sequences that SA-SV tests on
_WHOLE = 300  # frames of a sequence in both parts
_INSTRUMENTS = {1: 4, 2: 3, 3: 2, 4: 3, 5: 3, 6: 4, 7: 2, 8: 4}  # that the training part of a sequence names
_GET = "the training archive, the testing archive and instrument_2017_test.zip, below one folder"


def _part(name: str, numbers: Iterable[int], in_sasv: bool) -> PublishedPart:
    groups = {f"seq_{number}": _WHOLE for number in numbers}
    masklets = {f"seq_{number}": _INSTRUMENTS[number] for number in numbers if number in _INSTRUMENTS}
    return PublishedPart(
        name, _WHOLE * len(groups), groups, masklets=masklets, unit="sequences", in_sasv=in_sasv, get=_GET
    )


PARTS = (_part("sequences of SA-SV", sorted(TEST), True), _part("other sequences", (1, 3, 4, 7, 8, 9, 10), False))
RATE = Fraction(2)
TYPES = {
    1: "bipolar forceps",
    2: "prograsp forceps",
    3: "large needle driver",
    4: "vessel sealer",
    5: "grasping retractor",
    6: "monopolar curved scissors",
    7: "other",
}
_FOLDER = re.compile(r"instrument_dataset_(\d+)")
_FRAME = re.compile(r"frame(\d+)\.png")

log = logging.getLogger(__name__)


@dataclass
class _Sequence:
    """Where the pieces of one sequence lie."""

    frames: dict[int, Path] = field(default_factory=dict)
    instruments: Path | None = None  # ground_truth: a folder per instrument
    types: Path | None = None  # TypeSegmentation: a map per test frame


FORM = DownloadForm(
    files=(
        FileForm(
            "instrument_dataset_N/left_frames/frameNNN.png",
            "pictures, 1920x1080",
            ("instrument_dataset_*/left_frames/frame[0-9]*.png",),
        ),
        FileForm(
            "instrument_dataset_N/ground_truth/<Instrument>_labels/frameNNN.png",
            "training part: a folder for each instrument, above 0 is instrument",
            ("instrument_dataset_*/ground_truth/*/frame[0-9]*.png",),
            needed=False,
        ),
        FileForm(
            "instrument_2017_test/.../instrument_dataset_N/gt/TypeSegmentation/frameNNN.png",
            "test part: codes of types",
            ("instrument_dataset_*/gt/TypeSegmentation/frame[0-9]*.png",),
            needed=False,
        ),
    ),
    archives=("instrument_*_training.zip", "instrument_*_testing.zip", "instrument_2017_test.zip"),
    words=("endovis17", "endovis2017"),
    codes={str(code): label for code, label in TYPES.items()},
)


def find(root: Path) -> Path | None:
    """The folder that holds the unpacked archives."""
    return holder(root, "instrument_dataset_*/left_frames", beside="instrument_dataset_*/gt")


def videos(folder: Path) -> Iterator[RawVideo]:
    """A video per sequence: frames of its training part, then those of its test part, as far as they have labels."""
    places: dict[int, list[Path]] = defaultdict(list)
    for match, path in sequences(folder, _FOLDER, "left_frames", "ground_truth", "gt/TypeSegmentation"):
        places[int(match[1])].append(path)
    for number, paths in sorted(places.items()):
        video = RawVideo(
            name=f"seq_{number}",
            subset="EndoVis17" if number in TEST else None,
            split="test" if number in TEST else "train",
            patient=f"endovis17:{number}",
            fps=RATE,
            crop=CROP,
            part=PARTS[number not in TEST].name,
        ).with_frames(partial(_find_frames, number=number, paths=paths))
        if video.length or video.problem:
            yield video


def _find_frames(video: RawVideo, number: int, paths: Sequence[Path]) -> RawVideo:
    pieces = _collect(paths)
    tools = _instruments(pieces.instruments) if pieces.instruments else {}
    training = _marked(tools)
    types = by_number(pieces.types, _FRAME) if pieces.types else {}
    for index in (*training, *types):
        if index not in pieces.frames:
            raise DatasetError(
                f"frame{index:03d} of instrument_dataset_{number} has labels but no picture in left_frames; "
                "unpack the archives of frames, training and testing, below the same folder"
            )
    frames = {n: path for n, path in pieces.frames.items() if n in training or n in types}
    if len(frames) < len(pieces.frames):
        missing = len(pieces.frames) - len(frames)
        log.warning("endovis17: left out of sequence %d: frames without labels (%d)", number, missing)
    counts = Counter(tools.values())
    # Where training shows one instrument of a type, whatever has this type on test frames is that instrument.
    grouping = {label: MaskGrouping.WHOLE for label, count in counts.items() if count == 1}
    several = {label: count for label, count in counts.items() if count > 1}
    return replace(
        video,
        frames=partial(_frames, frames, tools, training, types),
        length=len(frames),
        missing=gaps(frames, range(_WHOLE)),
        masklets=len(tools) if tools else None,
        grouping=grouping,
        link_rules=LinkRules(gap=300, gate=0, min_area=500, join=20, most=several),
    )


def _collect(paths: Sequence[Path]) -> _Sequence:
    pieces = _Sequence()
    for path in paths:
        if (path / "left_frames").is_dir():
            frames = by_number(path / "left_frames", _FRAME)
            if twice := frames.keys() & pieces.frames.keys():
                first = min(twice)
                only_one(pieces.frames[first], frames[first], f"frame {first} of {path.name}")
            pieces.frames |= frames
        if (path / "ground_truth").is_dir():
            pieces.instruments = only_one(pieces.instruments, path / "ground_truth", f"ground_truth of {path.name}")
        if (path / "gt" / "TypeSegmentation").is_dir():
            pieces.types = only_one(pieces.types, path / "gt" / "TypeSegmentation", f"TypeSegmentation of {path.name}")
    pieces.frames = dict(sorted(pieces.frames.items()))
    return pieces


def _instruments(ground_truth: Path) -> dict[Path, str]:
    """Folder of every instrument, and its type: Left_, Right_, Maryland_ and _labels do not matter."""
    tools = {}
    for folder in subfolders(ground_truth):
        name = folder.name.replace("_", " ").lower()
        label = next((label for label in TYPES.values() if label in name), None)
        if label is None:
            known = ", ".join(TYPES.values())
            raise DatasetError(f"{folder} names none of the instruments ({known}); restore the official folder name")
        tools[folder] = label
    if not tools:
        raise DatasetError(f"{ground_truth} has no folders of instruments; unpack the official download again")
    return tools


def _marked(tools: Iterable[Path]) -> range:
    """Numbers of the frames of the training part.

    Raises:
        DatasetError: an instrument lacks one of them.
    """
    numbers = {folder: by_number(folder, _FRAME).keys() for folder in tools}
    every = sorted(set[int]().union(*numbers.values()))
    training = range(every[0], every[-1] + 1) if every else range(0)
    for folder, there in numbers.items():
        if missing := sorted(set(training) - there):
            raise DatasetError(
                f"{folder} lacks {len(missing)} of the frames from {every[0]} to {every[-1]} that have labels, such as "
                f"frame{missing[0]:03d}.png; unpack the training archive again"
            )
    return training


def _frames(
    frames: dict[int, Path], tools: dict[Path, str], training: range, types: dict[int, Path]
) -> Iterator[RawFrame]:
    for number, image in frames.items():
        if number in training:
            labels = FrameLabels(tuple(_one_instrument(folder, image.name, label) for folder, label in tools.items()))
        else:
            labels = _types(types[number])
        yield RawFrame(number, image, labels, number / RATE)


def _one_instrument(folder: Path, name: str, label: str) -> RawMask:
    """Parts (10 shaft, 20 wrist, 30 claspers) as one mask; the folder is one instrument for the whole sequence."""
    return RawMask(label, read_codes(existing(folder / name)) > 0, track=folder.name.removesuffix("_labels"))


def _types(path: Path) -> FrameLabels:
    codes = read_codes(path)
    unknown = int(np.count_nonzero(codes > max(TYPES)))
    return FrameLabels(
        tuple(RawMask(label, codes == code) for code, label in TYPES.items() if (codes == code).any()), None, unknown
    )
