"""Building the set: every video of every source found, one process a video, complete or not there at all."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sam2s.errors import DatasetError, Sam2sError
from sam2s.files import replacing, write_atomically
from sam2s.sasv import assemble as assemble_module
from sam2s.sasv import instances as instances_module
from sam2s.sasv import linking as linking_module
from sam2s.sasv import mapping as mapping_module
from sam2s.sasv import reading as reading_module
from sam2s.sasv.assemble import assemble
from sam2s.sasv.draft import open_draft, pretty, sha256, write_draft
from sam2s.sasv.masklets import (
    FORMAT,
    MANIFEST,
    RECORD,
    SUMS,
    VERSION,
    MaskletVideo,
    read_manifest,
    read_video,
    video_folder,
)
from sam2s.sasv.ontology import load_ontology
from sam2s.sasv.patch import Patch, VideoPatch, apply
from sam2s.sasv.pictures import store
from sam2s.sasv.raw import Facts, RawVideo
from sam2s.sasv.registry import all_adapters, get_adapter, list_videos
from sam2s.sasv.traces import tracing, unchanged, write_trace

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One video to build.

    Attributes:
        id: "source/name".
        facts: of its source.
        video: the video.
        root: of the downloads.
        out: the built set.
        recipe: fingerprint of the code and settings.
        listed: fingerprint of the files that were found for it.
        read: files below `root` that its source was listed from.
        hard_link: link frames instead of copying them.
        fresh: build it even if it is there already.
        patch: corrections to apply.
    """

    id: str
    facts: Facts
    video: RawVideo
    root: Path
    out: Path
    recipe: str
    listed: str
    read: frozenset[Path] = frozenset()
    hard_link: bool = False
    fresh: bool = False
    patch: VideoPatch | None = None


