"""Endoscapes2023 (Seg50): 493 keyframes of 50 cholecystectomies with an RLE mask per instance, half a minute apart."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.sasv.patients import endoscapes
from sam2s.sasv.raw import (
    DownloadForm,
    FileForm,
    FrameLabels,
    MaskGrouping,
    PublishedPart,
    RawFrame,
    RawMask,
    RawVideo,
    SourceInfo,
)
from sam2s.sasv.reading import existing, locate
from sam2s.sasv.text_files import MALFORMED, described, inner_path, read_json, text

INFO = SourceInfo(
    name="endoscapes",
    title="Endoscapes2023 (Seg50)",
    procedure="cholecystectomy",
    subsets=("Endoscapes",),
    url="https://github.com/CAMMA-public/Endoscapes (endoscapes.zip)",
    access="free",
    licence="CC BY-NC-SA 4.0",
    layout="train_seg/, val_seg/, test_seg/ with annotation_coco.json and {video}_{frame}.jpg",
    assumes=(
        "SA-SV's choice of 468 of the 493 frames is not known: all are built, as training images",
        "an image without annotation record was not annotated, and is left out",
    ),
)
VERSION = 1
PARTS = tuple(
    PublishedPart(f"{split}_seg", masks=masks, get="endoscapes.zip")
    for split, masks in (("train", 1_615), ("val", 363), ("test", 270))
)

log = logging.getLogger(__name__)
_Regions = list[tuple[str, Any]]
_RATE = 25  # the frame number in a file name counts 25 a second
FORM = DownloadForm(
    files=(
        FileForm(
            "{train,val,test}_seg/annotation_coco.json",
            "masks of all keyframes, COCO with compressed RLE",
            ("*_seg/annotation_coco.json",),
        ),
        FileForm("{train,val,test}_seg/<video>_<frame>.jpg", "pictures", ("*_seg/[0-9]*_[0-9]*.jpg",)),
        FileForm(
            "{train,val,test}_seg_vids.txt", "video numbers in scientific notation", ("*_seg_vids.txt",), needed=False
        ),
    ),
    archives=("endoscapes*.zip",),
    words=("endoscapes",),
    record=(
        '{"images": [{"id": 1, "file_name": "1_100.jpg"}], '
        '"annotations": [{"image_id": 1, "category_id": 6, "segmentation": {"size": [480, 854], "counts": "..."}}], '
        '"categories": [{"id": 6, "name": "tool"}]}'
    ),
)


def find(root: Path) -> Path | None:
    """The folder with `train_seg`."""
    return locate(root, "train_seg/annotation_coco.json")


def videos(folder: Path) -> Iterator[RawVideo]:
    """One single-frame video per annotated keyframe."""
    for split in ("train", "val", "test"):
        part = folder / f"{split}_seg"
        regions, names = _read(part / "annotation_coco.json")
        listed = _listed_videos(folder / f"{split}_seg_vids.txt")
        for file_name in sorted(regions, key=lambda name: _numbers(part / name)):
            path = part / file_name
            video, _ = _numbers(path)
            if listed is not None and video not in listed:
                log.warning("%s is not of a video in %s_seg_vids.txt; left out", path, split)
            elif regions[file_name]:
                yield RawVideo(
                    name=path.stem,
                    length=1,
                    part=f"{split}_seg",
                    masks=len(regions[file_name]),
                    subset="Endoscapes",
                    split="train",
                    patient=endoscapes(video),
                    images=True,
                    grouping=dict.fromkeys(names, MaskGrouping.EACH),
                ).with_frames(partial(_find_frames, path=path, regions=regions[file_name]))


def _read(path: Path) -> tuple[dict[str, _Regions], list[str]]:
    """By picture its labels and masks, and the names of all labels."""
    remedy = "unpack again with unzip or tar, which keep links"
    coco = read_json(existing(path), remedy)
    try:
        names = {category["id"]: text(category["name"], "name") for category in coco["categories"]}
        pictures = {image["id"]: inner_path(image["file_name"], "file_name") for image in coco["images"]}
        regions: dict[str, _Regions] = {name: [] for name in pictures.values()}
        for annotation in coco["annotations"]:
            label = names[annotation["category_id"]]
            regions[pictures[annotation["image_id"]]].append((label, annotation["segmentation"]))
    except MALFORMED as error:
        raise DatasetError(f"cannot read {path}: {described(error)}; {remedy}") from error
    return regions, list(names.values())


def _find_frames(video: RawVideo, path: Path, regions: _Regions) -> RawVideo:
    return replace(video, frames=partial(_frames, existing(path), regions))


def _frames(path: Path, regions: _Regions) -> Iterator[RawFrame]:
    try:
        masks = tuple(RawMask(label, rle.decode(segmentation)) for label, segmentation in regions)
    except MALFORMED as error:
        file = path.parent / "annotation_coco.json"
        raise DatasetError(f"{file}: mask of {path.name}: {described(error)}; download it again") from error
    _, index = _numbers(path)
    yield RawFrame(index, existing(path), FrameLabels(masks), Fraction(index, _RATE))


def _listed_videos(path: Path) -> set[int] | None:
    """Video numbers of a split; the official lists are written in scientific notation."""
    if not path.is_file():
        return None
    try:
        return {int(float(word)) for word in existing(path).read_text("utf-8").split()}
    except ValueError as error:
        raise DatasetError(f"{path} should hold one video number a line: {error}; download it again") from error


def _numbers(path: Path) -> tuple[int, int]:
    """Video and frame number of {video}_{frame}.jpg."""
    video, _, frame = path.stem.partition("_")
    if not (video.isdigit() and frame.isdigit()):
        raise DatasetError(f"{path} is not named {{video}}_{{frame}}.jpg; restore the official name")
    return int(video), int(frame)
