"""Smooth random functions of time, held against numbers that were drawn once and against their definition."""

import numpy as np
import pytest

from sam2s.synth.motion import Camera, Clock, SteadyClock, Track


def rng():
    return np.random.default_rng(4)


def test_a_track_passes_through_its_knots_and_repeats_after_all_of_them():
    track = Track(rng(), 10.0, 2.0, 1.0)
    knots = 1 + 2 * rng().uniform(-1, 1, 64)
    drawn = rng()
    drawn.uniform(-1, 1, 64)
    phase = drawn.uniform(0, 64)
    at_knots = [track(10 * (k - phase)) for k in range(64)]
    np.testing.assert_allclose(at_knots, knots, atol=1e-9)
    assert track(3.3) == pytest.approx(1.820066, abs=1e-6)
    assert track(3.3 + 640) == pytest.approx(track(3.3))


def test_a_track_is_smooth():
    """Cubic between knots: one-sided slopes agree at a knot."""
    track = Track(rng(), 1.0)
    knot = 20 - track._phase
    left, right = ((track(knot) - track(knot - 1e-5)) / 1e-5, (track(knot + 1e-5) - track(knot)) / 1e-5)
    assert left == pytest.approx(right, abs=1e-3)


def test_a_clock_starts_at_nothing_and_runs_unevenly_around_its_tempo():
    clock = Clock(rng(), 0.5)
    assert [clock(t) for t in (0, 1, 10, 50)] == pytest.approx([0.0, 0.294281, 3.8392, 23.047132], abs=1e-6)
    assert [SteadyClock(0.5)(t) for t in (0, 1, 10)] == [0.0, 0.5, 5.0]


def test_a_camera_pans_and_jumps():
    camera = Camera(rng(), 0.4, 0.2, 0.3, 10.0)
    first, second = camera(0), camera(5.5)
    assert (first.x, first.y, first.angle, first.zoom) == pytest.approx(
        (0.139945, 0.250925, -0.181547, 0.816923), abs=1e-6
    )
    assert (second.x, second.zoom, second.index) == pytest.approx((0.405539, 0.966527, 1), abs=1e-6)
    assert camera(40).index == 2
    assert {Camera(rng(), 0.4, 0.2, 0.3)(t).index for t in range(200)} == {0}