@dataclass(frozen=True)
class Plan:
    """What there is to build.

    Attributes:
        jobs: the videos.
        without: by source why it cannot be built ("not found", or what is wrong with its files).
        recipes: by id, of all videos of the sources that were found, to be built now or not.
    """

    jobs: list[Job] = field(default_factory=list)
    without: dict[str, str] = field(default_factory=dict)
    recipes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a video: "built", "kept" (it was there already), "failed" or "stale", with the reason.

    Stale is what was built before, is not what its source holds now, and so is left out of the set.
    """

    id: str
    state: str
    message: str = ""


def plan(
    root: Path,
    out: Path,
    *,
    sources: Iterable[str] = (),
    everything: bool = False,
    hard_link: bool = False,
    fresh: bool = False,
    patch: Patch | None = None,
) -> Plan:
    """What there is to build below `root`.

    Args:
        root: folder with the unpacked downloads.
        out: folder of the built set.
        sources: names of sources; all that are found by default.
        everything: also videos that SA-SV leaves out.
        hard_link: link frames instead of copying them.
        fresh: build again what is there already.
        patch: corrections to apply.
    """
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder; give the one that holds the unpacked downloads (--root)")
    chosen = list(sources) or list(all_adapters())
    planned = Plan()
    edits = patch.videos if patch else {}
    for name in chosen:
        adapter = get_adapter(name)
        try:
            folder = adapter.find(root)
            if folder is None:
                planned.without[name] = f"not found below {root}; it should have {adapter.FACTS.layout}"
                continue
            code = _code_of(adapter, folder)
            with tracing() as read:
                videos = list_videos(adapter, folder)
        except DatasetError as error:
            planned.without[name] = str(error)
            continue
        # What the folders held is in the videos: another name in one of them need not concern every video.
        listing = frozenset(path for path in read if not path.is_dir())
        chosen_videos = [video for video in videos if video.subset is not None or everything]
        if not chosen_videos:
            log.warning("%s: SA-SV leaves out all %d videos in %s; --all builds them", name, len(videos), folder)
        for video in videos:
            recipe = _fingerprint(code + repr(replace(video, frames=None)).encode())  # type: ignore[arg-type]
            planned.recipes[f"{name}/{video.name}"] = recipe
        for video in chosen_videos:
            video_id = f"{name}/{video.name}"
            planned.jobs.append(
                Job(
                    id=video_id,
                    facts=adapter.FACTS,
                    video=video,
                    root=root,
                    out=out,
                    recipe=planned.recipes[video_id],
                    listed=_listed(video, root),
                    read=listing,
                    hard_link=hard_link,
                    fresh=fresh,
                    patch=edits.get(video_id),
                )
            )
    if strangers := sorted(set(edits) - {job.id for job in planned.jobs}):
        log.warning("the patch names %d videos that are not built here, such as %s", len(strangers), strangers[0])
    return planned


def run(planned: Plan, out: Path, *, workers: int = 1) -> Iterator[Outcome]:
    """Build videos and write the manifest; yields outcomes as they come, at last what is stale.

    One bad video stops no other. What is finished stays finished when this is interrupted; run again to go on.
    """
    failed: dict[str, str] = {}
    try:
        with closing(_outcomes(planned.jobs, workers)) as outcomes:
            for outcome in outcomes:
                if outcome.state == "failed":
                    failed[outcome.id] = outcome.message
                yield outcome
    finally:
        manifest = write_manifest(out, planned.recipes, failed)
    for name, reason in manifest.get("stale", {}).items():
        if name not in failed:
            yield Outcome(name, "stale", reason)


def _outcomes(jobs: list[Job], workers: int) -> Generator[Outcome]:
    if workers == 1 or len(jobs) < 2:
        yield from map(build_video, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [pool.submit(build_video, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise DatasetError(
                "a worker died, most likely for lack of memory; run again with fewer (--workers 1), "
                "what is finished is kept"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def build_video(job: Job) -> Outcome:
    """Build one video, unless it is there already as it would become."""
    folder = video_folder(job.out, job.id)
    there = None
    try:
        if job.video.problem:
            raise DatasetError(job.video.problem)
        with suppress(DatasetError):
            there = read_video(folder) if (folder / SUMS).is_file() else None
        patch = _all_edits(there, job.patch)
        as_before = there and there.recipe == job.recipe and list(there.edits) == patch.edits
        if as_before and not job.fresh and unchanged(job.out, job.id, job.root, job.listed):
            return Outcome(job.id, "kept")
        with replacing(folder) as partial, tracing() as read:
            partial.mkdir()
            header = _header(job)
            draft, files = assemble(job.video, job.facts.name, header, partial, hard_link=job.hard_link)
            apply(draft, patch)
            write_draft(draft, files, partial)
        write_trace(job.out, job.id, job.root, job.listed, job.read | read)
        return Outcome(job.id, "built")
    except Sam2sError as error:
        return Outcome(job.id, "failed", str(error))
    except Exception as error:  # a fault in one source's files must not stop the others
        log.debug("building %s", job.id, exc_info=True)
        return Outcome(job.id, "failed", f"{type(error).__name__}: {error}")


def _all_edits(there: MaskletVideo | None, patch: VideoPatch | None) -> VideoPatch:
    """Corrections that a video has already, then those that are new: a new build loses none."""
    old = list(there.edits) if there else []
    new = [edit for edit in patch.edits if edit not in old] if patch else []
    return VideoPatch([*old, *new], (patch and patch.base) or (there.base if there and old else None))


def patch_video(video: MaskletVideo, patch: VideoPatch) -> int:
    """Apply corrections to a built video in place; return how many edits were new."""
    draft = open_draft(video)
    count = apply(draft, patch)
    if count:
        with replacing(video.folder) as partial:
            partial.mkdir()
            for t in range(len(video)):
                store(video.image_path(t), partial, t, None, hard_link=True)
            write_draft(draft, [f.file for f in video.frames], partial)
    return count


def write_manifest(
    out: Path, recipes: Mapping[str, str] | None = None, failed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """List what is built in `manifest.json`, with the hash of each video's `SHA256SUMS`.

    Args:
        out: the built set.
        recipes: by id, of all videos of the sources that were looked at: what is there of these sources and not among
            them is left out as stale. Of other sources the same is stale as before.
        failed: by id, why a video could not be built again; it is stale too.
    """
    videos: dict[str, dict[str, Any]] = {}
    stale: dict[str, str] = {}
    before: dict[str, str] = {}
    with suppress(DatasetError):
        before = read_manifest(out).get("stale", {})
    sources = {name.partition("/")[0] for name in recipes or {}}
    terms: dict[str, str] = {}
    for record in sorted(out.glob(f"videos/*/[!.]*/{RECORD}")):
        try:
            video = read_video(record.parent)
        except DatasetError as error:
            log.warning("left out of the manifest: %s", error)
            continue
        if reason := _stale(video, recipes or {}, sources, failed or {}, before):
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


def _stale(
    video: MaskletVideo,
    recipes: Mapping[str, str],
    sources: set[str],
    failed: Mapping[str, str],
    before: Mapping[str, str],
) -> str:
    """Why a built video is not what its source holds now, "" where it is."""
    if video.id in failed:
        return f"it could not be built again: {failed[video.id]}"
    if video.source not in sources:
        return before.get(video.id, "")
    if video.id not in recipes:
        return "its source has no such video any more"
    return "" if recipes[video.id] == video.recipe else "it would be another video now; build it again"


def _code_of(adapter: Any, folder: Path) -> bytes:
    """Everything but the data that decides what a source's videos become."""
    modules = [adapter, mapping_module, reading_module, assemble_module, instances_module, linking_module]
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in modules)
    names = repr(load_ontology().sources.get(adapter.FACTS.name)).encode()
    return code + names + (folder.read_bytes() if folder.is_file() else b"")


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _listed(video: RawVideo, root: Path) -> str:
    """Fingerprint of the files that were found for a video, wherever `root` lies."""
    frames = video.frames
    made_of = (frames.func.__qualname__, frames.args, frames.keywords) if isinstance(frames, partial) else ()
    return _fingerprint(repr(made_of).replace(f"'{root.as_posix()}/", "'").encode())


def _header(job: Job) -> dict[str, Any]:
    video, facts = job.video, job.facts
    return {
        "id": job.id,
        "source": facts.name,
        "subset": video.subset,
        "split": video.split,
        "patient": video.patient,
        "procedure": video.procedure or facts.procedure,
        "licence": facts.licence,
        "images": video.images,
        "fps": None if video.fps is None else str(video.fps),
        "crop": video.crop and list(video.crop),
        "recipe": job.recipe,
    }
