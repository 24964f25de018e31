"""What is needed to build the set, and what of it is there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sam2s.errors import DatasetError
from sam2s.sasv.raw import Facts
from sam2s.sasv.registry import all_adapters


@dataclass(frozen=True)
class Found:
    """One source: its facts, where it was found (None: not), how much, and what is wrong with it ("": nothing seen)."""

    facts: Facts
    folder: Path | None
    videos: int = 0
    frames: int = 0
    problem: str = ""


def survey(root: Path | None) -> list[Found]:
    """Look for every source below a folder (None: only list what is needed). Reads no pixels."""
    if root is not None and not root.is_dir():
        raise DatasetError(f"{root} is not a folder; give the one that holds the unpacked downloads (--root)")
    found = []
    for adapter in all_adapters().values():
        facts, folder, totals, problem = adapter.FACTS, None, Counter[str](), ""
        if root is not None:
            try:
                folder = adapter.find(root)
                for video in adapter.videos(folder) if folder else ():
                    if video.subset is not None:
                        totals += Counter(videos=1, frames=video.length)
            except DatasetError as error:
                problem = str(error)
        found.append(Found(facts, folder, totals["videos"], totals["frames"], problem))
    return found
