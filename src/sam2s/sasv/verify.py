"""Checking a built set: files against hashes, counts against Table 1, patients against splits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sam2s.sasv.counts import COLUMNS, TableRow, Tally, table1, tally
from sam2s.sasv.masklets import SUMS, MaskletDataset, missing_by_subset, video_folder
from sam2s.sasv.patients import shared_patients
from sam2s.sasv.video_labels import sha256


@dataclass(frozen=True)
class CountLine:
    """One number of Table 1: the paper's, ours, and why they differ ("" when they agree)."""

    subset: str
    column: str
    paper: int
    built: int
    reason: str


@dataclass
class Findings:
    """What `verify` found.

    Attributes:
        lines: numbers of Table 1.
        missing: subsets that are not built, and from which source they come.
        damage: files that are missing, changed or unexpected.
        shared: patients that are both trained and tested on, with the videos.
        doubtful: guessed links, and how many of them are doubtful, by subset.
        incomplete: subsets of which only a part is there, and what is missing.
        stale: videos that were built before and are left out of the set, and why.
    """

    lines: list[CountLine] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)
    shared: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    doubtful: dict[str, tuple[int, int]] = field(default_factory=dict)
    incomplete: dict[str, str] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the set can be used: nothing damaged, no patient on both sides. Counts may differ."""
        return not (self.damage or self.shared)

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain data."""
        return {"ok": self.ok, **asdict(self)}


def verify(root: Path, *, hashes: bool = True) -> Findings:
    """Check a built set; `hashes` reads every file once."""
    data = MaskletDataset(root)
    damage = check_hashes(root, data.manifest["videos"]) if hashes else []
    if damage:
        broken = {item.split(":")[0] for item in damage}
        videos = [data[name] for name in data.ids if name not in broken]
    else:
        videos = list(data)
    counts = tally(videos)
    entries = data.manifest["videos"]
    findings = Findings(
        damage=damage,
        shared=shared_patients(entries),
        incomplete=missing_by_subset(data.manifest),
        stale=data.manifest.get("stale", {}),
    )
    for row in table1():
        if row.subset in counts:
            findings.lines += compare(row, counts[row.subset])
            stats = counts[row.subset].link_stats
            findings.doubtful[row.subset] = (stats["clear"] + stats["doubtful"], stats["doubtful"])
        else:
            findings.missing[row.subset] = row.source
    return findings


def compare(row: TableRow, counts: Tally) -> list[CountLine]:
    """One row of Table 1 against what was built.

    The row's own reasons speak of a whole download: where the number of videos differs for no reason of the row's own,
    only the general ones hold.
    """
    lines = []
    whole = counts.videos == (row.numbers["videos"] or 0) or row.why["videos"] != row.general["videos"]
    why = row.why if whole else row.general
    for column in COLUMNS:
        paper, built = row.numbers[column], getattr(counts, column)
        if paper is None and (not built or column in ("videos", "masklets")):
            continue
        reason = "" if paper == built else why[column]
        if paper is None:
            reason = "SA-SV drops these labels of the source"
        elif built < paper and column != "frames" and counts.frames < (row.numbers["frames"] or 0):
            reason = f"not all frames are built; {reason}"
        lines.append(CountLine(row.subset, column, paper or 0, built, reason))
    return lines


def check_hashes(root: Path, entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Files that differ from what was built, as "video: file and what is wrong"."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        lines_by_video = pool.map(
            lambda item: _check_video(item[0], video_folder(root, item[0]), item[1]["sha256"]), entries.items()
        )
        return [line for lines in lines_by_video for line in lines]


def _check_video(name: str, folder: Path, expected: str) -> list[str]:
    sums = folder / SUMS
    if not sums.is_file():
        return [f"{name}: {SUMS} is missing; build it again"]
    if sha256(sums) != expected:
        return [f"{name}: changed since the manifest was written; build it again, or share changes as a patch"]
    lines, listed = [], {SUMS}
    for digest, file in (line.split("  ", 1) for line in sums.read_text("utf-8").splitlines()):
        listed.add(file)
        if not (folder / file).is_file():
            lines.append(f"{name}: {file} is missing; build it again")
        elif sha256(folder / file) != digest:
            lines.append(f"{name}: {file} is damaged; build it again")
    return lines + [f"{name}: {file} does not belong here" for file in sorted(_present(folder) - listed)]


def _present(folder: Path) -> set[str]:
    names: Iterable[Path] = folder.rglob("*")
    return {path.relative_to(folder).as_posix() for path in names if path.is_file()}
