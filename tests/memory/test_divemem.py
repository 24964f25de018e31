"""The DiveMem filter: what candidates are compared with, and when they are cleared."""

import pytest
import torch

from sam2s.memory import MemoryEntry, MemoryPolicy, similarity
from sam2s.memory.divemem import DiveMemFilter

POLICY = MemoryPolicy(iou_threshold=0.5, candidates=2, long_term=2)


def entry(time, iou=1.0):
    return MemoryEntry(time, torch.full((4,), float(time)), iou, True, torch.full((2, 1, 1), float(time)))


def feature(angle):
    return torch.tensor([1.0, float(angle)])


def test_similarity_is_a_global_cosine():
    a, b = torch.randn(2, 3, 4, dtype=torch.bfloat16), torch.randn(2, 3, 4, dtype=torch.bfloat16)
    x, y = a.double().flatten(), b.double().flatten()
    assert similarity(a, b) == pytest.approx(float(x @ y / (x.norm() * y.norm())), abs=1e-6)


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
