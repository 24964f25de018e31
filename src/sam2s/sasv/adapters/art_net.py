"""ART-Net: pictures with one laparoscopic tool. Its archive changed over time, so a mapping file must describe it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sam2s.sasv import mapping
from sam2s.sasv.raw import DownloadForm, FileForm, PublishedPart, RawVideo, SourceInfo

INFO = SourceInfo(
    name="art-net",
    title="ART-Net",
    procedure="hysterectomy",
    subsets=("ART-Net",),
    url="https://github.com/kamruleee51/ART-Net",
    access="request form",
    licence="research only (unverified)",
    layout="a mapping file art-net.yaml in the data folder that describes your copy (docs/how-to/mapping-files.md)",
    assumes=("SA-SV counts 816 pictures, the ART-Net paper 635 with masks; neither says why",),
)
VERSION = 1
PARTS: tuple[PublishedPart, ...] = ()  # not known; the mapping file may say it (`expected`)
FORM = DownloadForm(
    files=(
        FileForm("art-net.yaml", "what you say of your copy (docs/how-to/mapping-files.md)", ("art-net.yaml",)),
        FileForm("as the mapping file says", "pictures and masks", (), needed=False),
    ),
    words=("artnet",),
)


def find(root: Path) -> Path | None:
    """The user's mapping file."""
    return mapping.find(root, INFO)


def videos(file: Path) -> Iterator[RawVideo]:
    """What the mapping file describes."""
    return mapping.videos(file, INFO, split="train", images=True)
