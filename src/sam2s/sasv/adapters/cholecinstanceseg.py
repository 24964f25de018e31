"""CholecInstanceSeg: instrument polygons on frames of Cholec80, CholecT50 and CholecSeg8k, one JSON per frame."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from PIL import Image, ImageDraw

from sam2s.errors import DatasetError
from sam2s.sasv.patients import cholec
from sam2s.sasv.raw import FrameLabels, LinkRules, MaskGrouping, RawFrame, RawMask, RawVideo, SourceInfo, Split
from sam2s.sasv.reading import existing, files, last_number, locate, subfolders

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

LABELS = ("grasper", "hook", "irrigator", "clipper", "bipolar", "scissors", "snare")
# Per kind of sequence: annotated frames a second, and how many of the numbers in file names make a second.
_RATES = {"t50_full": (Fraction(1), 1), "t50_sparse": (Fraction(1, 30), 1), "t80_sparse": (Fraction(1, 30), 1)}
_RATES["seg8k"] = (Fraction(25), 25)
_LINK = LinkRules(gap=1_000_000, gate=0.0)


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
            ).with_frames(partial(_find_frames, folder=sequence / "ann_dir", per_second=per_second))


def _find_frames(video: RawVideo, folder: Path, per_second: int) -> RawVideo:
    records = files(folder, ".json")
    return replace(video, frames=partial(_frames, records, per_second), length=len(records))


def _frames(records: list[Path], per_second: int) -> Iterator[RawFrame]:
    for record in records:
        image = record.parent.parent / "img_dir" / f"{record.stem}.png"
        if not image.is_file():
            raise DatasetError(
                f"{image} is missing; the annotation archive has no images: fill img_dir from CholecT50, Cholec80 and "
                "CholecSeg8k as the official repository (labdeeman7/cholec_instance_seg) describes"
            )
        index = last_number(record)
        yield RawFrame(index, image, _labels(record, image), Fraction(index, per_second))


def _labels(record: Path, image: Path) -> FrameLabels:
    """Instances of a frame. Polygons of one (label, group) are one instance; no polygons mean no instruments."""
    try:
        data = json.loads(existing(record).read_text("utf-8"))
        width, height = data["imageWidth"], data["imageHeight"]
        if width is None or height is None:  # so in almost half of the files
            with Image.open(image) as picture:
                width, height = picture.size
        groups: dict[tuple[str, Any], Image.Image] = {}
        for number, shape in enumerate(data["shapes"]):
            if shape["shape_type"] != "polygon":
                raise DatasetError(f"{record} has a {shape['shape_type']}, only polygons are known; restore the file")
            group = shape["group_id"] if shape["group_id"] is not None else f"alone {number}"
            canvas = groups.setdefault((shape["label"], group), Image.new("L", (width, height)))
            points = [(float(x), float(y)) for x, y in shape["points"]]
            if len(points) >= 3:
                ImageDraw.Draw(canvas).polygon(points, fill=1, outline=1)
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise DatasetError(f"cannot read {record}: {type(error).__name__} {error}; download it again") from error
    return FrameLabels(tuple(RawMask(label, np.array(canvas).astype(bool)) for (label, _), canvas in groups.items()))
