"""One object's prompts and memory, whatever order they come in."""

import numpy as np
import pytest
import torch

from model_tools import nano
from sam2s.errors import PromptError
from sam2s.memory import MemoryPolicy
from sam2s.tracking import Box, Mask, Points, Tracker
from sam2s.video import Frame
from tracking_tools import movie

CLICK, FIX = Points([(30, 20)]), Points([(50, 30)], [0])
FRAMES = [Frame(image, index) for index, image in enumerate(movie(9))]


@pytest.fixture(scope="module")
def model():
    return nano()


def tracker_of(model, **policy):
    return Tracker(model, MemoryPolicy(iou_threshold=0.0, candidates=2, **policy), revisit=True)


@torch.inference_mode()
def answer(tracker, frame, prompt, *, tracked=False, keep=True, object_id=1, **more):
    converted = tracker.convert_prompt(FRAMES[frame], object_id, prompt)
    context = tracker.context(FRAMES[frame], frame)
    return tracker.answer_prompt(context, object_id=object_id, prompt=converted, tracked=tracked, keep=keep, **more)


def test_prompts_wait_until_they_are_committed(model):
    tracker = tracker_of(model)
    answer(tracker, 3, CLICK)
    track = tracker.tracks[1]
    assert (list(track.pending), list(track.answers), list(track.bank.conditioning)) == ([3], [], [])
    assert track.prompted(3).entry.map is not None
    tracker.commit()
    assert (list(track.pending), list(track.answers), list(track.bank.conditioning)) == ([], [3], [3])
    assert track.prompted(3).entry.map is None
    assert track.prompted(3).embedding is None


def test_clicks_see_the_same_memory_while_they_wait(model):
    tracker = tracker_of(model)
    first = answer(tracker, 3, CLICK)
    both = answer(tracker, 3, FIX)
    assert tracker.tracks[1].pending[3].prompt.labels == (1, 0)
    anew = answer(tracker, 3, CLICK, keep=False)
    assert tracker.tracks[1].pending[3].prompt.labels == (1,)
    assert not torch.equal(first.low_res_logits, both.low_res_logits)
    assert not torch.equal(first.low_res_logits, anew.low_res_logits)  # it refines what was shown before


@pytest.mark.parametrize("prompt", [Box(4, 4, 40, 30), Mask(np.tri(48, 80, dtype=bool))])
def test_a_box_or_a_mask_starts_anew(model, prompt):
    tracker = tracker_of(model)
    answer(tracker, 3, CLICK)
    answer(tracker, 3, prompt)
    assert tracker.tracks[1].pending[3].prompt.labels in ((2, 3), ())


def test_masks_are_kept_as_run_lengths_only(model):
    tracker = tracker_of(model)
    answer(tracker, 3, Mask(np.tri(48, 80, dtype=bool)))
    kept = tracker.tracks[1].pending[3].prompt
    assert kept.mask is None
    assert kept.mask_holds_pixels


def test_an_object_exists_between_its_prompts_and_its_end(model):
    tracker = tracker_of(model)
    answer(tracker, 3, CLICK)
    track = tracker.tracks[1]
    assert not track.exists(3, 3, reverse=False)  # before it is committed
    tracker.commit()
    assert [t for t in range(9) if track.exists(t, t, reverse=False)] == list(range(3, 9))
    assert [t for t in range(9) if track.exists(t, t, reverse=True)] == list(range(4))
    track.end_at(6)
    assert [t for t in range(9) if track.exists(t, t, reverse=False)] == [3, 4, 5]
    assert [track.ended(t) for t in (5, 6, 7)] == [False, True, True]


def test_an_empty_mask_cannot_start_an_object_but_may_end_one(model):
    tracker, nothing = tracker_of(model), Mask(np.zeros((48, 80), bool))
    with pytest.raises(PromptError, match="the mask that starts object 1 is empty; give one with foreground pixels"):
        answer(tracker, 0, nothing)
    assert not tracker.tracks
    answer(tracker, 0, CLICK)
    assert not answer(tracker, 1, nothing).mask.any()


def test_prompts_taken_back_are_gone_and_said_to_have_been(model):
    tracker = tracker_of(model)
    answer(tracker, 3, CLICK)
    tracker.commit()
    answer(tracker, 5, CLICK)
    track = tracker.tracks[1]
    assert track.clear_prompts(5)
    assert track.clear_prompts(3)
    assert not track.clear_prompts(3)
    assert not track.bank.conditioning
    assert track.missing_frame is None


def test_forgotten_frames_leave_both_memories(model):
    tracker = tracker_of(model)
    answer(tracker, 0, CLICK)
    for frame in FRAMES:
        tracker.step(frame, frame.index)
    conditioning, long_term = tracker.remembered_frames(1)
    assert conditioning == [0]
    assert len(long_term) == 4
    tracker.forget_frame(1, long_term[1])
    assert tracker.remembered_frames(1) == ([0], [long_term[0], *long_term[2:]])
    tracker.forget_frame(1, 0)
    assert tracker.remembered_frames(1)[0] == []


def test_a_passed_prompt_interrupts_the_candidates(model):
    tracker = tracker_of(model)
    answer(tracker, 0, CLICK)
    answer(tracker, 2, CLICK)
    track = tracker.tracks.get(1)
    for frame in FRAMES[:2]:
        tracker.step(frame, frame.index)
    assert track.bank.filter.count == 1
    tracker.step(FRAMES[2], 2)
    assert track.bank.filter.count == 0
    assert track.last[0] == 2
