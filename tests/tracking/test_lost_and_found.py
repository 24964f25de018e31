"""The four phases of an object, gone through by hand."""

import pytest
import torch

from sam2s.memory import SearchRule
from sam2s.model import Segmentation
from sam2s.tracking.appearance import Appearance
from sam2s.tracking.lost_and_found import (
    Phase,
    SearchState,
    after_prompt,
    after_tracked,
    judge,
    search_due,
    without_object,
)
from sam2s.tracking.presence import ObjectState

RULE = SearchRule(hold=0.5, take=0.8, patience=2, wait=3, every=4, learn=2)
LOOK = Appearance((torch.tensor([1.0, 0.0]),), torch.tensor([1.0, 0.0]), None)


def known(phase=Phase.TRACKED, frames=9, usual=0.6):
    return SearchState(phase, frames, usual, learned=9)


def walk(state, observations, rule=RULE):
    """Phases after each (visible, evidence)."""
    phases = []
    for visible, evidence in observations:
        state = judge(rule, state, visible=visible, evidence=evidence)
        phases.append(state.phase.value)
    return phases, state


def test_what_has_enough_evidence_stays_tracked_and_half_of_the_usual_is_enough_here():
    assert walk(known(), [(True, 0.6), (True, 0.3), (True, 0.31)])[0] == ["tracked"] * 3


def test_doubt_lasts_as_long_as_patience_and_then_the_object_is_absent():
    phases, state = walk(known(), [(True, 0.29)] * 4)
    assert phases == ["uncertain", "uncertain", "absent", "absent"]
    assert state.frames == 2
    assert walk(known(), [(True, 0.1)], SearchRule(patience=0))[0] == ["absent"]


def test_doubt_ends_where_the_evidence_is_back():
    assert walk(known(), [(True, 0.2), (True, 0.4), (True, 0.2)])[0] == ["uncertain", "tracked", "uncertain"]


def test_what_the_network_does_not_see_is_absent_at_once_and_searched_for_after_a_wait():
    phases, state = walk(known(), [(False, 0.0)] * 6)
    assert phases == ["absent"] * 3 + ["searching"] * 3
    assert state.frames == 3


def test_an_absent_object_needs_more_evidence_to_return_than_a_tracked_one_to_stay():
    absent = known(Phase.ABSENT, 1)
    assert walk(absent, [(True, 0.47)])[0] == ["absent"]  # 0.48 is 0.8 of the usual 0.6
    assert walk(absent, [(True, 0.48)])[0] == ["tracked"]
    searching = known(Phase.SEARCHING, 5)
    assert walk(searching, [(True, 0.47), (False, 0.0), (True, 0.5)])[0] == ["searching", "searching", "tracked"]


def test_the_picture_is_searched_every_fourth_frame_of_a_search():
    state, due = known(Phase.ABSENT, 3), []
    for _ in range(10):
        state = judge(RULE, state, visible=False, evidence=0.0)
        due.append(search_due(RULE, state))
    assert due == [True, False, False, False, True, False, False, False, True, False]
    assert not search_due(RULE, known())


def test_nothing_is_doubted_before_it_is_known_what_is_usual():
    state = after_prompt(RULE, SearchState(), LOOK)
    for evidence in (0.5, 0.01):
        state = judge(RULE, state, visible=True, evidence=evidence)
        assert state.phase is Phase.TRACKED
        state = after_tracked(RULE, state, LOOK, evidence)
    assert state.learned == RULE.learn
    assert state.usual == pytest.approx(0.9 * 0.5 + 0.1 * 0.01)
    assert judge(RULE, state, visible=True, evidence=0.01).phase is Phase.UNCERTAIN


def test_what_was_just_found_teaches_nothing_until_it_has_stayed():
    found = judge(RULE, known(Phase.SEARCHING, 5), visible=True, evidence=0.6)
    for _ in range(RULE.probation):
        assert after_tracked(RULE, found, LOOK, 0.9) is found
        found = judge(RULE, found, visible=True, evidence=0.6)
    learned = after_tracked(RULE, found, LOOK, 0.9)
    assert learned.gallery.seen == (LOOK,)
    assert learned.usual == pytest.approx(0.9 * 0.6 + 0.1 * 0.9)


def test_a_prompt_ends_any_search_and_an_empty_mask_says_that_the_object_is_not_there():
    searching = known(Phase.SEARCHING, 30)
    found = after_prompt(RULE, searching, LOOK)
    assert (found.phase, found.learned, found.usual) == (Phase.TRACKED, 0, 0.6)
    assert found.gallery.given == (LOOK,)
    assert after_prompt(RULE, known(), None).phase is Phase.ABSENT


@pytest.mark.parametrize(
    ("phase", "presence", "told"),
    [
        (Phase.TRACKED, ObjectState.OCCLUDED, ObjectState.OCCLUDED),
        (Phase.UNCERTAIN, ObjectState.VISIBLE, ObjectState.UNCERTAIN),
        (Phase.ABSENT, ObjectState.VISIBLE, ObjectState.ABSENT),
        (Phase.ABSENT, ObjectState.OCCLUDED, ObjectState.OCCLUDED),
        (Phase.SEARCHING, ObjectState.ABSENT, ObjectState.SEARCHING),
    ],
)
def test_what_the_caller_is_told(phase, presence, told):
    assert known(phase).object_state(presence) is told


def test_a_lost_object_has_no_mask_and_hardly_any_presence_whatever_the_network_says():
    logits = torch.full((1, 1, 2, 2), 7.0)
    for said, told in ((5.0, -10.0), (-30.0, -30.0)):
        answer = Segmentation(logits, torch.tensor([[0.9]]), torch.zeros(1, 4), torch.tensor([[said]]))
        lost = without_object(answer)
        assert not (lost.logits > 0).any()
        assert float(lost.object_logit) == told
