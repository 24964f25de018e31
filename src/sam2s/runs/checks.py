"""What can be wrong with a tracking job, found before anything saved is touched."""

from __future__ import annotations

from pathlib import Path

from sam2s.errors import OutputError, PromptError
from sam2s.formats import outputs
from sam2s.masks.palette import check_label
from sam2s.runs.settings import RunSettings
from sam2s.tracking.preprocess import convert_prompt
from sam2s.tracking.prompts import Mask
from sam2s.video import VideoSource

SNAPSHOTS = "snapshots"
"""Folder beside a workspace in which runs keep what they need to go on."""


def span(settings: RunSettings) -> tuple[int, int | None]:
    """First frame to track, and the frame to stop before (in reverse: the last one).

    Raises:
        PromptError: no prompt lies where it could be carried from.
    """
    frames = [entry.frame for entry in settings.prompts]
    if settings.reverse:
        begin = max(frames) if settings.stop is None else min(max(frames), settings.stop - 1)
        stop: int | None = settings.start
        empty = begin < settings.start
    else:
        begin, stop = max(settings.start, min(frames)), settings.stop
        empty = settings.stop is not None and begin >= settings.stop
    if empty:
        raise PromptError(
            f"no frame between --start {settings.start} and --stop {settings.stop} lies at or beyond a prompt"
        )
    return begin, stop


def check_settings(settings: RunSettings, source: VideoSource) -> None:
    """Refuse prompts and spans that do not fit the video.

    Raises:
        PromptError: naming the prompt and what is allowed.
        SourceError: the frame of a prompt, or the first frame, cannot be read.
    """
    if not settings.prompts:
        raise PromptError("no prompt is given; use --prompts FILE, --box, --point or --mask")
    if settings.reverse and not source.seekable:
        raise PromptError(f"{source.name} is a live stream; it cannot be tracked with --reverse")
    begin, stop = span(settings)
    if source.seekable:
        begin += (-begin % settings.stride) if not settings.reverse else -(begin % settings.stride)
    length, known, read = source.length, set[int](), set[int]()
    if length is not None and begin >= length:
        raise PromptError(f"frame {begin} is not in {source.name}; frames run from 0 to {length - 1}")
    if begin < settings.start or (not settings.reverse and stop is not None and begin >= stop):
        until = "the end" if settings.stop is None else f"--stop {settings.stop}"
        raise PromptError(f"--stride {settings.stride} skips all frames from --start {settings.start} to {until}")
    _check_reached(settings)
    for frame, object_id, _, prompt in settings.prompts:
        if length is not None and frame >= length:
            raise PromptError(f"frame {frame} is not in {source.name}; frames run from 0 to {length - 1}")
        if source.seekable and frame % settings.stride:
            near = frame - frame % settings.stride
            raise PromptError(f"frame {frame} is skipped by --stride {settings.stride}; use frame {near} or --stride 1")
        if isinstance(prompt, Mask) and object_id not in known and not prompt.array.any():
            raise PromptError(f"the mask that starts object {object_id} is empty; give one with foreground pixels")
        convert_prompt(prompt, source.size, 1)
        known.add(object_id)
        if source.seekable and frame not in read:
            source.frame(frame)
            read.add(frame)
    if source.seekable and length is None and begin not in read:
        source.frame(begin)


def _check_reached(settings: RunSettings) -> None:
    """Refuse objects that would never appear, as the span ends before their first prompt."""
    for object_id in {entry.object_id for entry in settings.prompts}:
        frames = [entry.frame for entry in settings.prompts if entry.object_id == object_id]
        if settings.reverse and max(frames) < settings.start:
            first, end = max(frames), f"before --start {settings.start}"
        elif not settings.reverse and settings.stop is not None and min(frames) >= settings.stop:
            first, end = min(frames), f"at or behind --stop {settings.stop}"
        else:
            continue
        raise PromptError(
            f"object {object_id} would never appear: its first prompt is on frame {first}, {end}; "
            "change the span or leave its prompts out"
        )


def check_out(settings: RunSettings, source: VideoSource) -> None:
    """Refuse to write where something else would be lost.

    Raises:
        OutputError: an export, or an earlier one that --overwrite removes, is or holds the video that is to be
            tracked; a file of another origin lies where an export goes; an object id does not fit into one.
    """
    names = {name for kind in settings.exports for name in outputs.files_of(kind)}
    names |= set(outputs.recorded(settings.out)) if settings.overwrite else set()
    video = getattr(source, "path", None)
    for name in sorted(names):
        if video is not None and Path(video).resolve().is_relative_to((settings.out / name).resolve()):
            raise OutputError(f"{video} would be lost, as the run replaces {settings.out / name}; give another --out")
    for kind in settings.exports:
        outputs.check_free(settings.out, kind)
    if "davis" in settings.exports:
        for entry in settings.prompts:
            check_label(entry.object_id)
