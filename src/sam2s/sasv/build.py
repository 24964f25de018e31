"""Building the set: every video of every source found, one process a video, complete or not there at all."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam2s.errors import DatasetError, Sam2sError
from sam2s.files import replacing
from sam2s.processes import locked, worker_pool
from sam2s.sasv.assemble import assemble
from sam2s.sasv.completeness import ranges
from sam2s.sasv.manifest import BuildState, write_manifest
from sam2s.sasv.masklets import SUMS, MaskletVideo, read_video, video_folder
from sam2s.sasv.patch import VideoPatch, apply
from sam2s.sasv.pictures import store
from sam2s.sasv.plan import BuildPlan, VideoBuild
from sam2s.sasv.raw import RawVideo
from sam2s.sasv.traces import tracing, unchanged, write_trace
from sam2s.sasv.video_labels import read_labels, write_labels

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildOutcome:
    """What became of a video: "built", "kept" (it was there already), "failed" or "stale", with the reason.

    Stale is what was built before, is not what its source holds now, and so is left out of the set.
    """

    id: str
    state: str
    message: str = ""


def run_build(plan: BuildPlan, out: Path, *, workers: int = 1) -> Iterator[BuildOutcome]:
    """Build videos and write the manifest; yields outcomes as they come, at last what is stale.

    One bad video stops no other. What is finished stays finished when this is interrupted; run again to go on.

    Raises:
        OutputError: another process is writing the set, or a worker died.
    """
    with locked(out):
        yield from _run(plan, out, workers)


def _run(plan: BuildPlan, out: Path, workers: int) -> Iterator[BuildOutcome]:
    failed: dict[str, str] = {}
    planned = {build.id: build.video.subset for build in plan.builds}
    try:
        with closing(_outcomes(plan.builds, workers)) as outcomes:
            for outcome in outcomes:
                if outcome.state == "failed":
                    failed[outcome.id] = outcome.message
                yield outcome
    finally:
        manifest = write_manifest(out, BuildState(plan.recipes, failed, planned, plan.shortfalls))
    for name, reason in manifest.get("stale", {}).items():
        if name not in failed:
            yield BuildOutcome(name, "stale", reason)


def _outcomes(builds: list[VideoBuild], workers: int) -> Generator[BuildOutcome]:
    if workers == 1 or len(builds) < 2:
        yield from map(build_video, builds)
        return
    with worker_pool(min(workers, len(builds))) as pool:
        for future in pool.completed([pool.submit(build_video, build) for build in builds]):
            yield future.result()


def build_video(build: VideoBuild) -> BuildOutcome:
    """Build one video, unless it is there already as it would become."""
    folder = video_folder(build.out, build.id)
    before = None
    try:
        if build.video.problem:
            raise DatasetError(build.video.problem)
        with suppress(DatasetError):
            before = read_video(folder) if (folder / SUMS).is_file() else None
        patch = _all_edits(before, build.patch)
        same_recipe = before and before.recipe == build.recipe and list(before.edits) == patch.edits
        if same_recipe and not build.fresh and unchanged(build.out, build.id, build.root, build.listed):
            return BuildOutcome(build.id, "kept")
        with replacing(folder) as partial, tracing() as read:
            partial.mkdir()
            labels, files = assemble(build.video, build.info.name, _header(build), partial, hard_link=build.hard_link)
            apply(labels, patch)
            write_labels(labels, files, partial)
        write_trace(build.out, build.id, build.root, build.listed, build.read | read)
        return BuildOutcome(build.id, "built")
    except Sam2sError as error:
        return BuildOutcome(build.id, "failed", str(error))
    except Exception as error:  # a fault in one source's files must not stop the others
        log.debug("building %s", build.id, exc_info=True)
        return BuildOutcome(build.id, "failed", f"{type(error).__name__}: {error}")


def _all_edits(before: MaskletVideo | None, patch: VideoPatch | None) -> VideoPatch:
    """Corrections that a video has already, then those that are new: a new build loses none."""
    old = list(before.edits) if before else []
    new = [edit for edit in patch.edits if edit not in old] if patch else []
    return VideoPatch([*old, *new], (patch and patch.base) or (before.base if before and old else None))


def patch_video(video: MaskletVideo, patch: VideoPatch) -> int:
    """Apply corrections to a built video in place; return how many edits were new."""
    labels = read_labels(video)
    count = apply(labels, patch)
    if count:
        with replacing(video.folder) as partial:
            partial.mkdir()
            for t in range(len(video)):
                store(video.image_path(t), partial, t, None, hard_link=True)
            write_labels(labels, [f.file for f in video.frames], partial)
    return count


def _header(build: VideoBuild) -> dict[str, Any]:
    video, info = build.video, build.info
    return {
        "id": build.id,
        "source": info.name,
        "subset": video.subset,
        "split": video.split,
        "patient": video.patient,
        "procedure": video.procedure or info.procedure,
        "licence": info.licence,
        "images": video.images,
        "fps": None if video.fps is None else str(video.fps),
        "crop": video.crop and list(video.crop),
        "recipe": build.recipe,
        "incomplete": _missing_frames(video),
    }


def _missing_frames(video: RawVideo) -> str:
    """What the numbering of a video says is missing, "" where nothing is."""
    if not video.missing or video.images:
        return ""
    words = ranges(video.missing)
    numbers = ", ".join(words[:6]) + (", ..." if len(words) > 6 else "")
    return f"{video.length:,} of {video.length + len(video.missing):,} frames; missing: {numbers}"
