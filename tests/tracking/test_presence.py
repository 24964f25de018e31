"""Visible, occluded, absent: hysteresis, the border of the view, patience."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from sam2s.tracking import ObjectState, PresenceRule
from sam2s.tracking.presence import observe

INSIDE, BORDER, EMPTY = (torch.full((8, 8), -1.0) for _ in range(3))
INSIDE[3:5, 3:5] = 1
BORDER[0:2, 3:5] = 1


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
