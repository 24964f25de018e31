"""The bank never exceeds its budget, reads what SAM 2.1 reads, and keeps what DiveMem chooses."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_tools import maps_held
from sam2s.memory import MemoryBank, MemoryEntry, MemoryPolicy


def entry(time: int, iou: float = 1.0, visible: bool = True) -> MemoryEntry:
    return MemoryEntry(time, torch.full((4,), float(time)), iou, visible, torch.full((2, 1, 1), float(time)))


def feature(angle: float) -> torch.Tensor:
    return torch.tensor([1.0, angle])


def times(maps: tuple[torch.Tensor, ...]) -> list[int]:
    return [int(m.flatten()[0]) for m in maps]


def filled(policy: MemoryPolicy, upto: int, angles: dict[int, float] | None = None) -> MemoryBank:
    """Frame 0 prompted, frames 1 to `upto` tracked with confidence."""
    bank = MemoryBank(policy)
    bank.add_conditioning(entry(0), feature(0))
    for time in range(1, upto + 1):
        bank.add_tracked(entry(time), feature((angles or {}).get(time, 0.0)))
    return bank


def test_reads_conditioning_then_six_frames_oldest_first_then_pointers_newest_first():
    recall = filled(MemoryPolicy(kind="sam2"), 20).recall(21)
    assert times(recall.maps) == [0, 15, 16, 17, 18, 19, 20]
    assert recall.slots == (6, 5, 4, 3, 2, 1, 0)
    assert times(recall.pointers) == [0, *range(20, 5, -1)]
    assert recall.distances == (21, *range(1, 16))


def test_in_reverse_reads_later_frames_and_only_pointers_behind():
    bank = MemoryBank(MemoryPolicy(kind="sam2"))
    bank.add_conditioning(entry(2), feature(0))
    bank.add_conditioning(entry(30), feature(0))
    for time in range(29, 20, -1):
        bank.add_tracked(entry(time), feature(0), reverse=True)
    recall = bank.recall(20, reverse=True)
    assert times(recall.maps) == [2, 30, 26, 25, 24, 23, 22, 21]
    assert times(recall.pointers) == [30, *range(21, 30)]
    assert recall.distances == (10, *range(1, 10))


def test_short_videos_read_fewer_pointers():
    assert filled(MemoryPolicy(kind="sam2"), 20).recall(21, pointer_limit=4).distances == (21, 1, 2, 3)


def test_a_prompt_replaces_the_tracked_entry():
    bank = filled(MemoryPolicy(kind="sam2"), 4)
    bank.add_conditioning(entry(3), feature(0))
    assert times(bank.recall(5).maps) == [0, 3, 1, 2, 4]


def test_divemem_takes_the_least_similar_of_five_and_compares_first_with_the_first_memory():
    bank = filled(MemoryPolicy(), 5, {1: 0.1, 2: 0.5, 3: 0.9, 4: 0.2, 5: 0.3})
    assert [e.time for e in bank.long_term] == [3]
    # From now on frame 3 is the reference: frame 6 looks like it, frame 10 does not.
    for time, angle in zip(range(6, 11), (0.9, 0.9, 0.8, 0.7, -2.0), strict=True):
        bank.add_tracked(entry(time), feature(angle))
    assert [e.time for e in bank.long_term] == [3, 10]


def test_divemem_reads_long_term_memory_in_its_own_slot_after_the_rest_and_once():
    bank = filled(MemoryPolicy(), 12, {1: 5.0, 9: -5.0})
    assert [e.time for e in bank.long_term] == [1, 9]
    recall = bank.recall(13)
    assert times(recall.maps) == [0, 7, 8, 9, 10, 11, 12, 1]
    assert recall.slots == (6, 5, 4, 3, 2, 1, 0, 7)
    twice = filled(MemoryPolicy(skip_recent=False), 12, {1: 5.0, 9: -5.0}).recall(13)
    assert times(twice.maps)[-2:] == [1, 9]


@pytest.mark.parametrize("bad", [{"iou": 0.95}, {"visible": False}])
def test_divemem_needs_consecutive_confident_frames(bad: dict):
    bank = filled(MemoryPolicy(), 4)
    bank.add_tracked(entry(5, **bad), feature(0))
    for time in range(6, 10):
        bank.add_tracked(entry(time), feature(0))
    assert not bank.long_term
    bank.add_tracked(entry(10), feature(0))
    assert [e.time for e in bank.long_term] == [6]


def test_divemem_may_be_told_not_to_start_anew():
    bank = filled(MemoryPolicy(consecutive=False), 4)
    bank.add_tracked(entry(5, iou=0.1), feature(0))
    bank.add_tracked(entry(6), feature(0))
    assert [e.time for e in bank.long_term] == [1]


def test_queue_is_first_in_first_out_and_the_first_memory_stays():
    bank = filled(MemoryPolicy(), 100)
    assert len(bank.long_term) == 4
    assert [e.time for e in bank.long_term] == [81, 86, 91, 96]
    assert times(bank.recall(101).maps)[0] == 0
    assert len(filled(MemoryPolicy(count_first=True), 100).long_term) == 3


def test_long_term_pointers_on_request():
    bank = filled(MemoryPolicy(long_term_pointers=True), 40)
    assert set(times(bank.recall(41).pointers)) == {0, *range(26, 41), 21}


def test_undo_takes_back_what_the_last_frame_did():
    bank = filled(MemoryPolicy(), 24)
    before = list(bank.long_term)
    bank.add_tracked(entry(25), feature(0))
    assert list(bank.long_term) != before
    bank.undo(25)
    assert list(bank.long_term) == before
    assert bank.filter.count == 4
    assert 25 not in bank.recent


def test_first_conditioning_frame_stays_and_the_farthest_leaves():
    bank = MemoryBank(MemoryPolicy(max_conditioning=3))
    for time in (50, 10, 90, 80):
        bank.add_conditioning(entry(time), feature(0))
    assert list(bank.conditioning) == [50, 90, 80]


def test_a_prompt_elsewhere_leaves_the_candidates():
    bank = filled(MemoryPolicy(), 4)
    bank.add_conditioning(entry(30), feature(0))
    bank.add_tracked(entry(5), feature(0))
    assert [e.time for e in bank.long_term] == [1]


def test_what_a_corrected_frame_was_before_enters_no_long_term_memory():
    other = filled(MemoryPolicy(), 4, {3: 9.0})
    assert other.filter.best[0].time == 3
    bank = MemoryBank(MemoryPolicy())
    bank.add_conditioning(entry(0), feature(0))
    bank.add_conditioning(entry(3), feature(9.0))
    bank.take_long_term(other)
    assert (bank.filter.best, bank.filter.count) == (None, 0)
    other.add_conditioning(entry(3), feature(9.0))
    assert other.filter.best is None


def test_another_memory_of_a_recent_frame_is_read_in_its_place():
    bank, other = filled(MemoryPolicy(), 5), entry(5)
    bank.replace(other)
    assert bank.recent[5] is other
    bank.replace(entry(9))
    assert 9 not in bank.recent


def test_candidates_wait_for_a_new_reference_when_the_first_prompt_is_taken_back():
    bank = MemoryBank(MemoryPolicy(candidates=1))
    bank.add_conditioning(entry(0), feature(0))
    bank.add_conditioning(entry(5), feature(7))
    bank.forget(0)
    bank.add_tracked(entry(6), feature(0))
    assert not bank.long_term
    assert bank.missing_reference == 5
    bank.set_reference(5, feature(7))
    assert bank.missing_reference is None
    assert torch.equal(bank.filter.anchor, feature(7))
    bank.add_tracked(entry(7), feature(0))
    assert [e.time for e in bank.long_term] == [7]


steps = st.lists(
    st.tuples(st.sampled_from(["add", "skip", "prompt", "undo", "turn"]), st.floats(0.9, 1), st.booleans()),
    max_size=120,
)


@settings(max_examples=60, deadline=None)
@given(steps, st.sampled_from(["sam2", "divemem"]), st.integers(2, 5), st.integers(0, 6), st.integers(1, 9))
def test_budget_holds_whatever_happens(acts, kind, conditioning, short, candidates):
    policy = MemoryPolicy(
        kind=kind, max_conditioning=conditioning, short_term=short, candidates=candidates, consecutive=candidates < 6
    )
    bank = MemoryBank(policy)
    bank.add_conditioning(entry(500), feature(0))
    time, reverse = 500, False
    for act, value, visible in acts:
        if act == "turn":
            reverse = not reverse
        elif act == "undo":
            bank.undo(time)
        else:
            time += -1 if reverse else 1
            if act == "add":
                bank.add_tracked(entry(time, value, visible), feature(value), reverse=reverse)
            elif act == "prompt":
                bank.add_conditioning(entry(time), feature(value))
        assert maps_held(bank) <= policy.max_maps
        recall = bank.recall(time + (-1 if reverse else 1), reverse=reverse)
        assert len(recall.maps) == len(recall.slots) <= conditioning + short + policy.long_term
        assert len(recall.pointers) == len(recall.distances) <= conditioning + 15
        assert next(iter(bank.conditioning)) == 500
