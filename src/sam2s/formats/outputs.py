"""Which files in a run folder are exports of the run: those that its run.json names. Others are never touched."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from sam2s.errors import OutputError

FILES = {
    "davis": "davis",
    "coco": "coco.json",
    "ytvis": "youtube_vis.json",
    "csv": "masks.csv",
    "overlay": "overlay.mp4",
}
"""Kinds of export, and the file or folder each makes; csv makes summary.csv as well."""
SUMMARY = "summary.csv"


def files_of(kind: str) -> list[str]:
    """Names of all that a kind of export makes."""
    return [FILES[kind], *([SUMMARY] if kind == "csv" else [])]


def recorded(folder: Path) -> list[str]:
    """Names of the exports that the run in a folder has made; none where there is no run that can be read."""
    try:
        made = json.loads((folder / "run.json").read_bytes())["exports"]
        return [name for kind in FILES for name in files_of(kind) if name in made]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def check_free(folder: Path, kind: str) -> None:
    """Refuse to replace what the run in a folder has not made.

    Raises:
        OutputError: naming the file.
    """
    for name in files_of(kind):
        if os.path.lexists(folder / name) and name not in recorded(folder):
            raise OutputError(
                f"{folder / name} is there and is no export of the run in {folder}; move it or give another --out"
            )


def remove(folder: Path) -> None:
    """Remove the exports of the run in a folder.

    Raises:
        OSError: one cannot be removed.
    """
    for path in (folder / name for name in recorded(folder)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
