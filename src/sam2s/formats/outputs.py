"""Which files in a folder are exports of a workspace: those that it lists in a file. Others are never touched."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from sam2s.errors import OutputError
from sam2s.files import write_atomically

KINDS = {
    "davis": "davis",
    "coco": "coco.json",
    "ytvis": "youtube_vis.json",
    "csv": "masks.csv",
    "overlay": "overlay.mp4",
    "jsonl": "masks.jsonl",
    "sav": "sav.json",
    "cvat": "cvat.xml",
    "cvat-zip": "cvat.zip",
    "labelme": "labelme",
    "yolo": "yolo",
    "dicom-seg": "segmentation.dcm",
    "dicom-sc": "capture.dcm",
}
"""Kinds of export, and the file or folder each makes; those of `TABLES` make a table beside it as well."""
WITH_VIDEO = ("overlay", "dicom-seg", "dicom-sc")
"""Kinds that need the video as well: its pictures, or what they refer to it by."""
TABLES = {"csv": "summary.csv", "sav": "sav_quality.csv"}
"""Tables that kinds of export make beside their file."""
LISTING = ".sam2s-exports.json"
"""Lists the exports that lie beside it."""


def files_of(kind: str) -> list[str]:
    """Names of all that a kind of export makes."""
    return [KINDS[kind], *([TABLES[kind]] if kind in TABLES else [])]


def recorded(folder: Path) -> list[str]:
    """Names of the exports that were made into a folder."""
    try:
        listed = json.loads((folder / LISTING).read_bytes())["exports"]
        return [name for kind in KINDS for name in files_of(kind) if name in listed]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def check_free(folder: Path, kind: str) -> None:
    """Refuse to replace what is not an export of ours.

    Raises:
        OutputError: naming the file.
    """
    ours = recorded(folder)
    for name in files_of(kind):
        if os.path.lexists(folder / name) and name not in ours:
            raise OutputError(
                f"{folder / name} is there and is not an export of the run in {folder}; move it or give another --out"
            )


def claim(folder: Path, kind: str) -> Path:
    """Where an export goes; it is listed, so that a later one may replace it.

    Raises:
        OutputError: there lies something that is not an export of ours, or the folder cannot be written.
    """
    check_free(folder, kind)
    made = recorded(folder)
    if new := [name for name in files_of(kind) if name not in made]:
        write_atomically(folder / LISTING, json.dumps({"exports": made + new}).encode() + b"\n")
    return folder / KINDS[kind]


def remove(folder: Path) -> None:
    """Remove the exports in a folder, and their list.

    Raises:
        OutputError: one cannot be removed.
    """
    for path in (folder / name for name in [*recorded(folder), LISTING]):
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot remove {path}: {error.strerror or error}; give another --out") from error
