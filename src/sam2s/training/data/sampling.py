"""Which frames make a clip: consecutive ones as in SAM 2, or those of DiveMem (SAM2S paper, Sec. DiveMem)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LONG_TERM = 2
"""Long-term frames of a DiveMem clip, which follow its conditioning frame."""

TRIES = 32
"""Frames that are looked at for one that shows an object before a video is given up."""


def ping_pong(count: int, least: int) -> list[int]:
    """Positions 0 to `count` - 1, and then back and forth between the ends until there are `least` of them."""
    period = max(1, 2 * (count - 1))
    return [min(i % period, period - i % period) if count > 1 else 0 for i in range(max(count, least))]


def consecutive(
    count: int,
    frames: int,
    shown: Callable[[int], bool],
    rng: np.random.Generator,
    *,
    stride: int = 1,
    reverse: bool = False,
) -> list[int] | None:
    """Positions of a clip of consecutive frames, the first of which shows an object.

    Args:
        count: annotated frames of the video.
        frames: frames of the clip; a video that has fewer is played back and forth.
        shown: whether a position shows an object to start from; asked for as few positions as possible.
        rng: chooses.
        stride: distance of the frames, less where the video is too short.
        reverse: whether the clip runs backwards in time.

    Returns:
        The positions, or None if no start was found.
    """
    stride = _fitting(stride, count, frames)
    span = (frames - 1) * stride + 1
    line = ping_pong(count, span)
    for start in rng.permutation(len(line) - span + 1)[:TRIES].tolist():
        clip = line[start : start + span : stride]
        if reverse:
            clip.reverse()
        if shown(clip[0]):
            return clip
    return None


def divemem(
    count: int, frames: int, shown: Callable[[int], bool], rng: np.random.Generator, *, stride: int = 1
) -> list[int] | None:
    """Positions of a DiveMem clip: a conditioning and two long-term frames from anywhere, then consecutive ones.

    The block of consecutive frames is drawn first, the others outside it, in no order of time. They are distinct
    where the video has as many frames as the clip; a shorter one is lengthened by playing it back and forth. Arguments
    and result are those of `consecutive`; an object must be visible on the conditioning frame alone.
    """
    block = frames - 1 - LONG_TERM
    stride = _fitting(stride, count, block)
    span = (block - 1) * stride + 1
    line = ping_pong(count, max(frames, span))
    start = int(rng.integers(len(line) - span + 1))
    taken = np.arange(start, start + span, stride)
    outside = rng.permutation(np.setdiff1d(np.arange(len(line)), taken)).tolist()
    for first in outside[:TRIES]:
        if shown(line[first]):
            others = [i for i in outside if i != first][:LONG_TERM]
            return [line[i] for i in (first, *others, *taken.tolist())]
    return None


def _fitting(stride: int, count: int, frames: int) -> int:
    """The stride, or the largest one at which the video still has that many frames."""
    return max(1, min(stride, (count - 1) // max(1, frames - 1)))
