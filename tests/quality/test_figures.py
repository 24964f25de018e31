"""The figures of quality against numbers by hand."""

import math

import numpy as np
import pytest
from hypothesis import strategies as st

from sam2s.quality.figures import (
    auroc,
    caught,
    expected_calibration_error,
    false_alarms,
    quality_figures,
    shown_count,
)

SHARES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=50)


def test_calibration_error_by_hand():
    predicted, true = np.array([0.95, 0.95, 0.15]), np.array([0.9, 0.6, 0.45])
    assert expected_calibration_error(predicted, true) == pytest.approx((0.4 + 0.3) / 3)
    assert expected_calibration_error(np.array([1.0]), np.array([1.0])) == 0.0
    assert expected_calibration_error([1.0, 0.0], [0.0, 1.0]) == 1
    assert math.isnan(expected_calibration_error([], []))


def test_auroc_counts_pairs_in_order():
    score, bad = np.array([0.9, 0.4, 0.4, 0.1]), np.array([True, True, False, False])
    assert auroc(score, bad) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert auroc(-score, bad) == pytest.approx(1 - 3.5 / 4)
    assert math.isnan(auroc(score, np.zeros(4, bool)))
    assert math.isnan(auroc(score, np.ones(4, bool)))


def test_a_tenth_is_shown_and_rounded_up():
    assert [shown_count(n) for n in (1, 10, 11, 100)] == [1, 1, 2, 10]
    score, bad = np.arange(20.0), np.zeros(20, bool)
    bad[[19, 3]] = True
    assert caught(score, bad) == 0.5
    assert caught(-score, bad) == 0.0
    assert math.isnan(caught(score, np.zeros(20, bool)))


def test_an_alarm_near_a_bad_mask_is_no_false_one():
    assert false_alarms([], [5]) == 0
    assert false_alarms([100, 105, 117], []) == 1
    assert false_alarms([100, 113], []) == 2
    assert false_alarms([100], [112]) == 0
    assert false_alarms([100], [87]) == 1
    assert false_alarms([100, 140], [141]) == 1


def test_all_figures_of_a_set():
    true = np.array([0.9, 0.8, 0.2, 0.95, 0.1])
    figures = quality_figures(true, np.full(5, 0.9), true, 1 - true)
    assert (figures.masks, figures.bad) == (5, 2)
    assert figures.error_before == pytest.approx(100 * (0.9 * 5 - true.sum()) / 5)
    assert figures.error_after == 0.0
    assert (figures.auroc_before, figures.auroc_after) == (0.5, 1.0)
    assert (figures.caught_after, figures.most_caught) == (0.5, 0.5)
    assert figures.caught_before == 0.0
