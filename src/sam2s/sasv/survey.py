"""What is needed to build the set, and what of it is there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sam2s.errors import DatasetError
from sam2s.sasv.raw import SourceInfo
from sam2s.sasv.registry import all_adapters, list_videos


@dataclass(frozen=True)
class SourceSurvey:
    """One source: its info, where it was found (None: not), how much, and what is wrong with it ("": nothing seen)."""

    info: SourceInfo
    folder: Path | None
    videos: int = 0
    frames: int = 0
    problem: str = ""


def survey(root: Path | None) -> list[SourceSurvey]:
    """Look for every source below a folder (None: only list what is needed). Reads no pixels."""
    if root is not None and not root.is_dir():
        raise DatasetError(f"{root} is not a folder; give the one that holds the unpacked downloads (--root)")
    surveys = []
    for adapter in all_adapters().values():
        info, folder, totals, problem = adapter.INFO, None, Counter[str](), ""
        if root is not None:
            try:
                folder = adapter.find(root)
                videos = list_videos(adapter, folder) if folder else []
                bad = [video for video in videos if video.problem]
                for video in videos:
                    if video.subset is not None and not video.problem:
                        totals += Counter(videos=1, frames=video.length)
                if bad:
                    more = f" (and something with {len(bad) - 1} more videos)" if len(bad) > 1 else ""
                    problem = f"{bad[0].name}: {bad[0].problem}{more}"
            except DatasetError as error:
                problem = str(error)
        surveys.append(SourceSurvey(info, folder, totals["videos"], totals["frames"], problem))
    return surveys
