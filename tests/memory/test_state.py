"""The state of a bank and of its filter; what callers may put there."""

import pytest
import torch

from sam2s.memory import MemoryBank, MemoryEntry, MemoryPolicy

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
