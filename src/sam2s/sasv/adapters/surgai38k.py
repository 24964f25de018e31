"""SurgAI3.8k: the uterus in laparoscopies. The layout of its archive is unverified, so a mapping file must say it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sam2s.sasv import mapping
from sam2s.sasv.raw import DownloadForm, FileForm, PublishedPart, RawVideo, SourceInfo

INFO = SourceInfo(
    name="surgai3.8k",
    title="SurgAI3.8k",
    procedure="gynecology",
    subsets=("SurgAI3.8k",),
    url="http://igt.ip.uca.fr/~ab/code_and_datasets/datasets/surgai3.8k_v1p0.zip",
    access="free (the address was reported dead)",
    licence="unverified",
    layout="a mapping file surgai3.8k.yaml in the data folder that describes your copy (docs/how-to/mapping-files.md)",
    assumes=(
        "SA-SV holds the uterus alone, one object a video; map it alone (objects: whole) to compare",
        "which 51 of the 79 videos SA-SV took is not published: list them under split",
    ),
)
VERSION = 1
PARTS: tuple[PublishedPart, ...] = ()  # not known; the mapping file may say it (`expected`)
FORM = DownloadForm(
    files=(
        FileForm("surgai3.8k.yaml", "what you say of your copy (docs/how-to/mapping-files.md)", ("surgai3.8k.yaml",)),
        FileForm("as the mapping file says", "pictures and masks", (), needed=False),
    ),
    words=("surgai3",),
)


def find(root: Path) -> Path | None:
    """The user's mapping file."""
    return mapping.find(root, INFO)


def videos(file: Path) -> Iterator[RawVideo]:
    """What the mapping file describes."""
    return mapping.videos(file, INFO, split="test")
