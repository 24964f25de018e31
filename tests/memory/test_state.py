"""The state of a bank and of its filter; what callers may put there."""

import pytest
import torch

from sam2s.errors import ConfigError
from sam2s.memory import MemoryBank, MemoryEntry, MemoryPolicy
from sam2s.memory.divemem import DiveMemFilter

POLICY = MemoryPolicy(iou_threshold=0.5, candidates=2, long_term=2)


def entry(time, iou=1.0):
    return MemoryEntry(time, torch.full((4,), float(time)), iou, True, torch.full((2, 1, 1), float(time)))


def feature(angle):
    return torch.tensor([1.0, float(angle)])


def filled(upto):
    bank = MemoryBank(POLICY)
    bank.add_conditioning(entry(0), feature(0))
    for time in range(1, upto + 1):
        bank.add_tracked(entry(time), feature(time % 3))
    return bank


def read(bank, time):
    recall = bank.recall(time)
    maps = [int(m.flatten()[0]) for m in recall.maps]
    return maps, recall.slots, [int(p[0]) for p in recall.pointers], recall.distances


@pytest.mark.parametrize("upto", [0, 1, 2, 5, 12])
def test_a_restored_bank_goes_on_alike_and_can_be_undone_alike(upto):
    bank, other = filled(upto), MemoryBank(POLICY)
    other.load_state_dict(bank.state_dict())
    assert read(other, upto + 1) == read(bank, upto + 1)
    for each in (bank, other):
        each.undo(upto)
        each.add_tracked(entry(upto), feature(7))
        each.add_tracked(entry(upto + 1), feature(1))
        each.add_tracked(entry(upto + 2), feature(2))
    assert read(other, upto + 3) == read(bank, upto + 3)
    assert other.filter.state_dict()["count"] == bank.filter.state_dict()["count"]


def test_a_state_stays_as_it_was_taken():
    bank = filled(6)
    state = bank.state_dict()
    lengths = {name: len(state[name]) for name in ("conditioning", "recent", "long_term")}
    bank.add_tracked(entry(7), feature(1))
    bank.add_tracked(entry(8), feature(2))
    bank.add_conditioning(entry(9), feature(0))
    assert {name: len(state[name]) for name in lengths} == lengths


def test_filters_compare_with_the_anchor_until_there_is_a_latest():
    chooser = DiveMemFilter(POLICY)
    assert chooser.observe(entry(1), feature(1)) is None
    assert chooser.count == 0  # nothing to compare with yet
    chooser.set_anchor(feature(0))
    assert chooser.observe(entry(2), feature(5)) is None
    assert chooser.observe(entry(3), feature(1)).time == 2
    assert torch.equal(chooser.latest, feature(5))
    chooser.observe(entry(4), feature(5))
    assert chooser.observe(entry(5), feature(0)).time == 5
    again = DiveMemFilter(POLICY)
    again.load_state_dict(chooser.state_dict())
    assert again.state_dict().keys() == {"anchor", "latest", "count", "best"}
    again.restart()
    assert again.latest is None
    assert again.anchor is not None


def test_a_dropped_candidate_empties_the_set():
    chooser = DiveMemFilter(POLICY)
    chooser.set_anchor(feature(0))
    chooser.observe(entry(2), feature(5))
    chooser.drop([1, 3])
    assert chooser.count == 1
    chooser.drop([2])
    assert (chooser.count, chooser.best) == (0, None)


def test_frames_put_into_long_term_memory_are_read_there_only():
    bank = MemoryBank(MemoryPolicy(long_term=2, iou_threshold=1.0))
    bank.add_conditioning(entry(0), feature(0))
    for time in (1, 2, 3):
        bank.keep_long_term(entry(time))
    bank.add_tracked(entry(4), feature(0))
    maps, slots, pointers, distances = read(bank, 5)
    assert (maps, slots) == ([0, 4, 2, 3], (6, 0, 7, 7))
    assert (pointers, distances) == ([0, 4, 3, 2, 1], (5, 1, 2, 3, 4))
    bank.drop_long_term(2)
    assert read(bank, 5)[0] == [0, 4, 3]


def test_pointers_of_prompts_ahead_are_read_on_request():
    bank = MemoryBank(MemoryPolicy(kind="sam2"))
    for time in (0, 6):
        bank.add_conditioning(entry(time), feature(0))
    assert bank.recall(3).distances == (3,)
    assert bank.recall(3, future_pointers=True).distances == (3, -3)
    assert bank.recall(3, reverse=True).distances == (3,)


def test_recent_frames_may_be_put_from_elsewhere():
    bank = filled(2)
    bank.put_recent(entry(5))
    assert read(bank, 6)[:2] == ([0, 1, 2, 5], (6, 4, 3, 0))
    bank.interrupt()
    assert bank.filter.count == 0


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
