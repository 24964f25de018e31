"""Clips with as many absent frames as asked for: both kinds alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2s.training.data.absence import (
    consecutive_with_absence,
    divemem_with_absence,
    draw_absent,
    largest_share,
    most_absent,
)

LEAVES, RETURNS = 30, 55


def away(position):
    """An object that is gone from frame 30 to 54 of a video."""
    return not LEAVES <= position < RETURNS


@pytest.mark.parametrize(("share", "frames"), [(0.0, 8), (0.1, 8), (0.3, 8), (0.42, 8), (0.2, 6)])
def test_the_average_of_what_is_drawn_is_the_share_that_was_asked_for(share, frames):
    rng = np.random.default_rng(0)
    drawn = [draw_absent(share, frames, rng) for _ in range(20000)]
    assert np.mean(drawn) / (frames - 1) == pytest.approx(share, abs=0.01)
    assert max(drawn) <= most_absent(frames)


def test_clips_that_are_too_short_have_no_absence():
    assert draw_absent(0.0, 3, np.random.default_rng(0)) == 0
    assert (largest_share(3), most_absent(2), largest_share(8)) == (0.0, 0, 3 / 7)


@given(st.integers(0, 5), st.integers(0, 29), st.integers(1, 2), st.booleans(), st.integers(0, 2**31))
def test_consecutive_frames_end_with_the_absent_ones(absent, first, stride, reverse, seed):
    first = 99 - first if reverse else first
    rng = np.random.default_rng(seed)
    clip = consecutive_with_absence(100, 8, first, away, rng, absent=absent, stride=stride, reverse=reverse)
    if absent:
        assert clip is not None
    if clip is not None:
        assert set(np.diff(clip)) == {-stride if reverse else stride}
        assert [away(position) for position in clip] == [True] * (8 - absent) + [False] * absent
    else:
        assert not all(away(first + (-i if reverse else i) * stride) for i in range(8))


@given(st.integers(0, 5), st.sampled_from([*range(24), *range(60, 100)]), st.integers(1, 2), st.integers(0, 2**31))
def test_the_block_of_a_divemem_clip_has_the_absent_frames(absent, first, stride, seed):
    clip = divemem_with_absence(
        100, 8, first, away, np.random.default_rng(seed), absent=absent, share=away, stride=stride
    )
    if clip is None:
        assert first in range(30 - 9 * stride, 55 + 9 * stride), "the conditioning frame lay in the block"
        return
    assert clip[0] == first
    assert len(set(clip)) == 8
    assert away(clip[1])
    assert away(clip[2])
    assert set(np.diff(clip[3:])) == {stride}
    assert sum(not away(position) for position in clip[3:]) == absent


def test_leaving_and_returning_both_occur():
    """A consecutive clip shows the object leave; a DiveMem block shows it leave or return."""
    rng = np.random.default_rng(1)
    blocks = [divemem_with_absence(100, 8, f, away, rng, absent=2, share=None)[3:] for f in (5, 90) for _ in range(10)]
    assert {away(block[0]) for block in blocks} == {True, False}


def test_what_cannot_be_found():
    rng = np.random.default_rng(0)
    always = lambda position: True  # noqa: E731
    assert consecutive_with_absence(100, 8, 3, always, rng, absent=2) is None
    assert divemem_with_absence(100, 8, 3, always, rng, absent=2, share=None) is None
    assert divemem_with_absence(7, 8, 3, always, rng, absent=0, share=None) is None, "too short for distinct frames"
    assert consecutive_with_absence(7, 8, 0, always, rng, absent=0) is None
    assert consecutive_with_absence(100, 8, 0, lambda p: p < 2, rng, absent=1) is None, "not long enough in sight"
