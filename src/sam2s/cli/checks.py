"""What can be wrong with a tracking job, found before anything saved is touched."""

from __future__ import annotations

from sam2s.cli.job import Job
from sam2s.errors import PromptError
from sam2s.tracking.preprocess import clicks, model_mask
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
        SourceError: the frame of a prompt cannot be read.
    """
    if not job.prompts:
        raise PromptError("nothing is pointed at; give --prompts FILE, --box, --point or --mask")
    if job.reverse and not source.seekable:
        raise PromptError(f"{source.name} is a live stream; it cannot be tracked with --reverse")
    begin, _ = span(job)
    length, known, read = source.length, set[int](), set[int]()
    if length is not None and begin >= length:
        raise PromptError(f"frame {begin} is not in {source.name}; frames run from 0 to {length - 1}")
    for frame, object_id, _, prompt in job.prompts:
        if length is not None and frame >= length:
            raise PromptError(f"frame {frame} is not in {source.name}; frames run from 0 to {length - 1}")
        if source.seekable and frame % job.stride:
            near = frame - frame % job.stride
            raise PromptError(
                f"frame {frame} is skipped by --stride {job.stride}; point at frame {near} or use --stride 1"
            )
        if isinstance(prompt, Mask):
            if object_id not in known and not prompt.array.any():
                raise PromptError(f"the mask that starts object {object_id} is empty; give one with foreground pixels")
            model_mask(prompt, source.size, 1)
        else:
            clicks(prompt, source.size, 1)
        known.add(object_id)
        if source.seekable and frame not in read:
            source.frame(frame)
            read.add(frame)
