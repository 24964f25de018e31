"""SAR-RARP50: suturing in robotic prostatectomies; video of 60 frames a second, a map of parts for every 60th frame."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from dataclasses import replace
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
    PublishedPart,
    RawFrame,
    RawMask,
    RawVideo,
    SourceInfo,
)
from sam2s.sasv.reading import existing, read_codes
from sam2s.video.file import FileSource

INFO = SourceInfo(
    name="sar-rarp50",
    title="SAR-RARP50",
    procedure="prostatectomy",
    subsets=("RARP50",),
    url="https://www.synapse.org/Synapse:syn27618412",
    access="registration",
    licence="CC BY-NC-SA 4.0 (unverified)",
    layout=(
        "video_XX/segmentation/000000060.png with video_XX/video_left.avi (or unpacked rgb/000000060.png), "
        "in train1, train2 and test or without these folders"
    ),
    assumes=(
        "SA-SV tests on the official test videos 41 to 50",
        "an instrument is a connected group of clasper, wrist and shaft of unknown type",
        "needle, thread, suction, needle holder, clamps and catheter are one object each",
    ),
)
VERSION = 1

RATE = 60  # frames a second of the videos, whose number is the mask's name
FIRST_TEST = 41
TEST, TRAIN = "test videos", "training videos"
PARTS = (
    PublishedPart(TEST, 3_252, {f"video_{number}": None for number in range(41, 51)}),
    PublishedPart(TRAIN, 13_324, {f"video_{number:02d}": None for number in range(1, 41)}, in_sasv=False),
)
CODES = {
    1: "instrument",  # clasper
    2: "instrument",  # wrist
    3: "instrument",  # shaft
    4: "suturing needle",
    5: "thread",
    6: "suction tool",
    7: "needle holder",
    8: "clamps",
    9: "catheter",
}
_VIDEO = re.compile(r"video_(\d+)(_\d+)?")
_MASK = re.compile(r"(\d{9})\.png")

log = logging.getLogger(__name__)
FORM = DownloadForm(
    files=(
        FileForm(
            "video_XX/segmentation/<frame>.png", "codes, for every 60th frame", ("video_*/segmentation/[0-9]*.png",)
        ),
        FileForm("video_XX/video_left.avi", "the video", ("video_*/video_left.avi",), needed=False),
        FileForm(
            "video_XX/rgb/<frame>.png",
            "its frames, where they were unpacked",
            ("video_*/rgb/[0-9]*.png",),
            needed=False,
        ),
    ),
    archives=("video_*.zip",),
    words=("rarp50",),
    codes={"1, 2, 3": "instrument (clasper, wrist, shaft)", **{str(c): label for c, label in CODES.items() if c > 3}},
)


def find(root: Path) -> Path | None:
    """The folder around the parts of the download."""
    return holder(root, "video_*/segmentation")


def videos(folder: Path) -> Iterator[RawVideo]:
    """A video per folder with a video or masks; video_11_1 and video_11_2 show one patient."""
    folders: dict[tuple[int, str], Path] = {}
    for match, path in sequences(folder, _VIDEO, "segmentation", "rgb", "video_left.avi"):
        key = int(match[1]), match[2] or ""
        folders[key] = only_one(folders.get(key), path, path.name)
    for (number, _), path in sorted(folders.items()):
        test = number >= FIRST_TEST
        yield RawVideo(
            name=path.name,
            subset="RARP50" if test else None,
            split="test" if test else "train",
            patient=f"sar-rarp50:{number:02d}",
            fps=Fraction(1),
            link_rules=LinkRules(gap=10, gate=0.05, min_area=500, join=15),
            part=TEST if test else TRAIN,
            group=f"video_{number:02d}",
        ).with_frames(partial(_find_frames, path=path))


def _find_frames(video: RawVideo, path: Path) -> RawVideo:
    if not (path / "segmentation").is_dir():
        raise DatasetError(f"{path} has no folder segmentation; unpack the official download again, with all its parts")
    masks = by_number(path / "segmentation", _MASK)
    unpacked = all((path / "rgb" / mask.name).is_file() for mask in masks.values())
    if not unpacked:
        existing(path / "video_left.avi")
    return replace(
        video,
        frames=partial(_from_pictures if unpacked else _from_video, path, masks),
        length=len(masks),
        missing=gaps(masks, range(0, max(masks) + 1, RATE)),
    )


def _from_pictures(path: Path, masks: dict[int, Path]) -> Iterator[RawFrame]:
    for number, mask in masks.items():
        yield RawFrame(number, existing(path / "rgb" / mask.name), _labels(mask), Fraction(number, RATE))


def _from_video(path: Path, masks: dict[int, Path]) -> Iterator[RawFrame]:
    """Decode from the start and count, because seeking by frame number is unreliable in AVI."""
    file = existing(path / "video_left.avi")
    step, last = math.gcd(*masks), max(masks)
    wanted = dict(masks)
    frame_count = 0
    with FileSource(file) as source:
        for frame in source.frames(0, last + 1, max(step, 1)):
            frame_count = frame.index + 1
            if mask := wanted.pop(frame.index, None):
                yield RawFrame(frame.index, frame.image, _labels(mask), Fraction(frame.index, RATE))
    if len(wanted) == len(masks):
        raise DatasetError(f"{file} has no frame that {path / 'segmentation'} has a mask of; download the video again")
    if max(wanted, default=0) > frame_count + RATE:
        raise DatasetError(
            f"{file} ends near frame {frame_count}, before {len(wanted)} of its masks (the last is for frame "
            f"{max(wanted)}); the download was cut short, download the video again"
        )
    if wanted:
        log.warning("%s ends before %d of its masks, from %s on; they are left out", file, len(wanted), min(wanted))


def _labels(path: Path) -> FrameLabels:
    codes = read_codes(path)
    unknown = int(np.count_nonzero(codes > max(CODES)))
    present = [code for code in np.flatnonzero(np.bincount(codes.ravel(), minlength=256)).tolist() if code in CODES]
    masks = [
        RawMask(CODES[code], codes == code, track=None if CODES[code] == "instrument" else CODES[code])
        for code in present
    ]
    return FrameLabels(tuple(masks), None, unknown)
