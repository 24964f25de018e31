"""What a policy of memory allows, and what follows from its numbers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2s.errors import ConfigError
from sam2s.memory.policy import PAPER_IOU_THRESHOLD, MemoryPolicy


def test_the_numbers_of_the_paper():
    policy = MemoryPolicy()
    assert (policy.kind, policy.short_term, policy.candidates, policy.long_term) == ("divemem", 6, 5, 4)
    assert PAPER_IOU_THRESHOLD == 0.95


@pytest.mark.parametrize(
    ("settings", "places", "maps"),
    [
        ({}, 4, 16 + 6 + 1 + 4 + 3),
        ({"kind": "sam2"}, 0, 16 + 6 + 1),
        ({"count_first": True}, 3, 16 + 6 + 1 + 3 + 3),
        ({"long_term": 0}, 0, 16 + 6 + 1),
        ({"long_term": 0, "count_first": True}, 0, 16 + 6 + 1),
        ({"long_term": 1, "count_first": True}, 0, 16 + 6 + 1),
        ({"short_term": 0, "max_conditioning": 2, "long_term": 10}, 10, 2 + 0 + 1 + 10 + 3),
    ],
)
def test_places_and_the_most_maps(settings, places, maps):
    policy = MemoryPolicy(**settings)
    assert (policy.places, policy.max_maps) == (places, maps)


@pytest.mark.parametrize(
    ("own", "of_weights", "threshold"),
    [(None, None, 0.95), (None, 0.7, 0.7), (None, 0.0, 0.0), (0.8, None, 0.8), (0.8, 0.7, 0.8), (0.0, 0.7, 0.0)],
)
def test_the_threshold_is_its_own_else_that_of_the_weights_else_the_papers(own, of_weights, threshold):
    policy = MemoryPolicy(iou_threshold=own, long_term=7)
    resolved = policy.resolve(of_weights)
    assert resolved == replace(policy, iou_threshold=threshold)
    assert policy.iou_threshold is own, "the policy itself stays as it was"


@given(st.one_of(st.none(), st.floats(0, 1)), st.one_of(st.none(), st.floats(0, 1)), st.floats(0, 1))
def test_a_resolved_policy_stays_resolved(own, first, second):
    resolved = MemoryPolicy(iou_threshold=own).resolve(first)
    assert resolved.resolve(second) is resolved


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"kind": "sam3"}, "memory kind 'sam3' is not one of 'divemem', 'sam2'"),
        ({"corrections": "ask"}, "memory corrections 'ask' is not one of 'condition', 'answer'"),
        ({"map_dtype": "float16"}, "memory map_dtype 'float16' is not one of 'same', 'bfloat16'"),
        ({"similarity": "mask"}, "memory similarity 'mask' is not one of 'image', 'memory'"),
        ({"first_reference": "last"}, "memory first_reference 'last' is not one of 'first', 'latest'"),
        ({"short_term": -1}, "memory short_term -1 is too small; give at least 0"),
        ({"short_term": 7}, "memory short_term 7 is too large; the network has 6 slots"),
        ({"candidates": 0}, "memory candidates 0 is too small; give at least 1"),
        ({"candidates": 2.5}, "memory candidates 2.5 is not a whole number; give an int"),
        ({"long_term": -1}, "memory long_term -1 is too small; give at least 0"),
        ({"long_term": "4"}, "memory long_term '4' is not a whole number; give an int"),
        ({"max_conditioning": 1}, "memory max_conditioning 1 is too small; give at least 2"),
        ({"iou_threshold": 1.01}, "memory iou_threshold 1.01 is outside 0 to 1"),
        ({"iou_threshold": -0.01}, "memory iou_threshold -0.01 is outside 0 to 1"),
        ({"iou_threshold": "0.9"}, "memory iou_threshold '0.9' is outside 0 to 1"),
        ({"iou_threshold": float("nan")}, "memory iou_threshold nan is outside 0 to 1"),
    ],
)
def test_what_cannot_work_is_refused_with_what_is_allowed(settings, text):
    with pytest.raises(ConfigError) as caught:
        MemoryPolicy(**settings)
    assert str(caught.value) == text


@given(short_term=st.integers(0, 6), candidates=st.integers(1, 50), long_term=st.integers(0, 50))
def test_sam_2_never_has_places_and_divemem_never_fewer_than_none(short_term, candidates, long_term):
    numbers = {"short_term": short_term, "candidates": candidates, "long_term": long_term}
    assert MemoryPolicy(kind="sam2", **numbers).places == 0
    for count_first in (False, True):
        policy = MemoryPolicy(count_first=count_first, **numbers)
        assert 0 <= policy.places <= long_term
        assert policy.max_maps >= MemoryPolicy(kind="sam2", **numbers).max_maps


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"short_term": 2.5}, "memory short_term 2.5 is not a whole number"),
        ({"candidates": "5"}, "memory candidates '5' is not a whole number"),
        ({"long_term": float("nan")}, "memory long_term nan is not a whole number"),
        ({"max_conditioning": 1}, "memory max_conditioning 1 is too small; give at least 2"),
        ({"iou_threshold": float("nan")}, "memory iou_threshold nan is outside 0 to 1"),
        ({"iou_threshold": "0.9"}, "memory iou_threshold '0.9' is outside 0 to 1"),
        ({"iou_threshold": 1.01}, "memory iou_threshold 1.01 is outside"),
    ],
)
def test_policies_of_no_numbers_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        MemoryPolicy(**values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "xmem"}, "memory kind 'xmem' is not one of 'divemem', 'sam2'"),
        ({"iou_threshold": 1.5}, "iou_threshold 1.5 is outside 0 to 1"),
        ({"candidates": 0}, "candidates 0 is too small; give at least 1"),
        ({"max_conditioning": 1}, "max_conditioning 1 is too small"),
        ({"short_term": 9}, "short_term 9 is too large; the network has 6 slots"),
    ],
)
def test_refuses_what_cannot_work(change: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        MemoryPolicy(**change)
