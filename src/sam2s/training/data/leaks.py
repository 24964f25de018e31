"""What is in more than one part of a split, and so makes results look better than they are; lists of absent videos."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from sam2s.formats.davis_sets import split_lists, unknown_names
from sam2s.sasv.masklets import MANIFEST, read_manifest
from sam2s.sasv.patients import shared_patients
from sam2s.sasv.splits import PARTS, assigned_splits

from .video import Finding

_NAMES = {**dict(zip(PARTS, PARTS, strict=True)), "valid": "val", "validation": "val"}


def leaks(
    root: Path, pictures: Mapping[str, Collection[bytes]], *, split_file: Path | None = None
) -> Iterator[Finding]:
    """Find patients, videos and pictures in several parts of a dataset.

    Args:
        root: a built set, or a folder with lists of splits in ImageSets or a folder for each split; others have no
            parts that could leak.
        pictures: by video, hashes of its pictures.
        split_file: what divides a built set instead of its own parts.
    """
    if (root / MANIFEST).exists():
        videos = read_manifest(root)["videos"]
        assigned = assigned_splits(videos, split_file)
        parts = {name: {part} for name, part in assigned.items()}
        videos = {name: {**entry, "split": assigned[name]} for name, entry in videos.items()}
        for patient, by in shared_patients(videos).items():
            yield Finding("leak", f"patient {patient} is in train ({by['train'][0]}) and test ({by['test'][0]})")
    else:
        lists: dict[str, set[str]] = defaultdict(set)
        videos_there = {name.rpartition("/")[2] for name in pictures}
        for listed in split_lists(root):
            lists[listed.split] |= listed.names
            for text in unknown_names(listed, videos_there):
                yield Finding("list", text)
        parts = {name: _parts(name, lists) for name in pictures}
        for name, where in parts.items():
            if len(where) > 1:
                yield Finding("leak", f"{name} is in {' and '.join(sorted(where))}")

    owners: dict[bytes, dict[str, str]] = defaultdict(dict)
    for name, hashes in pictures.items():
        if len(where := parts.get(name, set())) == 1:
            for one in hashes:
                owners[one].setdefault(min(where), name)
    shared = Counter(tuple(sorted(by.items())) for by in owners.values() if len(by) > 1)
    for where_and_who, count in shared.items():
        text = " and ".join(f"{part} ({name})" for part, name in where_and_who)
        yield Finding("leak", f"{count} equal picture{'s' * (count != 1)}: {text}")


def _parts(name: str, lists: Mapping[str, Collection[str]]) -> set[str]:
    """Parts that a video is in, by its folder and by the lists that have it."""
    folder, _, video = name.rpartition("/")
    where = [folder.partition("/")[0], *(one for one, videos in lists.items() if video in videos)]
    return {_NAMES[one] for one in where if one in _NAMES}
