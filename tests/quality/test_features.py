"""Every feature of a mask against a number by hand."""

import math

import numpy as np
import pytest
import torch

from quality_tools import picture, square, tracked
from sam2s.quality.features import EMPTY, SEEN, as_row, describe_absence, describe_mask, distance, logit
from sam2s.quality.history import ObjectHistory
from sam2s.quality.observation import grid_logits, observe, sample_picture


def seen(result, value=100, embedding=None):
    return observe(result, grid_logits(result), sample_picture(picture(value), (16, 16)), embedding)


def past(**changes):
    """A history of one tracked square of 4 x 4 after a box."""
    history = ObjectHistory()
    history.take_prompt(seen(tracked()), "box", 0.75)
    history.add(seen(tracked()), logit(0.9), None)
    for name, value in changes.items():
        setattr(history, name, value)
    return history


def described(result, history=None, shared=0.0, **kwargs):
    return describe_mask(result, seen(result, **kwargs), history or past(), shared)


def test_a_mask_that_stays_as_it_was_has_no_distance_to_anything():
    features = described(tracked())
    assert set(features) == set(SEEN)
    for name in ("area_jump", "growth", "shift", "change", "pointer_step", "pointer_distance", "colour_distance"):
        assert features[name] == pytest.approx(0.0, abs=1e-6)
    assert features["blur"] == 0.0
    assert features["predicted_iou"] == pytest.approx(math.log(9))
    assert features["presence"] == pytest.approx(math.log(9))
    assert features["confidence"] == pytest.approx(math.log(9))
    assert features["candidate_spread"] == pytest.approx(0.4)
    assert features["stability"] == 0.95
    assert features["area"] == pytest.approx(math.log(16 / 256))
    assert features["age"] == pytest.approx(math.log(2))
    assert (features["by_box"], features["by_points"], features["ambiguity"]) == (1.0, 0.0, 0.25)
    assert (features["at_border"], features["overlap"], features["renamed"]) == (0.0, 0.0, 0.0)


def test_jumps_of_area_and_place():
    features = described(tracked(square(8, 4, 16, 8)))  # twice as large, moved by 6 of 16 places, another place
    assert features["area_jump"] == pytest.approx(math.log(2))
    assert features["growth"] == pytest.approx(math.log(2))
    assert features["shift"] == pytest.approx((6 / 16) / math.sqrt(32 / 256))
    assert features["change"] == 1.0
    assert features["at_border"] == 1.0
    smaller = described(tracked(square(4, 4, 8, 6)))
    assert (smaller["area_jump"], smaller["growth"]) == (pytest.approx(math.log(2)), 0.0)
    assert smaller["change"] == pytest.approx(0.5)


def test_the_pointer_is_compared_with_the_last_and_with_those_of_prompts():
    history = past(pointer=np.array([0.0, 1.0], np.float32))
    features = described(tracked(), history)
    assert features["pointer_step"] == pytest.approx(1.0)
    assert features["pointer_distance"] == pytest.approx(0.0)
    turned = described(tracked(pointer=torch.tensor([-1.0, 0.0])), past())
    assert turned["pointer_distance"] == pytest.approx(2.0)
    known = described(tracked(pointer=torch.tensor([-1.0, 0.0])), past(anchor=np.array([-1.0, 0.0], np.float32)))
    assert known["pointer_distance"] == pytest.approx(0.0)


def test_appearance_and_colour_are_compared_with_the_past():
    embedding = torch.zeros(1, 2, 4, 4)
    embedding[0, 1] = 2.0
    history = past(appearance=np.array([0.6, 0.8], np.float32))
    features = described(tracked(), history, embedding=embedding)
    assert features["appearance_distance"] == pytest.approx(0.2)
    assert described(tracked(), past())["appearance_distance"] == 0.0  # nothing is known
    brighter = described(tracked(), past(), value=151)
    assert brighter["colour_distance"] == pytest.approx(math.sqrt(3) * 51 / 255, abs=1e-6)


def test_blur_is_lost_detail():
    assert described(tracked(), past(detail=0.009))["blur"] == pytest.approx(math.log(10))  # today's is 0
    assert described(tracked(), past(detail=50.0))["blur"] == 3.0


def test_another_name_than_the_usual_one_counts():
    history = past(names={"hook": 12})
    features = described(tracked(category="grasper", category_probability=0.6), history)
    assert (features["renamed"], features["name_probability"]) == (1.0, 0.6)
    assert described(tracked(category="hook", category_probability=0.6), history)["renamed"] == 0.0


def test_the_pixels_that_another_object_claims_are_passed_on():
    assert described(tracked(), shared=0.4)["overlap"] == 0.4


def test_an_empty_mask_is_described_by_what_was():
    history = past(hidden=6, at_border=True)
    features = describe_absence(tracked(square(0, 0, 0, 0), iou=0.2, presence=0.1), history)
    assert set(features) == set(EMPTY)
    assert features["hidden"] == pytest.approx(math.log(7))
    assert features["at_border"] == 1.0
    assert features["area"] == pytest.approx(math.log(16 / 256))
    assert features["presence"] == pytest.approx(math.log(1 / 9))
    assert describe_absence(tracked(), ObjectHistory())["area"] == pytest.approx(math.log(1e-3))


def test_log_odds_and_distances_at_their_ends():
    assert logit(1.0) == pytest.approx(math.log(999))
    assert logit(0.0) == pytest.approx(-math.log(999))
    assert distance(None, np.ones(2)) == 0.0
    assert distance(np.ones(2), np.ones(3)) == 0.0  # pointers of another network


def test_rows_follow_the_names():
    assert np.array_equal(as_row({"b": 2.0, "a": 1.0}, ("a", "b")), [1, 2])
