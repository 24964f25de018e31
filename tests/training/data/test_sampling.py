"""Frames of clips: distinct where that is possible, padded by ping-pong where not, with an object to start from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2s.training.data.sampling import TRIES, consecutive, divemem, ping_pong

COUNTS, FRAMES, STRIDES, SEEDS = (st.integers(1, 60), st.integers(5, 10), st.integers(1, 6), st.integers(0, 2**31))


def always(position):
    return True


def test_ping_pong_goes_back_and_forth():
    assert ping_pong(6, 8) == [0, 1, 2, 3, 4, 5, 4, 3]
    assert ping_pong(3, 8) == [0, 1, 2, 1, 0, 1, 2, 1]
    assert ping_pong(1, 3) == [0, 0, 0]
    assert ping_pong(9, 8) == list(range(9))


@given(COUNTS, FRAMES, STRIDES, SEEDS, st.booleans())
def test_consecutive_frames(count, frames, stride, seed, reverse):
    clip = consecutive(count, frames, always, np.random.default_rng(seed), stride=stride, reverse=reverse)
    assert len(clip) == frames
    assert set(clip) <= set(range(count))
    steps = np.diff(clip)
    if count >= frames:
        widest = (count - 1) // (frames - 1)
        assert set(steps) == {min(stride, widest) * (-1 if reverse else 1)}
    elif count > 1:
        assert set(abs(steps)) == {1}


@given(COUNTS, FRAMES, STRIDES, SEEDS)
def test_divemem_frames(count, frames, stride, seed):
    clip = divemem(count, frames, always, np.random.default_rng(seed), stride=stride)
    assert len(clip) == frames
    assert set(clip) <= set(range(count))
    if count >= frames:
        assert len(set(clip)) == frames, "conditioning, long-term and consecutive frames are all different"
        assert set(np.diff(clip[3:])) == {min(stride, (count - 1) // (frames - 4))}


@given(st.integers(2, 60), SEEDS, st.sets(st.integers(0, 59), min_size=1))
def test_an_object_is_visible_on_the_first_frame(count, seed, where):
    rng = np.random.default_rng(seed)
    for clip in (consecutive(count, 8, where.__contains__, rng), divemem(count, 8, where.__contains__, rng)):
        assert clip is None or clip[0] in where


def test_random_frames_come_from_the_whole_video():
    """Every frame serves as conditioning and as long-term frame about equally often, before and after the block."""
    rng = np.random.default_rng(0)
    clips = np.array([divemem(20, 8, always, rng) for _ in range(4000)])
    for column in (0, 1, 2):
        seen = np.bincount(clips[:, column], minlength=20)
        assert seen.min() > 100
        assert 0.3 < (clips[:, column] < clips[:, 3]).mean() < 0.7


def test_few_frames_are_looked_at():
    asked = []
    assert divemem(10_000, 8, lambda t: asked.append(t), np.random.default_rng(0)) is None
    assert consecutive(10_000, 8, lambda t: asked.append(t), np.random.default_rng(0)) is None
    assert len(asked) == 2 * TRIES


@pytest.mark.parametrize("make", [consecutive, divemem])
def test_equal_seeds_equal_clips(make):
    first, again = (make(50, 8, always, np.random.default_rng(7), stride=3) for _ in range(2))
    assert first == again
