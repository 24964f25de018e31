"""CholecSeg8k: clips of 80 frames at 25 fps from 17 videos of Cholec80, one class code per pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from sam2s.errors import DatasetError
from sam2s.sasv.adapters._sequences import gaps
from sam2s.sasv.patients import cholec
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
from sam2s.sasv.reading import existing, files, last_number, locate, read_codes, require_all, subfolders

INFO = SourceInfo(
    name="cholecseg8k",
    title="CholecSeg8k",
    procedure="cholecystectomy",
    subsets=("CholecSeg8k",),
    url="https://www.kaggle.com/datasets/newslab/cholecseg8k",
    access="Kaggle account",
    licence="CC BY-NC-SA 4.0",
    layout="videoNN/videoNN_SSSSS/frame_<n>_endo.png with frame_<n>_endo_watershed_mask.png",
    assumes=(
        "clips that touch are joined; which frames SA-SV dropped to get 4,338 of 8,080 is not known",
        "a tissue or the hook is one object however many pieces show; graspers are split into components",
    ),
)
VERSION = 1
_VIDEOS = (1, 9, 12, 17, 18, 20, 24, 25, 26, 27, 28, 35, 37, 43, 48, 52, 55)  # of Cholec80
PARTS = (PublishedPart(frames=8_080, groups={f"video{number:02d}": None for number in _VIDEOS}),)

# Grey values of the watershed masks. The page prints them like hexadecimal colours (#505050), they are decimal.
CODES = {
    50: "black background",
    11: "abdominal wall",
    21: "liver",
    13: "gastrointestinal tract",
    12: "fat",
    31: "grasper",
    23: "connective tissue",
    24: "blood",
    25: "cystic duct",
    32: "l-hook electrocautery",
    22: "gallbladder",
    33: "hepatic vein",
    5: "liver ligament",
}
UNLABELLED = (0, 255)  # 255 is a line one pixel wide round the frame
_CLIP = 80  # frames
_SPECK = 100  # pixels; what covers fewer is not an object
_LINK = LinkRules(gap=_CLIP, min_area=_SPECK, join=10)
FORM = DownloadForm(
    files=(
        FileForm(
            "videoNN/videoNN_SSSSS/frame_<n>_endo.png",
            "pictures",
            ("video[0-9][0-9]/video[0-9][0-9]_*/frame_*_endo.png",),
        ),
        FileForm(
            "videoNN/videoNN_SSSSS/frame_<n>_endo_watershed_mask.png",
            "codes",
            ("video[0-9][0-9]/video[0-9][0-9]_*/frame_*_endo_watershed_mask.png",),
        ),
        FileForm(
            "videoNN/videoNN_SSSSS/frame_<n>_endo_mask.png, _endo_color_mask.png",
            "not read",
            ("video[0-9][0-9]/video[0-9][0-9]_*/frame_*_endo_*mask.png",),
            needed=False,
        ),
    ),
    words=("cholecseg8k",),
    archives=("cholecseg8k*.zip", "archive.zip"),
    codes={**{str(code): label for code, label in CODES.items()}, "0, 255": "not labelled"},
)


def find(root: Path) -> Path | None:
    """The folder with `videoNN`."""
    return locate(root, "video[0-9][0-9]/video[0-9][0-9]_*/frame_*_endo_watershed_mask.png")


def videos(folder: Path) -> Iterator[RawVideo]:
    """One video per run of clips that touch."""
    for source in subfolders(folder):
        if not (source.name.startswith("video") and source.name[5:].isdigit()):
            continue
        runs: list[list[Path]] = []
        for clip in subfolders(source):
            if runs and last_number(clip) == last_number(runs[-1][-1]) + _CLIP:
                runs[-1].append(clip)
            else:
                runs.append([clip])
        for run in runs:
            yield RawVideo(
                name=run[0].name,
                subset="CholecSeg8k",
                split="train",
                patient=cholec(int(source.name[5:])),
                fps=Fraction(25),
                link_rules=_LINK,
                group=source.name,
            ).with_frames(partial(_find_frames, clips=run))


def _find_frames(video: RawVideo, clips: Sequence[Path]) -> RawVideo:
    images = [image for clip in clips for image in _images(clip)]
    expected = [number for clip in clips for number in range(last_number(clip), last_number(clip) + _CLIP)]
    video = replace(video, length=len(images), missing=gaps(map(last_number, images), expected))
    require_all(_mask_of(image) for image in images)
    return replace(video, frames=partial(_frames, images))


def _images(clip: Path) -> list[Path]:
    images = [path for path in files(clip, ".png") if path.stem.endswith("_endo")]
    if not images:
        raise DatasetError(f"{clip} holds no frame_<n>_endo.png; unpack the official download again")
    return images


def _mask_of(image: Path) -> Path:
    return image.with_name(f"{image.stem}_watershed_mask.png")


def _frames(images: list[Path]) -> Iterator[RawFrame]:
    for image in images:
        codes = read_codes(existing(_mask_of(image)))
        areas = np.bincount(codes.ravel(), minlength=256)
        present = np.flatnonzero(areas >= _SPECK).tolist()
        masks = tuple(_region(CODES[code], codes == code) for code in present if code in CODES)
        strange = [code for code in range(256) if code not in CODES and code not in UNLABELLED]
        number = last_number(image)
        yield RawFrame(number, image, FrameLabels(masks, unknown=int(areas[strange].sum())), Fraction(number, 25))


def _region(label: str, mask: np.ndarray) -> RawMask:
    """All but graspers come once in a scene; the label is their lasting id."""
    return RawMask(label, mask, track=None if label == "grasper" else label)
