"""The room outside of the body: it moves, it is repeatable, and it is seldom red."""

import numpy as np

from sam2s.synth.theatre import Theatre


def test_the_room_is_repeatable_and_moves():
    picture, labels = Theatre(3, 64).render(7)
    assert np.array_equal(picture, Theatre(3, 64).render(7)[0])
    assert picture.shape == (64, 64, 3)
    assert not labels.any()
    assert not np.array_equal(picture, Theatre(3, 64).render(20)[0])


def test_rooms_are_blue_green_grey_or_white_far_more_than_red():
    red = [
        float(((p[..., 0] > 1.3 * p[..., 1]) & (p[..., 0] > 1.3 * p[..., 2])).mean())
        for p in (Theatre(seed, 64).render(0)[0].astype(float) for seed in range(12))
    ]
    assert np.median(red) < 0.1
