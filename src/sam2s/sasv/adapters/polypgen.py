"""PolypGen (v3): colonoscopy from six centres; 23 sequences with polyps, 23 without, 1,537 single images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from sam2s.errors import DatasetError
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
from sam2s.sasv.reading import existing, files, last_number, locate, read_binary, subfolders
from sam2s.sasv.traces import note

INFO = SourceInfo(
    name="polypgen",
    title="PolypGen",
    procedure="colonoscopy",
    subsets=("PolypGen",),
    url="https://www.synapse.org/#!Synapse:syn26376615 (PolypGen2021_MultiCenterData_v3.zip)",
    access="Synapse account",
    licence="CC BY 4.0",
    layout="sequenceData/positive/seq1..23/{images,masks}_seqN, sequenceData/negativeOnly, data_C1..C6",
    assumes=(
        "seq1 and seq7 are the two positive sequences that SA-SV leaves out",
        "single images and sequences without polyps are no part of SA-SV; --all builds them",
    ),
)
VERSION = 1
POSITIVE, NEGATIVE, SINGLE = "positive sequences", "negative sequences", "single images"
PARTS = (
    PublishedPart(POSITIVE, 2_225, {f"seq{number}": None for number in range(1, 24)}, unit="sequences"),
    PublishedPart(
        NEGATIVE, 4_275, {f"seq{number}_neg": None for number in range(1, 24)}, unit="sequences", in_sasv=False
    ),
    PublishedPart(
        SINGLE,
        1_537,
        {"C1": 256, "C2": 301, "C3": 457, "C4": 227, "C5": 208, "C6": 88},
        unit="centres",
        in_sasv=False,
    ),
)

# The paper has 21 of the 23 sequences; these two are described as normal mucosa.
LEFT_OUT = ("seq1", "seq7")
_LINK = LinkRules(gap=1000, gate=0.0)  # irregular frames, nearly always one polyp a sequence
FORM = DownloadForm(
    files=(
        FileForm(
            "sequenceData/positive/seqN/images_seqN/<name>.jpg",
            "pictures; the last number of the name orders them",
            ("sequenceData/positive/seq*/images_seq*/*.jpg",),
        ),
        FileForm(
            "sequenceData/positive/seqN/masks_seqN/<name>_mask.jpg",
            "masks, saved with loss",
            ("sequenceData/positive/seq*/masks_seq*/*_mask.jpg",),
        ),
        FileForm(
            "sequenceData/negativeOnly/seqN_neg/<name>.jpg",
            "pictures without polyps",
            ("sequenceData/negativeOnly/seq*_neg/*.jpg",),
            needed=False,
        ),
        FileForm(
            "data_Cn/images_Cn/<name>.jpg",
            "single pictures of a centre",
            ("data_C[1-6]/images_C[1-6]/*.jpg",),
            needed=False,
        ),
        FileForm(
            "data_Cn/masks_Cn/<name>_mask.jpg", "their masks", ("data_C[1-6]/masks_C[1-6]/*_mask.jpg",), needed=False
        ),
    ),
    archives=("PolypGen*.zip",),
    words=("polypgen",),
    codes={"above 127": "polyp"},
)


def find(root: Path) -> Path | None:
    """The folder with `sequenceData`."""
    return locate(root, "sequenceData/positive/seq*")


def videos(folder: Path) -> Iterator[RawVideo]:
    """Sequences with polyps, sequences without, then the single images of each centre."""
    for sequence in subfolders(folder / "sequenceData" / "positive"):
        images, masks = (sequence / f"{kind}_{sequence.name}" for kind in ("images", "masks"))
        subset = None if sequence.name in LEFT_OUT else "PolypGen"
        video = _video(sequence.name, subset, f"polypgen:{sequence.name}")
        video = replace(video, part=POSITIVE, group=sequence.name)
        yield video.with_frames(partial(_find_frames, images=images, masks=masks))
    for sequence in subfolders(folder / "sequenceData" / "negativeOnly"):
        video = _video(sequence.name, None, f"polypgen:{sequence.name}")
        video = replace(video, part=NEGATIVE, group=sequence.name)
        yield video.with_frames(partial(_find_frames, images=sequence, masks=None))
    for centre in (f"C{number}" for number in range(1, 7)):
        base = folder / f"data_{centre}"
        for image in files(base / f"images_{centre}", ".jpg") if base.is_dir() else []:
            name = f"{centre}_{image.stem}"
            video = _video(name, None, _patient(centre, image.stem))
            video = replace(video, images=True, length=1, part=SINGLE, group=centre)
            yield video.with_frames(partial(_find_pair, image=image, masks=base / f"masks_{centre}"))


def _video(name: str, subset: str | None, patient: str) -> RawVideo:
    name = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
    return RawVideo(name=name, subset=subset, split="test", patient=patient, link_rules=_LINK)


def _find_frames(video: RawVideo, images: Path, masks: Path | None) -> RawVideo:
    """Add the frames of a sequence; every mask must have its picture.

    Stems vary (0_endocv2021_positive_104, seq1_C6_10); the last number counts.
    """
    pictures = sorted(files(images, ".jpg"), key=lambda image: (last_number(image), image.name))
    if masks is not None:
        used = {mask.name for image in pictures for mask in _masks_of(image, masks)}
        if stray := [mask.name for mask in files(masks, ".jpg") if mask.name not in used]:
            raise DatasetError(
                f"{len(stray)} masks of {masks} have no picture in {images}, such as {stray[0]}; unpack the official "
                "download again"
            )
        if bare := [image.name for image in pictures if not any(mask.is_file() for mask in _masks_of(image, masks))]:
            raise DatasetError(
                f"{len(bare)} pictures of {images} have no mask in {masks}, such as {bare[0]}; unpack the official "
                "download again"
            )
    return replace(video, frames=partial(_frames, pictures, masks), length=len(pictures))


def _find_pair(video: RawVideo, image: Path, masks: Path) -> RawVideo:
    _mask_of(image, masks)
    return replace(video, frames=partial(_frames, [image], masks))


def _patient(centre: str, stem: str) -> str:
    """Single images name the patient in two centres; elsewhere a centre is taken as one patient, to be safe."""
    if centre == "C1":
        return f"polypgen:C1:{stem[:3]}"
    if centre == "C4" and (number := re.match(r"\d+", stem)):
        return f"polypgen:C4:{number[0]}"
    return f"polypgen:{centre}"


def _frames(pictures: list[Path], masks: Path | None) -> Iterator[RawFrame]:
    for image in pictures:
        regions = () if masks is None else (RawMask("polyp", read_binary(_mask_of(image, masks))),)
        yield RawFrame(last_number(image), existing(image), FrameLabels(regions))


def _mask_of(image: Path, masks: Path) -> Path:
    exact, other = _masks_of(image, masks)
    note(exact)
    return existing(exact if exact.exists() else other)


def _masks_of(image: Path, masks: Path) -> tuple[Path, Path]:
    """X.jpg has X_mask.jpg; one file of centre 3 ends in a stray underscore."""
    return masks / f"{image.stem}_mask.jpg", masks / f"{image.stem.rstrip('_')}_mask.jpg"
