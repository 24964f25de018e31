"""Hyst-YT: hysterectomy videos of the SAM2S authors. It is not public, so a mapping file must describe it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sam2s.sasv import mapping
from sam2s.sasv.raw import DownloadForm, FileForm, PublishedPart, RawVideo, SourceInfo

INFO = SourceInfo(
    name="hyst-yt",
    title="Hyst-YT",
    procedure="hysterectomy",
    subsets=("Hyst-YT",),
    url="https://arxiv.org/abs/2506.23759",
    access="not public; ask the authors",
    licence="unverified",
    layout="a mapping file hyst-yt.yaml in the data folder that describes your copy (docs/how-to/mapping-files.md)",
    assumes=("only the SAM2S paper mentions it: neither files nor a listing could be seen",),
)
VERSION = 1
PARTS: tuple[PublishedPart, ...] = ()  # not known; the mapping file may say it (`expected`)
FORM = DownloadForm(
    files=(
        FileForm("hyst-yt.yaml", "what you say of your copy (docs/how-to/mapping-files.md)", ("hyst-yt.yaml",)),
        FileForm("as the mapping file says", "pictures and masks", (), needed=False),
    ),
    words=("hystyt",),
)


def find(root: Path) -> Path | None:
    """The user's mapping file."""
    return mapping.find(root, INFO)


def videos(file: Path) -> Iterator[RawVideo]:
    """What the mapping file describes."""
    return mapping.videos(file, INFO, split="test")
