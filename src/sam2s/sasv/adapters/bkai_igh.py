"""BKAI-IGH NeoPolyp: 1,000 colonoscopy images; red is neoplastic, green is not, stored as lossy JPEG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from sam2s.sasv.raw import DownloadForm, FileForm, FrameLabels, PublishedPart, RawFrame, RawMask, RawVideo, SourceInfo
from sam2s.sasv.reading import existing, files, locate, read_rgb

INFO = SourceInfo(
    name="bkai-igh",
    title="BKAI-IGH NeoPolyp",
    procedure="colonoscopy",
    subsets=("BKAI-IGH",),
    url="https://www.kaggle.com/c/bkai-igh-neopolyp",
    access="Kaggle account, accept the competition's rules",
    licence="the competition's rules (unverified)",
    layout="train/train/*.jpeg and train_gt/train_gt/*.jpeg, or train/*.jpeg and train_gt/*.jpeg",
    assumes=("the 200 test images have no masks and are left out", "each image counts as a patient of its own"),
)
VERSION = 1
PARTS = (PublishedPart(frames=1000),)
FORM = DownloadForm(
    files=(
        FileForm(
            "train/train/<hash>.jpeg or train/<hash>.jpeg",
            "pictures",
            (
                "train/train/*.jpeg",
                "train/*.jpeg",
            ),
            telling=False,
        ),
        FileForm(
            "train_gt/train_gt/<hash>.jpeg or train_gt/<hash>.jpeg",
            "colours, saved with loss",
            (
                "train_gt/train_gt/*.jpeg",
                "train_gt/*.jpeg",
            ),
        ),
    ),
    archives=("bkai-igh-neopolyp.zip",),
    words=("bkai", "neopolyp"),
    codes={"red": "neoplastic polyp", "green": "non-neoplastic polyp"},
)


def find(root: Path) -> Path | None:
    """The folder with `train` and `train_gt`, nested as downloaded or flattened."""
    return locate(root, "train_gt/train_gt/*.jpeg", "train/train") or locate(root, "train_gt/*.jpeg", "train")


def videos(folder: Path) -> Iterator[RawVideo]:
    """One single-frame video per training image."""
    images, masks = folder / "train", folder / "train_gt"
    if (masks / "train_gt").is_dir():
        images, masks = images / "train", masks / "train_gt"
    for image in files(images, ".jpeg"):
        yield RawVideo(
            name=image.stem,
            length=1,
            subset="BKAI-IGH",
            split="train",
            patient=f"bkai-igh:{image.stem}",
            images=True,
        ).with_frames(partial(_find_frames, image=image, mask=masks / image.name))


def _find_frames(video: RawVideo, image: Path, mask: Path) -> RawVideo:
    return replace(video, frames=partial(_frames, image, existing(mask)))


def _frames(image: Path, mask: Path) -> Iterator[RawFrame]:
    colours = read_rgb(existing(mask)).astype(np.int16)
    red, green = colours[..., 0], colours[..., 1]
    neoplastic = RawMask("neoplastic", (red > 127) & (red > green))
    benign = RawMask("non-neoplastic", (green > 127) & (green >= red))
    yield RawFrame(0, existing(image), FrameLabels((neoplastic, benign)))
