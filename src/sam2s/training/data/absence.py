"""Clips in which an object is absent as often as asked for, whether they are DiveMem clips or consecutive frames.

Left to chance, the two kinds differ: the frames of a DiveMem clip come from anywhere in the video, those of a
consecutive clip from shortly after a frame that shows the object. A comparison of the two would then also compare how
often each kind is shown absence. Here the wanted number of absent frames is drawn first, alike for both, and then
looked for.

Legend: a position is visible or gone with regard to the one object that the search follows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .sampling import LONG_TERM, TRIES, fitting_stride, long_term_frames

Visible = Callable[[int], bool]


def most_absent(frames: int) -> int:
    """Largest number of absent frames that a clip is asked for: those of the consecutive block of a DiveMem clip."""
    return max(0, frames - 1 - LONG_TERM)


def largest_share(frames: int) -> float:
    """Largest share of the frames after the first that can be absent on average, as `draw_absent` draws."""
    return (most_absent(frames) + 1) / 2 / (frames - 1) if most_absent(frames) else 0.0


def draw_absent(share: float, frames: int, rng: np.random.Generator) -> int:
    """How many frames of a clip shall be absent: none, or 1 to `most_absent` alike, so that `share` is the average."""
    if not most_absent(frames) or rng.random() >= share / largest_share(frames):
        return 0
    return int(rng.integers(1, most_absent(frames) + 1))


def consecutive_with_absence(
    count: int,
    frames: int,
    first: int,
    visible: Visible,
    rng: np.random.Generator,
    *,
    absent: int,
    stride: int = 1,
    reverse: bool = False,
) -> list[int] | None:
    """Consecutive positions that begin visible and of which about `absent` are gone.

    Args:
        count: annotated frames of the video.
        frames: frames of the clip.
        first: a visible position.
        visible: whether a position is visible.
        rng: chooses.
        absent: how many of the clip's frames shall be gone. More than 0 makes a clip that ends with them.
        stride: distance of the frames, less where the video is too short.
        reverse: whether the clip runs backwards in time.

    Returns:
        The positions, or None if none were found, for instance because the object never leaves after `first`.
    """
    if reverse:
        mirrored = consecutive_with_absence(
            count, frames, count - 1 - first, lambda p: visible(count - 1 - p), rng, absent=absent, stride=stride
        )
        return mirrored and [count - 1 - position for position in mirrored]
    stride = fitting_stride(stride, count, frames)
    last = count - 1 - (frames - 1) * stride
    if not absent:
        clip = [first + i * stride for i in range(frames)]
        return clip if first <= last and all(visible(position) for position in clip) else None
    later = (rng.permutation(count - first - 1) + first + 1).tolist()[:TRIES]
    gone = next((position for position in later if not visible(position)), None)
    if gone is None:
        return None
    leaves = _boundary(first, gone, visible)
    start = leaves - (frames - 1 - absent) * stride
    return [start + i * stride for i in range(frames)] if 0 <= start <= last and visible(start) else None


def divemem_with_absence(
    count: int,
    frames: int,
    first: int,
    visible: Visible,
    rng: np.random.Generator,
    *,
    absent: int,
    share: Callable[[int], float] | None,
    stride: int = 1,
) -> list[int] | None:
    """Positions of a DiveMem clip in whose consecutive block about `absent` are gone.

    Arguments and result are those of `consecutive_with_absence`.

    Args:
        share: share of the clip's objects that a position shows, by which the long-term frames are chosen; None
            takes any.
    """
    block = frames - 1 - LONG_TERM
    stride = fitting_stride(stride, count, block)
    last = count - 1 - (block - 1) * stride
    if count < frames or last < 0:
        return None
    for _ in range(TRIES if not absent else 1):
        start = int(rng.integers(last + 1))
        if absent:
            anywhere = rng.permutation(count).tolist()[:TRIES]
            gone = next((position for position in anywhere if not visible(position)), None)
            if gone is None:
                return None
            edge = _boundary(first, gone, visible)
            # The block ends with the absent frames where the object leaves, and begins with them where it returns.
            start = edge - (block - 1 - absent) * stride if first < gone else edge - absent * stride
            start = min(max(start, 0), last)
        taken = [start + i * stride for i in range(block)]
        if first in taken or (not absent and not all(visible(position) for position in taken)):
            continue
        rest = [i for i in rng.permutation(count).tolist() if i != first and i not in taken]
        return [first, *long_term_frames(rest, share), *taken]
    return None


def _boundary(visible_at: int, gone_at: int, visible: Visible) -> int:
    """A visible position next to a gone one, between a visible and a gone position."""
    while abs(gone_at - visible_at) > 1:
        middle = (visible_at + gone_at) // 2
        if visible(middle):
            visible_at = middle
        else:
            gone_at = middle
    return visible_at
