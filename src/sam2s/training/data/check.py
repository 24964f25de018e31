"""Looking for faults in training data: files, sizes, masks, ids, leaps, and videos on both sides of a split."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from sam2s.errors import DatasetError
from sam2s.processes import worker_pool
from sam2s.sasv.masklets import MANIFEST, missing_by_subset, read_manifest

from .davis import PictureVideo
from .film import film_files, films_without_maps
from .leaks import leaks
from .opening import find_entries
from .video import Finding, Source, TrainingEntry, TrainingVideo

SPECK = 16
"""Pixels below which a mask is hardly an object."""
LEAP = 0.35
"""Share of the diagonal that an object may move between annotated frames, if its masks do not touch."""
GROWTH = 8
"""Times that an object may grow or shrink between annotated frames."""
GREY = 64
"""Ids on one frame from which a label map is rather a picture in greys."""

_SIDE = 256  # masks are compared at about this size
_CHUNK = 16  # frames read at once
_SHOWN = 5  # faults that an error lists


@dataclass(frozen=True)
class VideoReport:
    """What was found in one video.

    Attributes:
        name: of the video.
        frames: annotated frames.
        masks: masks that are not empty.
        findings: what is wrong.
        digests: short hashes of its pictures.
    """

    name: str
    frames: int
    masks: int
    findings: tuple[Finding, ...]
    digests: frozenset[bytes] = field(default=frozenset(), repr=False)


@dataclass(frozen=True)
class DataReport:
    """What was found in a dataset: in each of its videos, and in the whole."""

    videos: tuple[VideoReport, ...]
    whole: tuple[Finding, ...]

    @property
    def findings(self) -> list[tuple[str, Finding]]:
        """Everything, with the name of the video or an empty one."""
        found = [(video.name, one) for video in self.videos for one in video.findings]
        return [("", one) for one in self.whole] + found

    @property
    def ok(self) -> bool:
        """Whether nothing fatal was found."""
        return not any(one.fatal for _, one in self.findings)


def check(
    root: Path,
    *,
    split: str | None = None,
    split_file: Path | None = None,
    workers: int = 1,
    report_progress: Callable[[int, int], None] = lambda done, total: None,
) -> DataReport:
    """Read every file of a dataset and look for faults.

    Args:
        root: any folder that clips can be drawn from.
        split: part of it, None for all.
        split_file: what `sam2s sasv split` wrote, for a built set.
        workers: processes.
        report_progress: called with the number of videos done and in all.

    Raises:
        ConfigError: there is no such folder.
        DatasetError: it has no form that is known.
    """
    entries = find_entries(root, split=split, split_file=split_file)
    reports: list[VideoReport] = []
    with worker_pool(workers) if workers > 1 else nullcontext() as pool:
        for report in (pool.map if pool else map)(check_entry, entries):
            reports.append(report)
            report_progress(len(reports), len(entries))
    whole = list(leaks(root, {report.name: report.digests for report in reports}, split_file=split_file))
    if not any(report.masks for report in reports):
        whole.append(Finding("empty", "no video has a mask"))
    if (root / MANIFEST).exists():
        partial = missing_by_subset(read_manifest(root))
        whole += [Finding("part", f"{subset} is incomplete: {text}", fatal=False) for subset, text in partial.items()]
    without = films_without_maps(root)
    if len(without) < len(film_files(root)):  # this form of data; SA-V, say, has no such folders
        whole += [Finding("file", f"not used: {text}", fatal=False) for text in without]
    return DataReport(tuple(reports), tuple(whole))


def preflight(sources: Iterable[Source]) -> None:
    """Look at the headers of all files and one label map a video, lest training stops at a bad one hours later.

    Raises:
        DatasetError: naming the first of what is wrong.
    """
    entries = [entry for source in sources for entry in source.entries]
    with ThreadPoolExecutor(8) as pool:
        found = list(chain.from_iterable(pool.map(_fatal, entries)))
    if found:
        rest = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise DatasetError(f"{'; '.join(found[:_SHOWN])}{rest}. sam2s data check tells all")


def check_entry(entry: TrainingEntry) -> VideoReport:
    """Read every file of a video."""
    findings: list[Finding] = []
    masks = 0
    digests: set[bytes] = set()
    frames = 0
    try:
        video = entry.read()
        findings += video.problems()
        frames = len(video.frames)
        if not any(one.kind == "file" and one.fatal for one in findings):
            watch = _Watch(video)
            findings += watch.findings()
            masks, digests = watch.masks, watch.digests
    except DatasetError as error:
        findings.append(Finding("file", str(error)))
    return VideoReport(entry.name, frames, masks, tuple(findings), frozenset(digests))


class _Watch:
    """Goes through a video and compares each annotated frame with the one before."""

    def __init__(self, video: TrainingVideo) -> None:
        self.video = video
        self.masks = 0
        self.digests: set[bytes] = set()
        self._ids: set[int] = set()
        self._specks: dict[int, list[int]] = defaultdict(list)
        self._bare = 0

    def findings(self) -> Iterator[Finding]:
        before: dict[int, np.ndarray] = {}
        for start in range(0, len(self.video.frames), _CHUNK):
            frames = self.video.frames[start : start + _CHUNK]
            for frame, image in zip(frames, self.video.images(frames), strict=True):
                if image.min() != image.max():
                    self.digests.add(hashlib.blake2b(image.tobytes(), digest_size=8).digest())
                cover = self.video.cover(frame)
                self._ids |= cover.keys()
                if len(cover) >= GREY:
                    yield _greys(frame, len(cover))
                    return
                masks = self.video.masks(frame, list(cover))
                yield from self._areas(frame, image, masks, cover)
                small = {i: _reduced(mask) for i, mask in masks.items()}
                yield from _leaps(frame, before, small)
                before = small
        yield from self._summary()

    def _areas(
        self, frame: int, image: np.ndarray, masks: Mapping[int, np.ndarray], cover: Mapping[int, float]
    ) -> Iterator[Finding]:
        """Areas, against what the dataset says of itself."""
        self._bare += not masks
        for i, mask in masks.items():
            pixels = int(mask.sum())
            self.masks += pixels > 0
            said = round(cover[i] * mask.size)
            if pixels != said and mask.shape == image.shape[:2]:
                yield Finding("empty", f"object {i} has {pixels} pixels in the mask, {said} in the record", frame)
            if 0 < pixels < SPECK:
                self._specks[i].append(frame)

    def _summary(self) -> Iterator[Finding]:
        """What concerns the video as a whole."""
        count = len(self.video.frames)
        if not self.masks:
            text = f"none of {count} annotated frames shows an object" if count else "no frame is annotated"
            yield Finding("empty", text, fatal=False)
        elif 2 * self._bare > count:
            yield Finding("empty", f"{self._bare} of {count} annotated frames show no object", fatal=False)
        missing = sorted(set(range(1, max(self._ids, default=0))) - self._ids)
        if missing:
            hint = "; 255 is often a border, which would be learned as an object" if 255 in self._ids else ""
            text = f"ids {_some(sorted(self._ids))} leave out {_some(missing)}{hint}"
            yield Finding("ids", text, fatal=False)
        for i, frames in self._specks.items():
            text = f"object {i} has fewer than {SPECK} pixels on {_count(len(frames), 'frame')}, first on {frames[0]}"
            yield Finding("size", text, frames[0], fatal=False)


def _leaps(frame: int, before: Mapping[int, np.ndarray], now: Mapping[int, np.ndarray]) -> Iterator[Finding]:
    """Objects that changed places, moved far, or changed size at once."""
    for i in before.keys() & now.keys():
        a, b = before[i], now[i]
        if a.shape != b.shape or not a.any() or not b.any():
            continue
        others = [j for j in before.keys() - {i} if before[j].shape == b.shape and _iou(before[j], b) > 0.6]
        ratio = max(a.sum(), b.sum()) / min(a.sum(), b.sum())
        moved = np.hypot(*(_centre(b) - _centre(a))) / np.hypot(*a.shape)
        if others and _iou(a, b) < 0.1:
            yield Finding("jump", f"object {i} lies where object {others[0]} was: exchanged?", frame, fatal=False)
        elif moved > LEAP and not (a & b).any():
            yield Finding("jump", f"object {i} moves by {moved:.0%} of the diagonal", frame, fatal=False)
        elif ratio > GROWTH and max(a.mean(), b.mean()) > 0.01:
            change = "grows" if b.sum() > a.sum() else "shrinks"
            yield Finding("jump", f"object {i} {change} {ratio:.0f} times", frame, fatal=False)


def _fatal(entry: TrainingEntry) -> list[str]:
    try:
        video = entry.read()
        found = [one for one in video.problems() if one.fatal]
        if not found and isinstance(video, PictureVideo):
            found = [_greys(t, ids) for t in video.frames[:1] if (ids := len(video.cover(t))) >= GREY]
    except DatasetError as error:
        return [str(error)]
    return [f"{entry.name}{'' if one.frame is None else f' frame {one.frame}'}: {one.text}" for one in found]


def _greys(frame: int, ids: int) -> Finding:
    return Finding("ids", f"{ids} ids on one frame: a picture in greys, not a label map", frame)


def _reduced(mask: np.ndarray) -> np.ndarray:
    return mask[:: max(1, mask.shape[0] // _SIDE), :: max(1, mask.shape[1] // _SIDE)]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 0.0


def _centre(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask).mean(0)


def _some(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:6])) + (", ..." if len(numbers) > 6 else "")
