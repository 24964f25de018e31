"""Visible, occluded, absent: hysteresis, the border of the view, patience."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model_tools import nano
from sam2s.errors import ConfigError
from sam2s.model.segment import mask_extent
from sam2s.tracking import ObjectState, Points, PresenceRule, Tracker
from sam2s.tracking.presence import observe
from tracking_tools import movie

INSIDE, BORDER, EMPTY = (torch.full((8, 8), -1.0) for _ in range(3))
INSIDE[3:5, 3:5] = 1
BORDER[0:2, 3:5] = 1
INSIDE, BORDER, EMPTY = mask_extent(torch.stack((INSIDE, BORDER, EMPTY)))


def states(observations):
    rule, presence, seen = PresenceRule(patience=3), None, ""
    for probability, mask in observations:
        presence = observe(rule, presence, probability, mask)
        seen += presence.state.value[0]
    return seen


def test_hidden_inside_the_view_is_occluded_and_after_a_while_absent():
    assert states([(0.9, INSIDE)] + [(0.1, EMPTY)] * 5 + [(0.9, INSIDE)]) == "voooaav"


def test_gone_over_the_border_is_absent_at_once():
    assert states([(0.9, BORDER), (0.1, EMPTY), (0.9, INSIDE), (0.1, EMPTY)]) == "vavo"


def test_does_not_flicker_between_the_thresholds():
    assert (
        states([(0.9, INSIDE), (0.45, EMPTY), (0.55, INSIDE), (0.3, EMPTY), (0.55, INSIDE), (0.6, INSIDE)]) == "vvvoov"
    )


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([INSIDE, BORDER, EMPTY])), max_size=30))
def test_visible_if_sure_and_never_if_surely_not(observations):
    presence = None
    for probability, mask in observations:
        presence = observe(PresenceRule(), presence, probability, mask)
        assert presence.hidden == 0 if presence.state is ObjectState.VISIBLE else presence.hidden > 0
        if probability >= 0.6:
            assert presence.state is ObjectState.VISIBLE
        if probability < 0.4:
            assert presence.state is not ObjectState.VISIBLE


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"appear": 1.5}, "presence appear 1.5 is not a probability"),
        ({"vanish": -0.1}, "presence vanish -0.1 is not a probability"),
        ({"appear": float("nan")}, "presence appear nan is not"),
        ({"vanish": "0.4"}, "presence vanish '0.4' is not"),
        ({"appear": 0.3}, r"presence vanish 0.4 is above appear 0.3, so the state would flicker"),
        ({"patience": -1}, "presence patience -1 is not a number of frames"),
        ({"patience": 2.5}, "presence patience 2.5 is not"),
        ({"patience": None}, "presence patience None is not"),
    ],
)
def test_rules_that_cannot_work_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        PresenceRule(**values)


def test_rules_take_numbers_of_numpy_and_their_borders():
    assert PresenceRule(appear=np.float32(0.5), vanish=np.float32(0.5), patience=np.int64(0)).patience == 0
    assert PresenceRule(appear=1, vanish=0).appear == 1


def test_patience_counts_hidden_frames():
    rule, state = PresenceRule(patience=1), observe(PresenceRule(), None, 0.9, INSIDE)
    seen = []
    for _ in range(3):
        state = observe(rule, state, 0.1, EMPTY)
        seen.append((state.state.value, state.hidden))
    assert seen == [("occluded", 1), ("absent", 2), ("absent", 3)]


def test_presence_is_calibrated_by_two_numbers_of_the_weights():
    rule = PresenceRule(scale=0.5, shift=-1.0)
    assert rule.probability(torch.tensor([[4.0]])) == pytest.approx(1 / (1 + math.exp(-1)))
    score = torch.tensor([[1.7]])
    assert PresenceRule().probability(score) == float(torch.sigmoid(score))  # as it is, to the bit
    network = nano(presence_scale=0.25, presence_shift=-0.5)
    plain, calibrated = Tracker(nano()), Tracker(network)
    assert (calibrated.settings.rule.scale, calibrated.settings.rule.shift) == (0.25, -0.5)
    shown = []
    for tracker in (plain, calibrated):
        tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
        shown.append(tracker.step(movie(1)[0]).objects[1])
    raw = math.log(shown[0].presence / (1 - shown[0].presence))
    assert shown[1].presence == pytest.approx(1 / (1 + math.exp(0.5 - 0.25 * raw)), abs=1e-5)
    assert torch.equal(shown[0].low_res_logits, shown[1].low_res_logits)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"presence_scale": 0.0}, "presence_scale 0 must be above 0, or presence would be reversed"),
        ({"presence_shift": math.nan}, "presence_shift nan is not a number"),
    ],
)
def test_numbers_that_calibrate_presence_are_checked(changes, message):
    with pytest.raises(ConfigError, match=message):
        nano(**changes)
