"""What is kept of the frames before."""

import numpy as np
import pytest
import torch

from quality_tools import picture, square, tracked
from sam2s.quality.history import ANCHOR, AREAS, POINTERS, ObjectHistory
from sam2s.quality.observation import grid_logits, observe, sample_picture

FRAME = sample_picture(picture(100), (16, 16))


def seen(side, pointer=(1.0, 0.0)):
    result = tracked(square(4, 4, 4 + side, 4 + side), pointer=torch.tensor(pointer))
    return observe(result, grid_logits(result), FRAME)


def test_the_usual_area_is_the_median_of_the_latest():
    history = ObjectHistory()
    assert history.usual_area is None
    for side in (9, *[2] * 4, *[4] * 5):
        history.add(seen(side), 0.0, None)
    assert len(history.areas) == AREAS
    assert history.usual_area == 16 / 256


def test_empty_masks_count_as_hidden_and_leave_the_rest():
    history = ObjectHistory()
    history.add(seen(4), 2.0, None)
    for _ in range(3):
        history.add(seen(0), 0.0, None)
    assert (history.hidden, history.areas, history.age) == (3, [16 / 256], 4)
    assert history.confidence == pytest.approx(2.0 * 0.9**3)
    history.add(seen(3), 0.0, None)
    assert history.hidden == 0


def test_a_prompt_begins_anew_and_its_pointer_is_kept():
    history = ObjectHistory()
    for turn in range(6):
        pointer = (float(np.cos(turn)), float(np.sin(turn)))
        history.add(seen(4), 0.0, None)
        history.take_prompt(seen(3, pointer), "box", 0.8)
        assert (history.kind, history.agreement, history.age, history.areas) == ("box", 0.8, 0, [])
    assert len(history.pointers) <= POINTERS
    assert history.pointers[0] == pytest.approx([1.0, 0.0])  # the first stays
    assert history.pointers[-1] == pytest.approx([np.cos(5), np.sin(5)])


def test_the_anchor_is_the_mean_pointer_of_the_first_tracked_frames():
    history = ObjectHistory()
    history.take_prompt(seen(4, (0.0, -1.0)), "mask", 1.0)
    history.add(seen(4, (0.0, -1.0)), 0.0, None)  # the prompted frame itself
    assert history.anchor is None
    history.add(seen(4, (1.0, 0.0)), 0.0, None)
    assert history.anchor == pytest.approx([1.0, 0.0])
    history.add(seen(4, (0.0, 1.0)), 0.0, None)
    assert history.anchor == pytest.approx([0.5**0.5, 0.5**0.5])
    for _ in range(ANCHOR):
        history.add(seen(4, (0.0, 1.0)), 0.0, None)
    fixed = history.anchor
    history.add(seen(4, (-1.0, 0.0)), 0.0, None)
    assert history.anchor is fixed


def test_a_name_settles_after_ten_times():
    history = ObjectHistory()
    for _ in range(9):
        history.add(seen(4), 0.0, "hook")
    assert history.settled_name is None
    history.add(seen(4), 0.0, "hook")
    history.add(seen(4), 0.0, "grasper")
    assert history.settled_name == "hook"


def test_the_state_comes_back_as_it_was():
    history = ObjectHistory()
    history.take_prompt(seen(4), "points", 0.7)
    for side in (4, 5, 0):
        history.add(seen(side), 1.5, "hook")
    state = history.state_dict()
    again = ObjectHistory.from_state(state)
    for name, value in state.items():
        after = again.state_dict()[name]
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, after)
        elif isinstance(value, list) and value and isinstance(value[0], torch.Tensor):
            assert all(torch.equal(one, other) for one, other in zip(value, after, strict=True))
        else:
            assert value == after
    history.add(seen(6), 0.0, "hook")
    assert again.areas == [16 / 256, 25 / 256]  # the copy goes its own way
