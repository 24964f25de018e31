"""Kvasir-SEG: 1,000 colonoscopy images with polyp masks stored as JPEG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from sam2s.sasv.raw import DownloadForm, FileForm, FrameLabels, PublishedPart, RawFrame, RawMask, RawVideo, SourceInfo
from sam2s.sasv.reading import existing, files, locate, read_binary

INFO = SourceInfo(
    name="kvasir-seg",
    title="Kvasir-SEG",
    procedure="colonoscopy",
    subsets=("Kvasir-SEG",),
    url="https://datasets.simula.no/kvasir-seg",
    access="free",
    licence="research and education (unverified)",
    layout="kavsir_bboxes.json (spelled so), images/*.jpg, masks/*.jpg of the same names",
    assumes=("no patient is known, so each image counts as a patient of its own",),
)
VERSION = 1
PARTS = (PublishedPart(frames=1000),)
FORM = DownloadForm(
    files=(
        FileForm("kavsir_bboxes.json", "boxes, not read; its spelling is official", ("kavsir_bboxes.json",)),
        FileForm("images/<id>.jpg", "pictures", ("images/*.jpg",), telling=False),
        FileForm("masks/<id>.jpg", "masks, saved with loss", ("masks/*.jpg",), telling=False),
    ),
    archives=("kvasir-seg*.zip",),
    words=("kvasir", "kavsir"),
    codes={"above 127": "polyp"},
)


def find(root: Path) -> Path | None:
    """The folder with `images`, `masks` and the boxes."""
    return locate(root, "kavsir_bboxes.json", "images", "masks")


def videos(folder: Path) -> Iterator[RawVideo]:
    """One single-frame video per image."""
    for image in files(folder / "images", ".jpg"):
        yield RawVideo(
            name=image.stem,
            length=1,
            subset="Kvasir-SEG",
            split="train",
            patient=f"kvasir-seg:{image.stem}",
            images=True,
        ).with_frames(partial(_find_frames, image=image, mask=folder / "masks" / image.name))


def _find_frames(video: RawVideo, image: Path, mask: Path) -> RawVideo:
    return replace(video, frames=partial(_frames, image, existing(mask)))


def _frames(image: Path, mask: Path) -> Iterator[RawFrame]:
    yield RawFrame(0, existing(image), FrameLabels((RawMask("polyp", read_binary(existing(mask))),)))
