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
    stride = fitting_stride(stride, count, frames)
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
    count: int,
    frames: int,
    shown: Callable[[int], bool],
    rng: np.random.Generator,
    *,
    stride: int = 1,
    recalled: Callable[[int], Callable[[int], float]] | None = None,
) -> list[int] | None:
    """Positions of a DiveMem clip: a conditioning and two long-term frames from anywhere, then consecutive ones.

    The block of consecutive frames is drawn first, the others outside it, in no order of time. They are distinct
    where the video has as many frames as the clip; a shorter one is lengthened by playing it back and forth. The other
    arguments and the result are those of `consecutive`.

    Args:
        recalled: told the conditioning position, answers with the share of the clip's objects that another position
            shows. The long-term frames are then those that show most of them. By default they are any frames.
    """
    block = frames - 1 - LONG_TERM
    stride = fitting_stride(stride, count, block)
    span = (block - 1) * stride + 1
    line = ping_pong(count, max(frames, span))
    start = int(rng.integers(len(line) - span + 1))
    taken = np.arange(start, start + span, stride)
    outside = rng.permutation(np.setdiff1d(np.arange(len(line)), taken)).tolist()
    for first in outside[:TRIES]:
        if shown(line[first]):
            share = recalled(line[first]) if recalled else None
            others = long_term_frames([line[i] for i in outside if i != first], share)
            return [line[first], *others, *(line[i] for i in taken.tolist())]
    return None


def long_term_frames(candidates: list[int], share: Callable[[int], float] | None) -> list[int]:
    """The first LONG_TERM of some positions that show all objects, else those of the first TRIES that show most."""
    if share is None:
        return candidates[:LONG_TERM]
    shares: dict[int, float] = {}
    for number, position in enumerate(candidates[:TRIES]):
        shares[number] = share(position)
        if sum(each >= 1 for each in shares.values()) == LONG_TERM:
            break
    best = sorted(shares, key=lambda number: -shares[number])[:LONG_TERM]
    return [candidates[number] for number in sorted(best)]


def fitting_stride(stride: int, count: int, frames: int) -> int:
    """The stride, or the largest one at which the video still has that many frames."""
    return max(1, min(stride, (count - 1) // max(1, frames - 1)))
