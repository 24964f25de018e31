import numpy as np
import pytest

from sam2s.evaluation.diagnostics import (
    clicks_needed,
    decay_curve,
    identity_switches,
    mean_by_click,
    reliability,
    same_name,
)
from sam2s.evaluation.sequence import FrameScore, ObjectScore, score_sequence


def cell(j=1.0, *, gt=True, pred=True, match=None):
    return FrameScore(j, j, gt, pred, match)


def test_identity_switches_of_the_worked_example():
    assert identity_switches(1, [cell(match=match) for match in (1, 1, 2, None, 2, 1)]) == 2
    assert identity_switches(1, [cell(match=2)]) == 1  # the prompt made it 1


def test_swapped_masks_are_switches():
    right = np.zeros((6, 9), np.uint8)
    right[1:4, 1:4], right[1:4, 5:8] = 1, 2
    swapped = np.array([0, 2, 1], np.uint8)[right]
    scores = score_sequence([right, right, swapped, swapped, right, right], [right] * 6)
    assert [identity_switches(score.object_id, score.frame_scores) for score in scores] == [2, 2]


def score_of(*values):
    return ObjectScore("v", 1, tuple(map(str, range(len(values)))), tuple(cell(value) for value in values))


def test_decay_curve_weighs_objects_alike_whatever_their_length():
    assert decay_curve([score_of(1, 1, 0.5, 0.5)], 2).tolist() == [1, 0.5]
    assert decay_curve([score_of(1, 1, 0.5, 0.5), score_of(0, 0)], 2).tolist() == [0.5, 0.25]
    assert decay_curve([score_of(0.25)], 3).tolist() == [0.25] * 3
    assert np.isnan(decay_curve([], 2)).all()


def test_clicks_needed_of_the_worked_example():
    assert clicks_needed([0.5, 0.8, 0.9]) == 3
    assert clicks_needed([0.9]) == 1
    assert clicks_needed([0.1, 0.2]) == 2


def test_reliability_of_the_worked_example():
    assert reliability([0.9, 0.9], [0.8, 0.6]) == [(pytest.approx(0.9), pytest.approx(0.7), 2)]
    bins = reliability([0.05, 0.95, 1.0], [0.1, 0.5, 0.7])
    assert bins == [(0.05, 0.1, 1), (pytest.approx(0.975), pytest.approx(0.6), 2)]
    assert reliability([], []) == []


def test_mean_j_by_click_of_the_worked_example():
    assert mean_by_click([[0.4, 0.6], [1.0]]) == pytest.approx([0.7, 0.8])
    assert mean_by_click([[], [0.5]]) == [0.5]
    assert mean_by_click([]) == []


def test_names_are_compared_by_their_words():
    assert same_name("Large_needle-driver", "large needle driver")
    assert not same_name("needle driver", "large needle driver")
