"""Measures of motion against closed forms and independent numerical integrals."""

import math

import numpy as np
import pytest

from sam2s.analysis.kinematics import (
    economy,
    ldlj,
    path_length,
    smooth,
    sparc,
    stretches,
    weighted,
    working_area,
)

RATE = 100.0


def minimum_jerk(seconds, rate=RATE):
    """Speed of a movement of one unit whose jerk is least: 30/T (t^2 - 2 t^3 + t^4), t from 0 to 1."""
    t = np.linspace(0, 1, round(seconds * rate) + 1)
    return 30 / seconds * (t**2 - 2 * t**3 + t**4)


@pytest.mark.parametrize("seconds", [1.5, 4.0])
def test_ldlj_of_a_minimum_jerk_movement_is_that_of_the_closed_form(seconds):
    # The second derivative of the speed integrates to 720 / T^5, and the peak is 1.875 / T: 720 / 1.875^2 = 204.8.
    assert ldlj(minimum_jerk(seconds), RATE) == pytest.approx(-math.log(204.8), abs=0.04)


def test_ldlj_depends_neither_on_size_nor_on_duration():
    one = ldlj(minimum_jerk(2.0), RATE)
    assert ldlj(37 * minimum_jerk(2.0), RATE) == pytest.approx(one)
    assert ldlj(minimum_jerk(8.0), RATE) == pytest.approx(one, abs=0.04)


def test_sparc_is_the_length_of_the_spectrum_s_curve():
    speed = minimum_jerk(2.0)
    frequency = np.linspace(0, 10, 40_001)
    t = np.arange(len(speed)) / RATE
    spectrum = np.abs(np.exp(-2j * np.pi * frequency[:, None][::20] * t) @ speed)  # a plain Fourier sum
    frequency, spectrum = frequency[::20], spectrum / spectrum[0]
    last = np.nonzero(spectrum >= 0.05)[0][-1] + 1
    frequency, spectrum = frequency[:last], spectrum[:last]
    length = np.hypot(np.diff(frequency) / frequency[-1], np.diff(spectrum)).sum()
    assert sparc(speed, RATE) == pytest.approx(-length, abs=0.01)


@pytest.mark.parametrize("measure", [ldlj, sparc])
def test_tremor_is_less_smooth(measure):
    speed = minimum_jerk(3.0)
    t = np.arange(len(speed)) / RATE
    assert measure(speed * (1 + 0.3 * np.sin(2 * np.pi * 4 * t)), RATE) < measure(speed, RATE) - 0.2


@pytest.mark.parametrize("measure", [ldlj, sparc])
def test_short_or_still_stretches_have_no_smoothness(measure):
    assert math.isnan(measure(minimum_jerk(0.5), RATE))
    assert math.isnan(measure(np.zeros(300), RATE))


def test_sparc_needs_twenty_frames_a_second():
    assert math.isnan(sparc(minimum_jerk(3.0, 10.0), 10.0))
    assert not math.isnan(sparc(minimum_jerk(3.0, 20.0), 20.0))


def test_parabolas_are_differentiated_exactly():
    t = np.arange(60) / 30
    positions = np.stack((3 + 2 * t + 5 * t**2, 1 - 4 * t), axis=1)
    smoothed, velocity, acceleration = smooth(positions, 30.0)
    assert np.allclose(smoothed, positions)
    assert np.allclose(velocity, np.stack((2 + 10 * t, -4 + 0 * t), axis=1))
    assert np.allclose(acceleration, np.broadcast_to([10, 0], (60, 2)), atol=1e-8)


def test_two_positions_have_no_speed_to_tell():
    positions = np.array([[0.0, 0.0], [3.0, 4.0]])
    smoothed, velocity, _ = smooth(positions, 25.0)
    assert np.array_equal(smoothed, positions)
    assert not velocity.any()


def test_path_economy_and_area_of_a_square():
    square = np.array([[0, 0], [4, 0], [4, 3], [0, 3]], float)
    assert path_length(square) == 11
    assert economy(square) == pytest.approx(3 / 11)
    assert working_area(square) == 12
    assert working_area(square[:2]) == 0
    assert working_area(np.array([[0, 0], [1, 1], [2, 2]], float)) == 0
    assert math.isnan(economy(np.ones((5, 2))))


def test_stretches_are_the_runs_of_true():
    assert stretches(np.array([1, 1, 0, 1, 0, 0, 1], bool)) == [(0, 2), (3, 4), (6, 7)]
    assert stretches(np.zeros(4, bool)) == []
    assert stretches(np.ones(4, bool)) == [(0, 4)]


def test_what_cannot_be_told_has_no_weight():
    assert weighted([(1.0, 1.0), (math.nan, 100.0), (4.0, 2.0)]) == 3
    assert math.isnan(weighted([(math.nan, 1.0)]))
