"""AutoLaparo (task 3): 300 clips of hysterectomy, six frames a second apart, grey codes for tool parts and uterus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np

from sam2s.errors import DatasetError
from sam2s.sasv.adapters._sequences import gaps
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
from sam2s.sasv.reading import existing, files, locate, read_codes, require_all

INFO = SourceInfo(
    name="autolaparo",
    title="AutoLaparo (task 3)",
    procedure="hysterectomy",
    subsets=("AutoLaparo",),
    url="https://autolaparo.github.io",
    access="request form",
    licence="CC BY-NC-SA 4.0",
    layout="imgs/CCCFFF.jpg and masks/CCCFFF.png (clip 001-300, frame 001, 025 ... 125)",
    assumes=(
        "all clips train, as in SA-SV; which clips share a patient is not known beyond the official clip ranges",
        "a clip shows one tool of a type",
    ),
)
VERSION = 1
PARTS = (PublishedPart(frames=1800, groups={f"{clip:03d}": 6 for clip in range(1, 301)}, unit="clips"),)

# Manipulator and shaft are one tool.
CODES = {
    "grasping forceps": (20, 40),
    "ligasure": (60, 80),
    "dissecting and grasping forceps": (100, 120),
    "electric hook": (140, 160),
    "uterus": (180,),
}
_KNOWN = (0, *(code for codes in CODES.values() for code in codes))
_SECONDS = {1: 0, 25: 1, 50: 2, 75: 3, 100: 4, 125: 5}
_PARTS = ((170, "train"), (227, "val"), (300, "test"))  # last clip of each official part
FORM = DownloadForm(
    files=(
        FileForm(
            "imgs/CCCFFF.jpg",
            "pictures; CCC is the clip, FFF one of 001, 025, 050, 075, 100, 125",
            ("imgs/[0-9][0-9][0-9][0-9][0-9][0-9].jpg",),
            telling=False,
        ),
        FileForm(
            "masks/CCCFFF.png",
            "codes, in three equal channels",
            ("masks/[0-9][0-9][0-9][0-9][0-9][0-9].png",),
            telling=False,
        ),
    ),
    words=("autolaparo", "task3"),
    codes={str(code): label for label, codes in CODES.items() for code in codes},
)


def find(root: Path) -> Path | None:
    """The folder with `imgs` and `masks`."""
    return locate(root, "imgs/[0-9][0-9][0-9][0-9][0-9][0-9].jpg", "masks")


def videos(folder: Path) -> Iterator[RawVideo]:
    """One video per clip."""
    images = files(folder / "imgs", ".jpg")
    for image in images:
        if not (len(image.stem) == 6 and image.stem.isdigit() and int(image.stem[3:]) in _SECONDS):
            raise DatasetError(
                f"{image} is not named CCCFFF with FFF one of 001, 025 ... 125; move it out of the folder"
            )
    for clip, group in groupby(images, lambda image: image.stem[:3]):
        frames = list(group)
        numbers = [int(frame.stem[3:]) for frame in frames]
        part = next((name for last, name in _PARTS if int(clip) <= last), "test")
        yield RawVideo(
            name=clip,
            length=len(frames),
            missing=gaps(numbers, _SECONDS),
            subset="AutoLaparo",
            split="train",
            patient=f"autolaparo:{part}",
            fps=Fraction(1),
            grouping=dict.fromkeys(CODES, MaskGrouping.WHOLE),
            link_rules=LinkRules(gate=0),
        ).with_frames(partial(_find_frames, images=frames, masks=folder / "masks"))


def _find_frames(video: RawVideo, images: list[Path], masks: Path) -> RawVideo:
    require_all(masks / f"{image.stem}.png" for image in images)
    return replace(video, frames=partial(_frames, images, masks))


def _frames(images: list[Path], masks: Path) -> Iterator[RawFrame]:
    for image in images:
        codes = read_codes(existing(masks / f"{image.stem}.png"))
        regions = ((label, np.isin(codes, values)) for label, values in CODES.items())
        labels = FrameLabels(
            tuple(RawMask(label, mask) for label, mask in regions if mask.any()),
            unknown=int(np.count_nonzero(~np.isin(codes, _KNOWN))),
        )
        number = int(image.stem[3:])
        yield RawFrame(number, existing(image), labels, Fraction(_SECONDS[number]))
