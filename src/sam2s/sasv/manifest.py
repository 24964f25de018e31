"""The list of what a built set holds, `manifest.json`, and why a video that lies in its folder is no part of it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sam2s.errors import DatasetError
from sam2s.files import write_atomically
from sam2s.sasv.completeness import Shortfall
from sam2s.sasv.masklets import FORMAT, MANIFEST, RECORD, SUMS, VERSION, MaskletVideo, read_manifest, read_video
from sam2s.sasv.ontology import load_ontology
from sam2s.sasv.video_labels import pretty, sha256

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildState:
    """What a build knows of the sources that it looked at.

    Attributes:
        recipes: by id, fingerprints of all videos of these sources, built now or not: what is there of these sources
            and not among them is stale. Of other sources the same is stale as before.
        failed: by id, why a video could not be built again; it is stale too.
        planned: by id, rows of Table 1 of the videos that were to be built.
        shortfalls: by source, what its copy lacks.
    """

    recipes: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    planned: Mapping[str, str | None] = field(default_factory=dict)
    shortfalls: Mapping[str, Sequence[Shortfall]] = field(default_factory=dict)

    @property
    def sources(self) -> set[str]:
        """The sources that were looked at."""
        return {name.partition("/")[0] for name in self.recipes}


def write_manifest(out: Path, state: BuildState | None = None) -> dict[str, Any]:
    """List what is built in `manifest.json`, with the hash of each video's `SHA256SUMS`.

    Args:
        out: the built set.
        state: what a build has learnt of its sources; without it the same videos are stale as before.
    """
    state = state or BuildState()
    videos: dict[str, dict[str, Any]] = {}
    stale: dict[str, str] = {}
    before: dict[str, Any] = {}
    with suppress(DatasetError):
        before = read_manifest(out)
    terms: dict[str, str] = {}
    for record in sorted(out.glob(f"videos/*/[!.]*/{RECORD}")):
        try:
            video = read_video(record.parent)
        except DatasetError as error:
            log.warning("left out of the manifest: %s", error)
            continue
        if reason := _stale(video, state, before.get("stale", {})):
            stale[video.id] = reason
            continue
        videos[video.id] = {
            "source": video.source,
            "subset": video.subset,
            "split": video.split,
            "patient": video.patient,
            "images": video.images,
            "frames": len(video),
            "sha256": sha256(record.parent / SUMS),
        } | ({"incomplete": video.incomplete} if video.incomplete else {})
        terms[video.source] = video.licence
    manifest = {"format": FORMAT, "version": VERSION, "ontology": load_ontology().version, "licences": terms}
    if splits := before.get("splits"):
        manifest["splits"] = splits
    incomplete = _incomplete(videos, state, before)
    manifest |= {"incomplete": incomplete} if incomplete else {}
    manifest |= {"videos": videos} | ({"stale": stale} if stale else {})
    write_atomically(out / MANIFEST, pretty(manifest).encode())
    return manifest


def record_split(out: Path, name: str, version: int, digest: str, parts: Mapping[str, str]) -> None:
    """Note in the manifest that a split was made for the set: its name, version, hash, and videos by part."""
    manifest = read_manifest(out)
    split = {"name": name, "version": version, "sha256": digest, "videos": dict(Counter(parts.values()))}
    manifest["splits"] = {**manifest.get("splits", {}), f"{name}-v{version}": split}
    write_atomically(out / MANIFEST, pretty(manifest).encode())


def _stale(video: MaskletVideo, state: BuildState, stale_before: Mapping[str, str]) -> str:
    """Why a built video is not what its source holds now, "" where it is."""
    if video.id in state.failed:
        return f"it could not be built again: {state.failed[video.id]}"
    if video.source not in state.sources:
        return stale_before.get(video.id, "")
    if video.id not in state.recipes:
        return "its source has no such video any more"
    return "" if state.recipes[video.id] == video.recipe else "it would be another video now; build it again"


def _incomplete(
    videos: Mapping[str, Mapping[str, Any]], state: BuildState, before: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """By row of Table 1, of which only a part is in the set: its source and how much is missing.

    What SA-SV leaves out stands under "SOURCE, not in SA-SV".
    """
    incomplete: dict[str, dict[str, str]] = {}
    for source, shortfalls in state.shortfalls.items():
        for shortfall in shortfalls:
            for subset in shortfall.subsets or (_row(source, None),):
                _add(incomplete, subset, source, str(shortfall))
    planned = dict(state.planned)
    for subset, entry in before.get("incomplete", {}).items():
        if entry["source"] not in state.sources:
            incomplete[subset] = dict(entry)
    planned |= {n: e["subset"] for n, e in before.get("videos", {}).items() if e["source"] not in state.sources}
    rows = {name: _row(name.partition("/")[0], subset) for name, subset in planned.items()}
    totals, lost = Counter(rows.values()), Counter(row for name, row in rows.items() if name not in videos)
    sources = {row: name.partition("/")[0] for name, row in rows.items()}
    for row, count in lost.items():
        _add(incomplete, row, sources[row], f"{count:,} of {totals[row]:,} videos are not built")
    return incomplete


def _row(source: str, subset: str | None) -> str:
    return subset or f"{source}, not in SA-SV"


def _add(incomplete: dict[str, dict[str, str]], subset: str, source: str, text: str) -> None:
    before = incomplete.get(subset)
    incomplete[subset] = {"source": source, "missing": f"{before['missing']}; {text}" if before else text}
