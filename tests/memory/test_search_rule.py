"""The numbers of a search, and the names of policies."""

import json
from dataclasses import asdict

import pytest

from sam2s.errors import ConfigError
from sam2s.memory import MEMORIES, MemoryPolicy, SearchRule, memory_policy


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("hold", 1.2, "search hold 1.2 is not from 0 to 1"),
        ("take", "much", "search take 'much' is not from 0 to 2"),
        ("margin", 0.9, "search margin 0.9 is not from 1 to 100"),
        ("every", 0, "search every 0 is not a whole number from 1 up"),
        ("grid", 2.5, "search grid 2.5 is not a whole number from 1 up"),
        ("places", 1, "search places 1 is not a whole number from 2 up"),
        ("proposer", 3, "search proposer 3 is not a name"),
    ],
)
def test_impossible_numbers_are_refused(field, value, message):
    with pytest.raises(ConfigError, match=message):
        SearchRule(**{field: value})


def test_a_search_asks_the_decoder_once_for_each_point_of_the_grid():
    assert SearchRule(grid=6).decoder_calls == 36


def test_a_policy_survives_json_with_its_search():
    policy = memory_policy("sam2+search", proposer="a.b:c")
    assert policy.search.proposer == "a.b:c"
    assert MemoryPolicy(**json.loads(json.dumps(asdict(policy)))) == policy


def test_policies_have_names():
    policies = {name: memory_policy(name, iou_threshold=0.5) for name in MEMORIES}
    assert [policy.kind for policy in policies.values()] == ["divemem", "sam2", "divemem", "sam2"]
    assert [policy.search is not None for policy in policies.values()] == [False, False, True, True]
    assert {policy.iou_threshold for policy in policies.values()} == {0.5}
    with pytest.raises(ConfigError, match="memory 'cutie' is not one of 'divemem', 'sam2', 'divemem\\+search'"):
        memory_policy("cutie")
    with pytest.raises(ConfigError, match="a proposer has no effect; give memory 'sam2\\+search'"):
        memory_policy("sam2", proposer="a:b")
