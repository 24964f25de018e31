"""Split files: which video trains, validates and tests, with a version and a hash, so that two groups agree."""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sam2s.errors import ConfigError, DatasetError
from sam2s.files import write_atomically
from sam2s.sasv.patients import shared_patients
from sam2s.sasv.text_files import MALFORMED, described, read_json, text

FORMAT = "sasv-split"
_REMAKE = "make it again (sam2s sasv split)"
PARTS = ("train", "val", "test")


def make_split(entries: Mapping[str, Mapping[str, Any]], *, val: float = 0.0, seed: int = 0) -> dict[str, str]:
    """Parts by video: those of the build, and a share of the training patients of each subset moved to `val`.

    Args:
        entries: the manifest's videos.
        val: share of training patients (0 to 1) to validate on; patients are never cut.
        seed: chooses them.

    Raises:
        DatasetError: a patient is both trained and tested on.
        ConfigError: `val` is not a share.
    """
    if not 0 <= val < 1:
        raise ConfigError(f"val is {val}; give a share of the training patients, at least 0 and below 1 (--val 0.1)")
    if shared := shared_patients(entries):
        patient, by = next(iter(shared.items()))
        raise DatasetError(
            f"{len(shared)} patients are in train and test, such as {patient}: {by['train'][0]} and {by['test'][0]}; "
            "build without --all, or leave one of the two sources out"
        )
    parts = {name: entry["split"] for name, entry in entries.items()}
    patients: dict[str | None, set[str]] = defaultdict(set)
    for entry in entries.values():
        if entry["split"] == "train":
            patients[entry["subset"]].add(entry["patient"])
    moved: set[str] = set()
    for subset in sorted(patients, key=str):
        candidates = sorted(patients[subset])
        moved.update(random.Random(f"{seed}:{subset}").sample(candidates, round(val * len(candidates))))
    return {n: "val" if part == "train" and entries[n]["patient"] in moved else part for n, part in parts.items()}


def write_split(path: Path, name: str, version: int, parts: Mapping[str, str]) -> str:
    """Write a split file and return its hash.

    Raises:
        DatasetError: another split of that name and version is there; versions never change.
    """
    content = {part: sorted(n for n, p in parts.items() if p == part) for part in PARTS}
    digest = _hash(content)
    if path.exists() and read_json(path, f"{_REMAKE} in another folder").get("sha256") != digest:
        raise DatasetError(
            f"{path} exists and differs; a version never changes, give the next one (--version {version + 1})"
        )
    data = {"format": FORMAT, "name": name, "version": version, "sha256": digest, **content}
    write_atomically(path, (json.dumps(data, indent=1) + "\n").encode())
    return digest


def read_split(path: Path) -> dict[str, str]:
    """Parts by video.

    Raises:
        DatasetError: the file is damaged or was edited after it got its hash.
    """
    data = read_json(path, _REMAKE)
    try:
        content = {part: [text(name, part) for name in data[part]] for part in PARTS}
    except MALFORMED as error:
        raise DatasetError(f"cannot read {path}: {described(error)}; {_REMAKE}") from error
    if data.get("sha256") != _hash(content):
        raise DatasetError(f"{path} was changed after its hash was made; make a new version (sam2s sasv split)")
    return {name: part for part in PARTS for name in content[part]}


def assigned_splits(entries: Mapping[str, Mapping[str, Any]], split_file: Path | None = None) -> dict[str, str]:
    """Part by video of a built set: that of the file where one is given, else that of the build.

    Args:
        entries: the manifest's videos.
        split_file: what `sam2s sasv split` wrote.

    Raises:
        DatasetError: the file is damaged, or was made for another set: it names videos that are not built here, or
            leaves out some that are.
    """
    if split_file is None:
        return {name: str(entry["split"]) for name, entry in entries.items()}
    parts = read_split(split_file)
    absent, new = sorted(parts.keys() - entries.keys()), sorted(entries.keys() - parts.keys())
    if absent:
        raise DatasetError(
            f"{split_file} names {len(absent)} videos that are not in this set, such as {absent[0]}; "
            "build them, or make a split of this set (sam2s sasv split)"
        )
    if new:
        raise DatasetError(
            f"{split_file} leaves out {len(new)} videos of this set, such as {new[0]}, which were built after it; "
            "make the next version (sam2s sasv split)"
        )
    return parts


def _hash(content: Mapping[str, list[str]]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
