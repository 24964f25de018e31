"""What can be wrong with a tracking job, found before anything saved is touched."""

from __future__ import annotations

from pathlib import Path

from sam2s.cli.job import Job
from sam2s.errors import OutputError, PromptError
from sam2s.formats import outputs
from sam2s.masks.palette import check_label
from sam2s.session.folder import check_session_folder
from sam2s.tracking.preprocess import convert_prompt
from sam2s.tracking.prompts import Mask
from sam2s.video import VideoSource


def span(job: Job) -> tuple[int, int | None]:
    """First frame to track, and the frame to stop before (in reverse: the last one).

    Raises:
        PromptError: no prompt lies where it could be carried from.
    """
    frames = [entry.frame for entry in job.prompts]
    if job.reverse:
        begin = max(frames) if job.stop is None else min(max(frames), job.stop - 1)
        stop: int | None = job.start
        empty = begin < job.start
    else:
        begin, stop = max(job.start, min(frames)), job.stop
        empty = job.stop is not None and begin >= job.stop
    if empty:
        raise PromptError(f"no frame between --start {job.start} and --stop {job.stop} lies at or beyond a prompt")
    return begin, stop


def check(job: Job, source: VideoSource) -> None:
    """Refuse prompts and spans that do not fit the video.

    Raises:
        PromptError: naming the prompt and what is allowed.
        SourceError: the frame of a prompt, or the first frame, cannot be read.
    """
    if not job.prompts:
        raise PromptError("no prompt is given; use --prompts FILE, --box, --point or --mask")
    if job.reverse and not source.seekable:
        raise PromptError(f"{source.name} is a live stream; it cannot be tracked with --reverse")
    begin, stop = span(job)
    if source.seekable:
        begin += (-begin % job.stride) if not job.reverse else -(begin % job.stride)
    length, known, read = source.length, set[int](), set[int]()
    if length is not None and begin >= length:
        raise PromptError(f"frame {begin} is not in {source.name}; frames run from 0 to {length - 1}")
    if begin < job.start or (not job.reverse and stop is not None and begin >= stop):
        until = "the end" if job.stop is None else f"--stop {job.stop}"
        raise PromptError(f"--stride {job.stride} skips all frames from --start {job.start} to {until}")
    _check_reached(job)
    for frame, object_id, _, prompt in job.prompts:
        if length is not None and frame >= length:
            raise PromptError(f"frame {frame} is not in {source.name}; frames run from 0 to {length - 1}")
        if source.seekable and frame % job.stride:
            near = frame - frame % job.stride
            raise PromptError(
                f"frame {frame} is skipped by --stride {job.stride}; point at frame {near} or use --stride 1"
            )
        if isinstance(prompt, Mask) and object_id not in known and not prompt.array.any():
            raise PromptError(f"the mask that starts object {object_id} is empty; give one with foreground pixels")
        convert_prompt(prompt, source.size, 1)
        known.add(object_id)
        if source.seekable and frame not in read:
            source.frame(frame)
            read.add(frame)
    if source.seekable and length is None and begin not in read:
        source.frame(begin)


def _check_reached(job: Job) -> None:
    """Refuse objects that would never appear, as the span ends before their first prompt."""
    for object_id in {entry.object_id for entry in job.prompts}:
        frames = [entry.frame for entry in job.prompts if entry.object_id == object_id]
        if job.reverse and max(frames) < job.start:
            first, end = max(frames), f"before --start {job.start}"
        elif not job.reverse and job.stop is not None and min(frames) >= job.stop:
            first, end = min(frames), f"at or behind --stop {job.stop}"
        else:
            continue
        raise PromptError(
            f"object {object_id} would never appear: its first prompt is on frame {first}, {end}; "
            "change the span or leave its prompts out"
        )


def check_out(job: Job, source: VideoSource) -> None:
    """Refuse to write where something else would be lost.

    Raises:
        OutputError: an export, or an earlier one that --overwrite removes, is or holds the video that is to be
            tracked; a file of another origin lies where an export goes; an object id does not fit into one.
    """
    names = {name for kind in job.exports for name in outputs.files_of(kind)}
    names |= set(outputs.recorded(job.out)) if job.overwrite else set()
    video = getattr(source, "path", None)
    for name in sorted(names):
        if video is not None and Path(video).resolve().is_relative_to((job.out / name).resolve()):
            raise OutputError(f"{video} would be lost, as the run replaces {job.out / name}; give another --out")
    for kind in job.exports:
        outputs.check_free(job.out, kind)
    if "davis" in job.exports:
        for entry in job.prompts:
            check_label(entry.object_id)
    if source.seekable:
        check_session_folder(job.out / "session")
