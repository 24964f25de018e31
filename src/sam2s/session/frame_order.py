"""Frames of a video from any start, in either direction."""

from __future__ import annotations

from collections.abc import Iterator

from sam2s.errors import PromptError
from sam2s.tracking.numbers import whole_number
from sam2s.video.frame import Frame, VideoSource

REVERSE_CHUNK = 16
"""Frames decoded together when a video is read backward."""


def locate_frame(source: VideoSource, frame: int, stride: int) -> tuple[int, int]:
    """Check the index of a frame; returns it as an int, and the frame's number among those of the stride (its time).

    Raises:
        PromptError: it is not a whole number, not in the video, or skipped by the stride.
    """
    frame, length = whole_number(frame, "frame"), source.length
    if frame < 0 or (length is not None and frame >= length):
        raise PromptError(f"frame {frame} is not in {source.name}; frames run from 0 to {(length or 1) - 1}")
    if frame % stride:
        near = frame - frame % stride
        raise PromptError(f"frame {frame} is skipped by stride {stride}; use frame {near} or stride 1")
    return frame, frame // stride


def check_span(
    start: int | None, stop: int | None, first: int, *, stride: int, reverse: bool
) -> tuple[int, int | None]:
    """Check a span of frames; returns the number of its first frame among those of the stride, and `stop`.

    Raises:
        PromptError: a frame is not a whole number, or lies before the first.
    """
    begin = first
    if start is not None:
        start = whole_number(start, "start")
        begin = start // stride if reverse else -(-start // stride)
    stop = None if stop is None else whole_number(stop, "stop")
    if (begin < 0 and not reverse) or (stop is not None and stop < 0):
        raise PromptError(f"frames {start} to {stop} are not in a video; frames count from 0")
    return begin, stop


def frames_from(
    source: VideoSource, begin: int, stop: int | None = None, *, stride: int = 1, reverse: bool = False
) -> Iterator[Frame]:
    """Yield frames in either direction; backward they are decoded in chunks.

    Args:
        source: a seekable video.
        begin: number of the first frame among those of the stride; in reverse, a number past the end means the last.
        stop: index of the frame to stop before; in reverse, of the last frame to yield, 0 by default.
        stride: only frames whose index is a multiple of this are read.
        reverse: go backward.
    """
    if not reverse:
        yield from source.frames(begin * stride, stop, stride)
        return
    lowest = -(-(stop or 0) // stride)
    for high in range(min(begin, _last(source, begin, stride)), lowest - 1, -REVERSE_CHUNK):
        low = max(lowest, high - REVERSE_CHUNK + 1)
        yield from reversed(list(source.frames(low * stride, high * stride + 1, stride)))


def _last(source: VideoSource, at_most: int, stride: int) -> int:
    """Number of the last frame, at most `at_most`; found by bisection if the length of the source is unknown."""
    if source.length is not None:
        return (source.length - 1) // stride

    def exists(number: int) -> bool:
        return next(iter(source.frames(number * stride, number * stride + 1)), None) is not None

    low, high = -1, at_most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if exists(middle) else (low, middle - 1)
    return low
