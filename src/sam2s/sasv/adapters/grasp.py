"""GraSP: robotic instruments in radical prostatectomies, an instance mask per instrument about every 35 seconds."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sam2s.errors import DatasetError
from sam2s.masks import rle
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
from sam2s.sasv.reading import existing, locate, require_all
from sam2s.sasv.text_files import MALFORMED, described, read_json, text

INFO = SourceInfo(
    name="grasp",
    title="GraSP",
    procedure="prostatectomy",
    subsets=("GraSP",),
    url="https://github.com/BCV-Uniandes/GraSP",
    access="free",
    licence="not stated (unverified)",
    layout=(
        "GraSP_30fps/annotations/grasp_short-term_train.json and _test.json, GraSP_30fps/frames/CASE001/000000068.jpg; "
        "of the frames only those named in the JSON are needed"
    ),
    assumes=(
        "SA-SV trains on all 13 cases",
        "file names in the JSON are relative to the folder frames",
        "half a minute lies between frames, so ids follow the class and the order from left to right alone",
    ),
)
VERSION = 1
PARTS = (
    PublishedPart(
        "training cases",
        2_324,
        {f"CASE{number:03d}": None for number in (1, 2, 3, 4, 7, 14, 15, 21)},
        unit="cases",
        get="annotations/grasp_short-term_train.json",
    ),
    PublishedPart(
        "test cases",
        1_125,
        {f"CASE{number:03d}": None for number in (41, 47, 50, 51, 53)},
        unit="cases",
        get="annotations/grasp_short-term_test.json",
    ),
)

CLASSES = (
    "bipolar forceps",
    "prograsp forceps",
    "large needle driver",
    "monopolar curved scissors",
    "suction instrument",
    "clip applier",
    "laparoscopic grasper",
)
_NAME = re.compile(r"(CASE\d+)/(\d+)\.jpg")

_Masks = list[tuple[str, rle.Rle]]
FORM = DownloadForm(
    files=(
        FileForm(
            "GraSP_30fps/annotations/grasp_short-term_{train,test}.json, or fold1 and fold2 for train",
            "masks of the keyframes, COCO with compressed RLE",
            ("annotations/grasp_short-term_*.json",),
        ),
        FileForm(
            "GraSP_30fps/frames/CASEnnn/<number>.jpg", "pictures of the keyframes", ("frames/CASE[0-9]*/[0-9]*.jpg",)
        ),
    ),
    archives=("GraSP*", "CASE[0-9]*.tar.gz"),
    words=("grasp",),
    record=(
        '{"images": [{"id": 1, "file_name": "CASE001/000000068.jpg"}], '
        '"annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [x, y, w, h], '
        '"segmentation": {"size": [800, 1280], "counts": "..."}}], '
        '"categories": [{"id": 3, "name": "Large Needle Driver"}]}'
    ),
)


def find(root: Path) -> Path | None:
    """The 30 fps folder, or the lighter one, with frames and short-term annotations."""
    for folder in ("GraSP_30fps", "GraSP_1fps"):
        if found := locate(root, f"{folder}/annotations/grasp_short-term_*.json", f"{folder}/frames"):
            return found / folder
    return locate(root, "annotations/grasp_short-term_*.json", "frames", depth=0)


def videos(folder: Path) -> Iterator[RawVideo]:
    """A video per case, of its annotated frames."""
    cases: dict[str, dict[int, tuple[str, _Masks]]] = defaultdict(dict)
    for path in _records(folder / "annotations"):
        for name, masks in _read(path):
            match = _NAME.fullmatch(name)
            if not match:
                raise DatasetError(
                    f"{path}: frame {name!r} is not called CASEnnn/<number>.jpg; restore the official file"
                )
            cases[match[1]][int(match[2])] = (name, masks)
    for case, frames in sorted(cases.items()):
        yield RawVideo(
            name=case,
            length=len(frames),
            part=PARTS[case in PARTS[1].groups].name,
            subset="GraSP",
            split="train",
            patient=f"grasp:{case}",
            grouping=dict.fromkeys(CLASSES, MaskGrouping.EACH),
            link_rules=LinkRules(by="order"),
        ).with_frames(partial(_find_frames, folder=folder / "frames", frames=dict(sorted(frames.items()))))


def _find_frames(video: RawVideo, folder: Path, frames: dict[int, tuple[str, _Masks]]) -> RawVideo:
    require_all(folder / name for name, _ in frames.values())
    return replace(video, frames=partial(_frames, folder, frames))


def _records(annotations: Path) -> list[Path]:
    """The files that cover all cases once: the two folds together are the training part."""
    parts = [
        [annotations / f"grasp_short-term_{part}.json" for part in parts]
        for parts in (("train",), ("fold1", "fold2"), ("test",))
    ]
    train, folds, test = parts
    return [*(train if train[0].is_file() else [p for p in folds if p.is_file()]), *(p for p in test if p.is_file())]


def _read(path: Path) -> Iterator[tuple[str, _Masks]]:
    """Name and masks of every frame of one file; an instrument that is listed twice counts once."""
    try:
        data = read_json(existing(path), "download the official file again")
        names = {entry["id"]: re.sub("[-_]", " ", entry["name"]).lower() for entry in data["categories"]}
        if odd := sorted(set(names.values()) - set(CLASSES)):
            raise DatasetError(f"{path} has category {odd[0]!r}; GraSP has {', '.join(CLASSES)}")
        masks_by_image: dict[int, dict[Any, tuple[str, rle.Rle]]] = {image["id"]: {} for image in data["images"]}
        for annotation in data["annotations"]:
            if not isinstance(annotation["segmentation"], dict):
                raise DatasetError(f"{path}: annotation {annotation['id']} has no RLE mask; download it again")
            mask = rle.Rle(size=annotation["segmentation"]["size"], counts=annotation["segmentation"]["counts"])
            key = (annotation["category_id"], tuple(annotation["bbox"]), str(mask["counts"]))
            masks_by_image[annotation["image_id"]][key] = (names[annotation["category_id"]], mask)
        for image in data["images"]:
            yield text(image["file_name"], "file_name"), list(masks_by_image[image["id"]].values())
    except DatasetError:
        raise
    except MALFORMED as error:
        raise DatasetError(f"cannot read {path}: {described(error)}; download the official file again") from error


def _frames(folder: Path, frames: dict[int, tuple[str, _Masks]]) -> Iterator[RawFrame]:
    """Frames without instruments were looked at too. Numbers only order them: most cases do not count 30 a second."""
    for number, (name, masks) in frames.items():
        try:
            labels = FrameLabels(tuple(RawMask(label, rle.decode(mask)) for label, mask in masks))
        except MALFORMED as error:
            raise DatasetError(f"GraSP: a mask of {name} is damaged ({described(error)}); download it again") from error
        yield RawFrame(number, existing(folder / name), labels)
