"""What is noted of a video while it is tracked."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sam2s.evaluation.record import MemoryUse, ObjectClaim, TrackedFrame, VideoRecord
from sam2s.memory import MemoryBank, MemoryEntry, MemoryPolicy

SIZE = (6, 8)


def block(left=1):
    mask = np.zeros(SIZE, bool)
    mask[1:4, left : left + 3] = True
    return mask


def test_scores_claims_and_frames_of_every_object():
    record = VideoRecord([1, 2])
    claim = ObjectClaim(0.123456789, 0.75, True, "hook", 0.5, 0.25, 1)
    record.add_frame(4, "00004", TrackedFrame({1: block()}, {1: claim}, timed=True), {1: block(), 2: block(4)}, SIZE)
    record.add_frame(9, "00009", TrackedFrame({}, {}, timed=True), {1: ~block() & block()}, SIZE)
    data = json.loads(json.dumps(record.as_dict()))
    assert (data["names"], data["indices"]) == (["00004", "00009"], [4, 9])
    assert data["annotated"] == {"1": ["00004", "00009"], "2": ["00004"]}
    assert data["frame_scores"] == [
        {"1": [1, 1, True, True, 1], "2": [0, 0, True, False, None]},
        {"1": [1, 1, False, False, None]},
    ]
    assert data["claims"] == {"1": [[0.123457, 0.75, True, "hook", 0.5, 0.25, 1], [None] * 7], "2": [[None] * 7]}


def test_times_count_for_percentiles_only_where_they_are_said_to():
    record = VideoRecord([])
    record.add_time(0.25, timed=True)
    record.add_time(1.5, timed=False)
    data = record.as_dict()
    assert (data["seconds"], data["latency_ms"]) == (1.75, [250])


def test_undecided_pixels_are_taken_out_of_every_mask():
    frame = TrackedFrame({1: block(), 2: block(4)}, {}, timed=True)
    rest = frame.without(block())
    assert not rest.masks[1].any()
    assert np.array_equal(rest.masks[2], block(4))
    assert frame.without(None) is frame


def test_use_of_a_bank_of_long_term_memory():
    """A real bank with two places and sets of two candidates: every second frame is stored."""
    policy = MemoryPolicy(iou_threshold=0.5, candidates=2, long_term=2)
    bank = MemoryBank(policy)
    feature = torch.ones(4)

    def entry(time):
        return MemoryEntry(time, torch.zeros(4), 0.9, True, torch.zeros(2, 2, 2))

    bank.add_conditioning(entry(0), feature)
    use = MemoryUse()
    for time in range(1, 8):
        bank.add_tracked(entry(time), feature)
        use.observe(bank)
    # held after frames 1 to 7: 0, 1, 1, 2, 2, 2, 2
    assert use.as_dict() == {"places": 2, "frames": 7, "filled": 10, "used": 6, "stored": 3}


def test_objects_have_a_count_each():
    record = VideoRecord([1, 2])
    empty = SimpleNamespace(long_term=[], policy=SimpleNamespace(places=4))
    record.observe_memory({1: empty})
    record.observe_memory({1: empty, 2: empty})
    assert {i: use["frames"] for i, use in record.as_dict()["memory"].items()} == {1: 2, 2: 1}


@pytest.mark.parametrize("notes", [[], ["a", "b", "a"]])
def test_notes_are_kept_once(notes):
    record = VideoRecord([])
    record.notes += notes
    assert record.as_dict()["notes"] == list(dict.fromkeys(notes))
