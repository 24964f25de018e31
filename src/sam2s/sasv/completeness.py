"""How much of a published source a copy of it holds, before any pixel is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sam2s.sasv.raw import PublishedPart, RawVideo

_NAMED = 6  # names or numbers that a message lists


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What is missing of one part of a source.

    Attributes:
        part: the part.
        subsets: rows of Table 1 that lack it; none where SA-SV leaves the part out.
        counts: how much is here of how much, such as "60 of 612 frames".
        details: what exactly is missing, as far as the publisher's numbering tells.
    """

    part: PublishedPart
    subsets: tuple[str, ...]
    counts: str
    details: str

    def __str__(self) -> str:
        where = f"{self.part.name}: " if self.part.name else ""
        details = f" ({self.details})" if self.details else ""
        return f"{where}{self.counts}{details}"


def shortfalls(
    parts: Iterable[PublishedPart], videos: Sequence[RawVideo], subsets: Sequence[str], *, everything: bool = False
) -> list[Shortfall]:
    """What a copy lacks of a complete one.

    Args:
        parts: what a complete copy holds.
        videos: what this copy holds; a video with a problem counts as there, for its problem is told by itself.
        subsets: rows of Table 1 that the source feeds.
        everything: look at parts that SA-SV leaves out, too.
    """
    found = []
    for part in parts:
        if part.in_sasv or everything:
            members = [video for video in videos if video.part == part.name]
            counts, details = _compare(part, members)
            if counts:
                rows = tuple(dict.fromkeys(v.subset for v in members if v.subset)) or tuple(subsets)
                found.append(Shortfall(part, rows if part.in_sasv else (), ", ".join(counts), "; ".join(details)))
    return found


def _compare(part: PublishedPart, videos: Sequence[RawVideo]) -> tuple[list[str], list[str]]:
    """Counts that fall short and what is missing; nothing where every number that is known of the part is reached."""
    frames: Counter[str] = Counter()
    for video in videos:
        frames[video.group or video.name] += video.length
    damaged = {video.group or video.name for video in videos if video.problem}
    absent = [group for group in part.groups if group not in frames]
    counts, details = [], []
    if absent:
        counts.append(f"{len(part.groups) - len(absent):,} of {len(part.groups):,} {part.unit}")
        details.append(f"missing: {_listed(absent)}")
    if part.count is not None and len(frames) < part.count:
        counts.append(f"{len(frames):,} of {part.count:,} {part.unit}")
    total = sum(frames.values())
    if part.frames is not None and total < part.frames and not damaged:
        counts.insert(0, f"{total:,} of {part.frames:,} frames")
    gaps = {video.name: video.missing for video in videos if video.missing}
    if gaps and (part.frames is None or total < part.frames):
        if part.frames is None or damaged:
            counts.append(f"{sum(map(len, gaps.values())):,} frames are missing between others")
        lacking = [f"{name} lacks {_listed(ranges(numbers))}" for name, numbers in gaps.items()]
        details.append(_listed(lacking, separator="; "))
    else:
        short = {g: n for g, n in part.groups.items() if n is not None and g not in damaged and 0 < frames[g] < n}
        if short:
            details.append(_listed([f"{g} has {frames[g]:,} of {n:,} frames" for g, n in short.items()]))
            if part.frames is None:
                counts.append(f"{len(short)} {part.unit} are incomplete")
    counts += _compare_labels(part, videos)
    return counts, details


def _compare_labels(part: PublishedPart, videos: Sequence[RawVideo]) -> list[str]:
    """Masks and masklets that the source's own records should name and do not."""
    lines = []
    listed = [video.masks for video in videos if video.masks is not None]
    if part.masks is not None and sum(listed) < part.masks:
        lines.append(f"{sum(listed):,} of {part.masks:,} masks")
    for video in videos:
        group = video.group or video.name
        if video.masklets is not None and video.masklets < part.masklets.get(group, 0):
            lines.append(f"{video.masklets} of {part.masklets[group]} objects of {group}")
    return lines


def ranges(numbers: Sequence[int]) -> list[str]:
    """Rising numbers in words, those that follow each other as "3 to 7"."""
    words: list[str] = []
    first = last = None
    for number in [*numbers, None]:
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            words.append(str(first) if first == last else f"{first} to {last}")
        first = last = number
    return words


def _listed(names: Sequence[str], separator: str = ", ") -> str:
    more = f"{separator}and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return separator.join(names[:_NAMED]) + more
