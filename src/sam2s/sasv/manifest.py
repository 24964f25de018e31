"""The list of what a built set holds, `manifest.json`, and why a video that lies in its folder is no part of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sam2s.errors import DatasetError
from sam2s.files import write_atomically
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
    """

    recipes: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


def write_manifest(out: Path, state: BuildState | None = None) -> dict[str, Any]:
    """List what is built in `manifest.json`, with the hash of each video's `SHA256SUMS`.

    Args:
        out: the built set.
        state: what a build has learnt of its sources; without it the same videos are stale as before.
    """
    state = state or BuildState()
    videos: dict[str, dict[str, Any]] = {}
    stale: dict[str, str] = {}
    stale_before: dict[str, str] = {}
    with suppress(DatasetError):
        stale_before = read_manifest(out).get("stale", {})
    terms: dict[str, str] = {}
    for record in sorted(out.glob(f"videos/*/[!.]*/{RECORD}")):
        try:
            video = read_video(record.parent)
        except DatasetError as error:
            log.warning("left out of the manifest: %s", error)
            continue
        if reason := _stale(video, state, stale_before):
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
        }
        terms[video.source] = video.licence
    manifest = {"format": FORMAT, "version": VERSION, "ontology": load_ontology().version, "licences": terms}
    manifest |= {"videos": videos} | ({"stale": stale} if stale else {})
    write_atomically(out / MANIFEST, pretty(manifest).encode())
    return manifest


def _stale(video: MaskletVideo, state: BuildState, stale_before: Mapping[str, str]) -> str:
    """Why a built video is not what its source holds now, "" where it is."""
    if video.id in state.failed:
        return f"it could not be built again: {state.failed[video.id]}"
    if video.source not in {name.partition("/")[0] for name in state.recipes}:
        return stale_before.get(video.id, "")
    if video.id not in state.recipes:
        return "its source has no such video any more"
    return "" if state.recipes[video.id] == video.recipe else "it would be another video now; build it again"
