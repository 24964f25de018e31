"""DSAD: eleven abdominal structures in frames of 32 robot-assisted rectal resections, one binary mask per organ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from sam2s.errors import DatasetError
from sam2s.sasv.adapters._sequences import by_number, gaps, sequences
from sam2s.sasv.raw import (
    DownloadForm,
    FileForm,
    FrameLabels,
    PublishedPart,
    RawFrame,
    RawMask,
    RawVideo,
    SourceInfo,
    Split,
)
from sam2s.sasv.reading import existing, files, locate, read_binary, require_all

INFO = SourceInfo(
    name="dsad",
    title="Dresden Surgical Anatomy Dataset",
    procedure="rectal resection",
    subsets=("DSAD-V", "DSAD-I"),
    url="https://springernature.figshare.com/articles/dataset/21702600",
    access="free",
    licence="CC BY 4.0",
    layout="<organ>/<surgery>/image00.png, mask00.png; multilabel/<surgery>/image00.png, mask00_<organ>.png",
    assumes=(
        "which folders SA-SV took as videos is not published: here a folder of at least 50 frames is one",
        "frames of a folder are in time order, their spacing is unknown",
        "SA-SV files it under myotomy; the videos show rectal resections",
        "the multilabel part is no part of SA-SV",
    ),
)
VERSION = 1

ORGANS = (
    "abdominal_wall",
    "colon",
    "inferior_mesenteric_artery",
    "intestinal_veins",
    "liver",
    "pancreas",
    "small_intestine",
    "spleen",
    "stomach",
    "ureter",
    "vesicular_glands",
)
_SINGLE = "single organs"
PARTS = (PublishedPart(_SINGLE, 13_195, dict.fromkeys(ORGANS), unit="organs"),)
DENSE = 50  # frames from which on a folder counts as a video
_MULTI = "multilabel"
_VAL, _TEST = frozenset({3, 21, 26}), frozenset({2, 7, 11, 13, 14, 18, 20, 32})
_SURGERY = re.compile(r"(\d\d)")
_IMAGE = re.compile(r"image(\d+)\.png")
FORM = DownloadForm(
    files=(
        FileForm("<organ>/<surgery>/image<nn>.png", "pictures", ("*/[0-9][0-9]/image[0-9]*.png",)),
        FileForm("<organ>/<surgery>/mask<nn>.png", "masks of this organ, 0 and 255", ("*/[0-9][0-9]/mask[0-9]*.png",)),
        FileForm(
            "multilabel/<surgery>/mask<nn>_<organ>.png",
            "masks of several organs, 0 and 255",
            ("multilabel/[0-9][0-9]/mask*_*.png",),
            needed=False,
        ),
    ),
    words=("dsad", "dresden"),
    codes={"above 127": "the organ that the folder or the file is named after: " + ", ".join(ORGANS)},
)


def find(root: Path) -> Path | None:
    """The folder of the organ folders."""
    return next(
        (found for organ in (*ORGANS, _MULTI) if (found := locate(root, f"{organ}/[0-9][0-9]/image*.png"))), None
    )


def videos(folder: Path) -> Iterator[RawVideo]:
    """Organ by organ: a video per dense surgery folder, single pictures from the others; then the multilabel part."""
    for organ in ORGANS:
        for surgery, path in _surgeries(folder / organ):
            images = by_number(path, _IMAGE)
            if len(images) >= DENSE:
                video = _video(f"{organ}-{surgery}", surgery, organ, images, "DSAD-V")
                yield replace(video, missing=gaps(images, range(max(images) + 1)))
            else:
                absent = gaps(images, range(max(images) + 1))
                for number, image in images.items():
                    video = _video(f"{organ}-{surgery}-{image.stem}", surgery, organ, {number: image}, "DSAD-I")
                    yield replace(video, missing=absent if number == max(images) else ())
    for surgery, path in _surgeries(folder / _MULTI):
        yield _video(f"{_MULTI}-{surgery}", surgery, None, by_number(path, _IMAGE), None)


def _surgeries(folder: Path) -> Iterator[tuple[str, Path]]:
    """Number and path of every surgery; the raters' own folders below are not looked at."""
    return ((match[1], path) for match, path in sequences(folder, _SURGERY, depth=1))


def _video(name: str, surgery: str, organ: str | None, images: dict[int, Path], subset: str | None) -> RawVideo:
    split: Split = "train"
    if subset is None:  # the source's own split
        split = "test" if int(surgery) in _TEST else "val" if int(surgery) in _VAL else "train"
    return RawVideo(
        name=name,
        length=len(images),
        subset=subset,
        split=split,
        patient=f"dsad:{surgery}",
        images=subset == "DSAD-I",
        part=_SINGLE if organ else _MULTI,
        group=organ or "",
    ).with_frames(partial(_find_frames, organ=organ, images=images))


def _find_frames(video: RawVideo, organ: str | None, images: dict[int, Path]) -> RawVideo:
    if organ:
        require_all(_mask_of(image) for image in images.values())
    return replace(video, frames=partial(_frames, organ, images))


def _mask_of(image: Path) -> Path:
    return image.with_name(image.name.replace("image", "mask"))


def _frames(organ: str | None, images: dict[int, Path]) -> Iterator[RawFrame]:
    for number, image in images.items():
        yield RawFrame(number, image, _one_organ(organ, image) if organ else _many_organs(image))


def _one_organ(organ: str, image: Path) -> FrameLabels:
    """Only this organ was looked for; others that are in view are not marked."""
    path = existing(_mask_of(image))
    return FrameLabels((_organ(organ, path),), frozenset({organ}))


def _many_organs(image: Path) -> FrameLabels:
    """An organ was looked for where it has a file, be it an empty one."""
    stem = image.stem.replace("image", "mask")
    masks = []
    for path in files(image.parent, ".png"):
        if path.stem.startswith(f"{stem}_"):
            organ = path.stem.removeprefix(f"{stem}_")
            if organ not in ORGANS:
                raise DatasetError(f"{path}: {organ!r} is not an organ of DSAD ({', '.join(ORGANS)}); restore its name")
            masks.append(_organ(organ, path))
    return FrameLabels(tuple(masks), frozenset(mask.label for mask in masks))


def _organ(organ: str, path: Path) -> RawMask:
    """The organ's name is its lasting id: pieces that are seen apart are one organ."""
    return RawMask(organ, read_binary(path), track=organ)
