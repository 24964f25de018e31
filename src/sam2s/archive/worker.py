"""The work of an archive: one video tracked into its workspace, from wherever an earlier attempt stopped."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import sam2s
from sam2s.errors import OutputError, PromptError, SourceError, WorkspaceError
from sam2s.files import write_atomically
from sam2s.formats.prompts_file import PromptEntry, arrange, read_prompts
from sam2s.masks.mask_pictures import read_mask_picture
from sam2s.memory import memory_policy
from sam2s.model import Network
from sam2s.runs import RunSettings, open_workspace_video, run
from sam2s.runs.open import stored_prompts
from sam2s.tracking.prompts import Mask
from sam2s.video import open_source
from sam2s.workspace import Workspace

from .engine import Attempt, WorkerSettings
from .jobs import ArchiveJob
from .manifest import FILE
from .proposers import load_proposer, propose_prompts

VOID = 255
"""Value of undecided pixels beside other ids."""

MARK = ".archive-job"
"""File beside a workspace that tells which job, by digest, it was made for."""

WORKER_MARK = ".archive-worker"
"""File beside a workspace that tells which machine works on it; it stays where a machine was lost."""


def track_video(task: Attempt, settings: WorkerSettings, report: Callable[[int, int | None], None]) -> int:
    """Track one video of an archive; a job that was done before is only looked at.

    Args:
        task: the job and the folder of its workspace.
        settings: of the worker.
        report: told the frames done and the frames in all of this attempt.

    Returns:
        number of frames in the workspace.

    Raises:
        Sam2sError: the job cannot be done, or not now; see `sam2s.archive.faults`.
    """
    job = task.job
    _check_archive_there(task.out)
    job_settings = run_settings(job, task.out, settings, overwrite=_made_for_another_job(task))
    digest = job.digest()
    with _workplace(task.out) as take_over:
        outcome = run(
            replace(job_settings, take_over=take_over),
            lambda what, done, total: report(done, total) if what == "tracking" else report(-1, total),
            network=_network(job_settings),
        )
    write_atomically(task.out / MARK, digest.encode())
    _check_archive_there(task.out)
    if outcome.damage is not None:
        raise SourceError(f"{job.video} is damaged; all frames before are in {task.out}: {outcome.damage}")
    with Workspace.open(task.out) as workspace:
        return len(workspace.frame_indices())


def run_settings(job: ArchiveJob, out: Path, settings: WorkerSettings, *, overwrite: bool = False) -> RunSettings:
    """The tracking run that a job asks for.

    Raises:
        ConfigError: a setting has no such value.
        PromptError: its prompts cannot be read.
    """
    own: dict[str, Any] = dict(job.settings)
    memory = own.pop("memory", "divemem")
    part, exports = own.pop("part", None), own.pop("export", None)
    prompts = _prompts(job)
    own |= source_settings(job)
    if part is not None:
        prompts = _within(prompts, job)
    kinds = settings.exports if exports is None else tuple(kind.strip() for kind in exports.split(",") if kind.strip())
    return RunSettings(
        input=job.video,
        out=out,
        weights=own.pop("weights", settings.weights),
        prompts=prompts,
        policy=memory_policy(memory),
        device=settings.device,
        threads=settings.threads,
        exports=kinds,
        overwrite=overwrite,
        **own,
    )


def source_settings(job: ArchiveJob) -> dict[str, Any]:
    """How the video of a job is opened: `pattern` and `square_pixels` of `open_source`.

    Prompts of a workspace are in the pixels of its run, so the video is opened as that run did unless the job says
    otherwise.

    Raises:
        PromptError: the workspace was made of another video.
    """
    given: dict[str, Any] = {key: job.settings[key] for key in ("pattern", "square_pixels") if key in job.settings}
    if job.workspace is None:
        return given
    with Workspace.open(job.workspace) as workspace:
        try:
            open_workspace_video(workspace, job.video).close()
        except WorkspaceError as error:
            raise PromptError(f"{job.name}: {error}; the prompts of {job.workspace} do not belong to it") from error
        runs = workspace.runs.all()
        return {**(runs[-1].settings.get("source", {}) if runs else {}), **given}


def _check_archive_there(out: Path) -> None:
    """Refuse to write where the archive is not: where a mount was lost its mount point is an empty folder."""
    if not (out.parent / FILE).is_file():
        raise OutputError(
            f"the folder {out.parent} is not available: {FILE} is missing; restore it, or mount its disk again"
        )


@contextmanager
def _workplace(out: Path) -> Iterator[bool]:
    """Note beside the workspace which machine works on it, while it does.

    Yields:
        whether to take the workspace over. Where the note of another machine is left, that machine was lost or is no
        longer this archive's, for one driver hands a video out once at a time. Nobody here can tell whether its process
        still runs; if so, the workspace takes nothing from it any more.
    """
    note, host = out / WORKER_MARK, socket.gethostname()
    before = note.read_text(encoding="utf-8", errors="replace") if note.is_file() else host
    write_atomically(note, host.encode())
    try:
        yield before != host
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)


def _prompts(job: ArchiveJob) -> list[PromptEntry]:
    if job.prompts is not None:
        return read_prompts(job.prompts)
    if job.masks is not None:
        picture = read_mask_picture(Path(job.masks))
        ids = [1] if picture.kind in ("binary", "soft") else [value for value in picture.values if value != VOID]
        entries = [PromptEntry(0, object_id, None, Mask(picture.of_object(object_id)[0])) for object_id in ids]
        if not entries:
            raise PromptError(f"{job.masks} holds no object; give a picture with the masks of the first frame")
        return arrange(entries)
    if job.workspace is not None:
        entries = stored_prompts(Path(job.workspace))
        if not entries:
            raise PromptError(f"nobody has pointed at an object in {job.workspace}; open it with `sam2s app` first")
        return entries
    assert job.proposer is not None, "a job has one source of prompts"
    with closing(open_source(job.video, **source_settings(job))) as source:
        frame, boxes = propose_prompts(load_proposer(job.proposer), source, start=job.settings.get("start", 0))
    return arrange([PromptEntry(frame, number, name, box) for number, (box, name) in enumerate(boxes, 1)])


def _within(prompts: list[PromptEntry], job: ArchiveJob) -> list[PromptEntry]:
    """The prompts on frames of a part of a video."""
    start, stop = job.settings.get("start", 0), job.settings["stop"]
    inside = [entry for entry in prompts if start <= entry.frame < stop]
    if not inside:
        raise PromptError(
            f"{job.name}: nobody pointed at an object on its frames {start} to {stop - 1}; add prompts there, use a "
            "proposer, or track the video whole"
        )
    return inside


def _made_for_another_job(task: Attempt) -> bool:
    """Whether the workspace in the folder was made for the job before it was changed."""
    mark = task.out / MARK
    return mark.is_file() and mark.read_text(encoding="ascii", errors="replace") != task.job.digest()


def _network(settings: RunSettings) -> Network:
    return _load(settings.weights, settings.device, settings.image_size, settings.precision, settings.threads)


@lru_cache(maxsize=1)
def _load(weights: str, device: str, image_size: int | None, precision: str, threads: int | None) -> Network:
    """Load a network once for all videos of a worker."""
    return sam2s.load(weights, device=device, image_size=image_size, precision=precision, threads=threads)
