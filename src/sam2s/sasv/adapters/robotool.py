"""RoboTool: 514 frames of 20 robotic procedures with binary tool masks, used as single pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from sam2s.sasv import mapping
from sam2s.sasv.adapters._sequences import by_number
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
from sam2s.sasv.reading import existing, locate, read_codes

INFO = SourceInfo(
    name="robotool",
    title="RoboTool",
    procedure="robotic surgery",
    subsets=("RoboTool",),
    url="https://www.synapse.org/Synapse:syn22427422",
    access="registration",
    licence="CC BY 4.0 (after MedSegBench)",
    layout="dv1_00004.png and dv1_00004_seg.png in one folder; if yours is nested otherwise, write robotool.yaml",
    assumes=(
        "the archive is one flat folder; its nesting could not be verified",
        "any mask value above 0 is tool; the value could not be verified",
        "tools that touch are one object",
    ),
)
VERSION = 1
PARTS = (PublishedPart(frames=514, groups={f"dv{number}": None for number in range(1, 21)}),)

_VIDEO = re.compile(r"(dv\d+)_\d+\.png")
FORM = DownloadForm(
    files=(
        FileForm("dvV_FFFFF.png", "pictures", ("dv*_[0-9]*.png",)),
        FileForm("dvV_FFFFF_seg.png", "masks; above 0 is tool", ("dv*_[0-9]*_seg.png",)),
    ),
    words=("robotool",),
    codes={"above 0": "instrument"},
)


def find(root: Path) -> Path | None:
    """The user's mapping file, else the flat folder."""
    return mapping.find(root, INFO) or locate(root, "dv*_*_seg.png")


def videos(folder: Path) -> Iterator[RawVideo]:
    """A single picture each, by video, then by frame."""
    if folder.is_file():
        yield from mapping.videos(folder, INFO, split="train", images=True)
        return
    names = {match[1] for path in folder.iterdir() if (match := _VIDEO.fullmatch(path.stem + path.suffix.lower()))}
    for video in sorted(names, key=lambda name: int(name[2:])):
        for number, image in by_number(folder, re.compile(rf"{video}_(\d+)\.png")).items():
            yield RawVideo(
                name=image.stem,
                length=1,
                subset="RoboTool",
                split="train",
                patient=f"robotool:{video}",
                images=True,
                link_rules=LinkRules(join=5),
                group=video,
            ).with_frames(partial(_find_frames, number=number, image=image))


def _find_frames(video: RawVideo, number: int, image: Path) -> RawVideo:
    existing(_mask_of(image))
    return replace(video, frames=partial(_frames, number, image))


def _mask_of(image: Path) -> Path:
    return image.with_name(f"{image.stem}_seg.png")


def _frames(number: int, image: Path) -> Iterator[RawFrame]:
    mask = read_codes(existing(_mask_of(image))) > 0
    yield RawFrame(number, image, FrameLabels((RawMask("instrument", mask),)))
