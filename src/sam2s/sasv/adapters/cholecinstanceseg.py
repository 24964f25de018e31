"""CholecInstanceSeg: instrument polygons on frames of Cholec80, CholecT50 and CholecSeg8k, one JSON per frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from PIL import Image, ImageDraw

from sam2s.errors import DatasetError
from sam2s.limits import check_pixels
from sam2s.picture_files import picture_size
from sam2s.sasv.adapters._sequences import gaps
from sam2s.sasv.patients import cholec
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
    Split,
)
from sam2s.sasv.reading import existing, files, last_number, locate, require_all, subfolders
from sam2s.sasv.text_files import MALFORMED, described, read_json, text, whole_number

INFO = SourceInfo(
    name="cholecinstanceseg",
    title="CholecInstanceSeg",
    procedure="cholecystectomy",
    subsets=("CIS-Train", "CIS-Test"),
    url="https://www.synapse.org/#!Synapse:syn60239970 (annotations), CholecT50 and CholecSeg8k (images)",
    access="Synapse account; request form for CholecT50",
    licence="annotations CC BY 4.0; images CC BY-NC-SA 4.0",
    layout="{train,val,test}/VIDxx_{t50_full,...}/ann_dir/*.json and img_dir/*.png of the same names",
    assumes=(
        "SA-SV uses the t50_full sequences of the official train and test parts; --all builds the rest",
        "ids are linked by class over any absence, as an instrument that comes back is mostly the same one",
    ),
)
VERSION = 1

LABELS = ("grasper", "hook", "irrigator", "clipper", "bipolar", "scissors", "snare")
# Per kind of sequence: annotated frames a second, and how many of the numbers in file names make a second.
_RATES = {"t50_full": (Fraction(1), 1), "t50_sparse": (Fraction(1, 30), 1), "t80_sparse": (Fraction(1, 30), 1)}
_RATES["seg8k"] = (Fraction(25), 25)
_TRAIN, _VAL, _TEST = (1, 12, 18, 25, 26, 27, 35, 43, 48, 52), (23,), (14, 15, 22, 29)
_SEG8K = (1, 9, 12, 17, 18, 20, 24, 25, 26, 27, 28, 35, 37, 43, 48, 52, 55)


def _groups(videos: Iterable[int], kind: str) -> dict[str, int | None]:
    return {f"VID{video:02d}_{kind}": None for video in videos}


PARTS = (
    PublishedPart("t50_full train", 19_029, _groups(_TRAIN, "t50_full"), unit="sequences"),
    PublishedPart("t50_full test", 7_229, _groups(_TEST, "t50_full"), unit="sequences"),
    PublishedPart("t50_full val", 2_059, _groups(_VAL, "t50_full"), unit="sequences", in_sasv=False),
    PublishedPart("seg8k", 8_080, _groups(_SEG8K, "seg8k"), unit="sequences", in_sasv=False),
    PublishedPart("t50_sparse", 2_681, in_sasv=False),
    PublishedPart("t80_sparse", 2_855, in_sasv=False),
)
_STEPS = {"t50_full": 1, "t50_sparse": 30, "t80_sparse": 30}  # between the numbers of file names
_LINK = LinkRules(gap=1_000_000, gate=0.0)
FORM = DownloadForm(
    files=(
        FileForm(
            "{train,val,test}/VIDxx_KIND/ann_dir/<name>.json", "polygons of a frame", ("*/VID*_*/ann_dir/*.json",)
        ),
        FileForm(
            "{train,val,test}/VIDxx_KIND/img_dir/<name>.png",
            "pictures, which the archive lacks",
            ("*/VID*_*/img_dir/*.png",),
        ),
    ),
    archives=("cholecinstanceseg*.zip",),
    words=("cholecinstanceseg",),
    record=(
        '{"shapes": [{"label": "grasper", "group_id": 1, "shape_type": "polygon", "points": [[x, y], ...]}], '
        '"imageHeight": 480, "imageWidth": 854}'
    ),
)


def find(root: Path) -> Path | None:
    """The folder with `train`, `val` and `test`."""
    return locate(root, "train/VID*_*/ann_dir") or locate(root, "test/VID*_*/ann_dir")


def videos(folder: Path) -> Iterator[RawVideo]:
    """One video per sequence folder, of any of the three parts."""
    for split in get_args(Split):
        for sequence in subfolders(folder / split):
            video, _, kind = sequence.name.partition("_")
            if kind not in _RATES or not video[3:].isdigit():
                raise DatasetError(f"{sequence} is not named VIDxx_ and one of {', '.join(_RATES)}; restore the name")
            rate, per_second = _RATES[kind]
            in_paper = kind == "t50_full" and split != "val"
            yield RawVideo(
                name=sequence.name,
                subset=f"CIS-{split.capitalize()}" if in_paper else None,
                split=split,
                patient=cholec(int(video[3:])),
                fps=rate,
                grouping=dict.fromkeys(LABELS, MaskGrouping.EACH),
                link_rules=_LINK,
                part=f"{kind} {split}" if kind == "t50_full" else kind,
            ).with_frames(
                partial(_find_frames, folder=sequence / "ann_dir", per_second=per_second, step=_STEPS.get(kind))
            )


def _find_frames(video: RawVideo, folder: Path, per_second: int, step: int | None) -> RawVideo:
    records = files(folder, ".json")
    pictures = folder.parent / "img_dir"
    missing = gaps((last_number(record) for record in records), step=step) if step else ()
    video = replace(video, length=len(records), missing=missing)
    try:
        require_all(pictures / f"{record.stem}.png" for record in records)
    except DatasetError as error:
        raise DatasetError(
            f"{error}. The annotation archive has no images: fill img_dir from CholecT50, Cholec80 and CholecSeg8k as "
            "the official repository (labdeeman7/cholec_instance_seg) describes"
        ) from error
    return replace(video, frames=partial(_frames, records, per_second))


def _frames(records: list[Path], per_second: int) -> Iterator[RawFrame]:
    for record in records:
        image = existing(record.parent.parent / "img_dir" / f"{record.stem}.png")
        index = last_number(record)
        yield RawFrame(index, image, _labels(record, image), Fraction(index, per_second))


def _labels(record: Path, image: Path) -> FrameLabels:
    """Instances of a frame. Polygons of one (label, group) are one instance; no polygons mean no instruments."""
    try:
        data = read_json(existing(record), "download it again")
        width, height = data["imageWidth"], data["imageHeight"]
        if width is None or height is None:  # so in almost half of the files
            height, width = picture_size(image)
        check_pixels(whole_number(height, "imageHeight"), whole_number(width, "imageWidth"), str(record))
        groups: dict[tuple[str, Any], Image.Image] = {}
        for number, shape in enumerate(data["shapes"]):
            if shape["shape_type"] != "polygon":
                raise DatasetError(f"{record} has a {shape['shape_type']}, only polygons are known; restore the file")
            group = shape["group_id"] if shape["group_id"] is not None else f"alone {number}"
            canvas = groups.setdefault((text(shape["label"], "label"), group), Image.new("L", (width, height)))
            points = [(float(x), float(y)) for x, y in shape["points"]]
            if len(points) >= 3:
                ImageDraw.Draw(canvas).polygon(points, fill=1, outline=1)
    except DatasetError:
        raise
    except MALFORMED as error:
        raise DatasetError(f"cannot read {record}: {described(error)}; download it again") from error
    return FrameLabels(tuple(RawMask(label, np.array(canvas).astype(bool)) for (label, _), canvas in groups.items()))
