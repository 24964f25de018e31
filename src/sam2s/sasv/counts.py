"""What a built set holds, counted from its `video.json` files, and what Table 1 of the paper says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from importlib.resources import files

import yaml

from sam2s.sasv.masklets import MaskletVideo

COLUMNS = ("videos", "frames", "instruments", "tissues", "masklets")


@dataclass
class Tally:
    """Counts of a subset, in the columns of Table 1; videos and masklets are of videos only, not of single images.

    Attributes:
        videos: videos.
        frames: frames that somebody annotated.
        instruments: masks of instruments.
        tissues: masks of tissues.
        masklets: objects with at least one mask.
        seconds: summed duration where the source tells a rate, at one frame a second where it does not.
        pixels: summed area of masks as a share of their frames.
        categories: masklets (or masks of single images) by category.
        link_stats: see `linking.py`, summed.
    """

    videos: int = 0
    frames: int = 0
    instruments: int = 0
    tissues: int = 0
    masklets: int = 0
    seconds: Fraction = Fraction(0)
    pixels: float = 0.0
    categories: dict[str, int] = field(default_factory=dict)
    link_stats: dict[str, int] = field(default_factory=dict)

    def add(self, video: MaskletVideo) -> None:
        """Count one more video."""
        self.frames += sum(frame.layers > 0 for frame in video.frames)
        for masklet in video.objects:
            seen = masklet.seen
            if masklet.kind == "instrument":
                self.instruments += len(seen)
            else:
                self.tissues += len(seen)
            self.pixels += sum(masklet.area[t] or 0 for t in seen) / (video.size[0] * video.size[1])
            if seen:
                self.categories[masklet.category] = self.categories.get(masklet.category, 0) + 1
        if not video.images:
            self.videos += 1
            self.masklets += sum(bool(masklet.seen) for masklet in video.objects)
            self.seconds += Fraction(len(video)) / (video.fps or 1)
        for name, number in video.link_stats.items():
            self.link_stats[name] = self.link_stats.get(name, 0) + number

    @property
    def masks(self) -> int:
        """All masks."""
        return self.instruments + self.tissues


@dataclass(frozen=True)
class TableRow:
    """One row of Table 1.

    Attributes:
        subset: name of the row.
        source: where it comes from.
        split: train or test.
        procedure: kind of surgery.
        numbers: by column; None where the paper has none.
        why: by column, why a set from the public labels differs.
        general: the same as far as it holds for every row.
    """

    subset: str
    source: str
    split: str
    procedure: str
    numbers: Mapping[str, int | None]
    why: Mapping[str, str]
    general: Mapping[str, str]


@cache
def table1() -> tuple[TableRow, ...]:
    """Table 1 of the paper, with the reasons why a set from the public labels differs."""
    data = yaml.safe_load((files("sam2s.sasv") / "table1.yaml").read_text("utf-8"))
    return tuple(
        TableRow(
            subset=row["subset"],
            source=row["source"],
            split=row["split"],
            procedure=row["procedure"],
            numbers={column: row.get(column) for column in COLUMNS},
            why={**data["general"], **row.get("why", {})},
            general=data["general"],
        )
        for row in data["rows"]
    )


def tally(videos: Iterable[MaskletVideo]) -> dict[str | None, Tally]:
    """Counts by subset, in the order of Table 1; material that SA-SV leaves out stands under None."""
    counts: dict[str | None, Tally] = {}
    for video in videos:
        counts.setdefault(video.subset, Tally()).add(video)
    order = [row.subset for row in table1()]
    return {s: counts[s] for s in sorted(counts, key=lambda s: order.index(s) if s in order else len(order))}


def tally_videos(videos: Iterable[MaskletVideo]) -> dict[str, Tally]:
    """Counts by video."""
    counts: dict[str, Tally] = {}
    for video in videos:
        counts.setdefault(video.id, Tally()).add(video)
    return counts
