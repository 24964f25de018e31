"""Streaming: objects come and go without touching each other, corrections stick, memory stays constant."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from memory_tools import maps_held
from model_tools import nano
from sam2s.errors import PromptError, SourceError
from sam2s.memory import MemoryPolicy
from sam2s.tracking import Box, Mask, ObjectState, Points, Tracker
from sam2s.video import Frame
from tracking_tools import ANY, bits, movie, run, same


@pytest.fixture(scope="module")
def model():
    return nano()


def test_one_object_is_the_same_alone_and_among_others_that_come_and_go(model):
    frames = movie(20)
    alone = run(model, frames, {0: [lambda t: t.add_prompt(object_id=7, prompt=Points([(30, 20)]))]})
    acts = {
        0: [
            lambda t: t.add_prompt(object_id=1, prompt=Box(4, 4, 40, 30)),
            lambda t: t.add_prompt(object_id=7, prompt=Points([(30, 20)])),
        ],
        5: [lambda t: t.add_prompt(object_id=3, prompt=Mask(np.eye(48, 80, dtype=bool)))],
        9: [lambda t: t.remove_object(object_id=1)],
        12: [lambda t: t.end_object(object_id=3)],
    }
    crowd = run(model, frames, acts)
    assert all(same(a, {7: c[7]}) for a, c in zip(alone, crowd, strict=True))
    assert [sorted(c) for c in (crowd[4], crowd[5], crowd[9], crowd[12])] == [[1, 7], [1, 3, 7], [3, 7], [7]]


def test_correcting_the_frame_just_seen_makes_it_a_conditioning_frame(model):
    frames = movie(8)
    tracker = Tracker(model, ANY)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    tracker.add_prompt(object_id=2, prompt=Points([(60, 30)]))
    results = [tracker.step(f) for f in frames[:4]]
    tracker.add_prompt(object_id=1, prompt=Points([(50, 30)], [0]))
    corrected = tracker.step(Frame(frames[3], 3))
    assert corrected.index == 3
    assert corrected.objects[1].prompted
    assert not torch.equal(corrected.objects[1].low_res_logits, results[3].objects[1].low_res_logits)
    assert same({2: bits(results[3])[2]}, {2: bits(corrected)[2]})
    tracker.step(frames[4])
    assert list(tracker.tracks[1].bank.conditioning) == [0, 3]
    assert list(tracker.tracks[2].bank.conditioning) == [0]


def test_corrections_can_be_answered_without_being_remembered(model):
    frames = movie(6)
    tracker = Tracker(model, MemoryPolicy(kind="sam2", corrections="answer"))
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    for frame in frames[:3]:
        tracker.step(frame)
    tracker.add_prompt(object_id=1, prompt=Points([(50, 30)], [0]))
    tracker.step(Frame(frames[2], 2))
    tracker.step(frames[3])
    assert list(tracker.tracks[1].bank.conditioning) == [0]
    assert {0, 1, 2, 3} - tracker.tracks[1].bank.recent.keys() == {0}


def test_corrections_that_are_answers_add_up_and_leave_long_term_memory_alone(model):
    frames = movie(8)
    tracker = Tracker(model, replace(ANY, corrections="answer"))
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    for frame in frames[:5]:
        tracker.step(frame)
    track = tracker.tracks[1]
    long_term, old = list(track.bank.long_term), track.bank.recent[4]
    assert long_term
    for point, label in (((50, 30), 0), ((10, 10), 1)):
        tracker.add_prompt(object_id=1, prompt=Points([point], [label]))
        corrected = tracker.step(Frame(frames[4], 4)).objects[1]
    assert corrected.prompted
    assert track.corrections[4].prompt.labels == (0, 1)
    assert track.bank.recent[4] is track.corrections[4].entry is not old
    assert list(track.bank.long_term) == long_term
    tracker.step(frames[5])
    assert not track.corrections


def test_clicks_add_up_on_a_frame(model):
    frame = movie(1)[0]
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    tracker.add_prompt(object_id=1, prompt=Points([(50, 30)], [0]))
    tracker.step(frame)
    assert tracker.tracks[1].pending[0].prompt.labels == (1, 0)
    tracker.add_prompt(object_id=1, prompt=Points([(10, 10)]), keep=False)
    tracker.step(Frame(frame, 0))
    assert tracker.tracks[1].pending[0].prompt.labels == (1,)


def test_memory_stays_within_budget_with_endless_corrections(model):
    policy = MemoryPolicy(max_conditioning=4, iou_threshold=0.0)
    tracker = Tracker(model, policy)
    frames = movie(60)
    for i, frame in enumerate(frames):
        if i % 3 == 0:
            tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
        tracker.step(frame)
        track = tracker.tracks[1]
        assert maps_held(track.bank) <= policy.max_maps
        assert len(track.answers) + len(track.pending) <= 1
    assert next(iter(track.bank.conditioning)) == 0


def test_bfloat16_maps_halve_the_memory(model):
    tracker = Tracker(model, MemoryPolicy(map_dtype="bfloat16"))
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    for frame in movie(3):
        result = tracker.step(frame)
    assert tracker.tracks[1].bank.recent[2].map.dtype == torch.bfloat16
    assert result.objects[1].low_res_logits.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_tracks_and_answers_in_float32(dtype):
    tracker = Tracker(nano().to(dtype), ANY)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    results = [tracker.step(frame).objects[1] for frame in movie(10)]
    assert all(r.low_res_logits.dtype == torch.float32 and r.low_res_logits.isfinite().all() for r in results)
    assert tracker.tracks[1].bank.long_term


def test_networks_without_names_give_none(model):
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    assert tracker.step(movie(1)[0]).objects[1].category is None


def test_an_object_that_is_not_seen_has_no_category():
    model = nano(semantic="reader", categories=("hook", "grasper"))
    with torch.no_grad():
        model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias -= 20
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    found = tracker.step(movie(1)[0]).objects[1]
    assert found.presence < 0.5
    assert (found.category, found.category_probability) == (None, None)


def test_mask_prompt_is_the_answer(model):
    mask = np.zeros((48, 80), bool)
    mask[12:36, 20:60] = True
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=Mask(mask))
    result = tracker.step(movie(1)[0]).objects[1]
    assert result.iou == 1
    assert result.state is ObjectState.VISIBLE
    assert (result.mask & mask).sum() / (result.mask | mask).sum() > 0.9


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (Points([(81, 5)]), r"point 81,5 lies outside the frame of 80x48 pixels"),
        (Box(100, 5, 120, 9), r"box 100,5,120,9 lies outside the frame of 80x48"),
        (Mask(np.ones((4, 6), bool)), r"mask of 6x4 pixels does not fit the frame of 80x48"),
        (Mask(np.zeros((48, 80), bool)), r"the mask that starts object 1 is empty"),
    ],
)
def test_bad_prompts_are_refused_and_lose_nothing(model, prompt, message):
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=prompt)
    tracker.add_prompt(object_id=2, prompt=Points([(30, 20)]))
    bad, good = movie(2)
    with pytest.raises(PromptError, match=message):
        tracker.step(bad)
    result = tracker.step(good)  # a stream has gone on meanwhile
    assert list(result.objects) == [2]
    fresh = Tracker(model)
    fresh.add_prompt(object_id=2, prompt=Points([(30, 20)]))
    assert same(bits(result), bits(fresh.step(good)))


def test_two_masks_may_wait_for_one_object(model):
    whole, empty = np.ones((48, 80), bool), np.zeros((48, 80), bool)
    tracker = Tracker(model)
    for mask in (whole, whole[:4]):
        tracker.add_prompt(object_id=1, prompt=Mask(mask))
    frame = movie(1)[0]
    with pytest.raises(PromptError, match="mask of 80x4 pixels does not fit"):
        tracker.step(frame)
    assert list(tracker.step(frame).objects) == [1]
    assert Mask(whole) != Mask(empty)


def test_an_object_that_is_not_there_may_be_said_so_in_a_stream(model):
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    first, second, third = movie(3)
    tracker.step(first)
    tracker.step(second)
    tracker.add_prompt(object_id=1, prompt=Mask(np.zeros((48, 80), bool)))
    assert not tracker.step(third).objects[1].mask.any()


def test_an_object_may_be_removed_before_its_first_frame(model):
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    tracker.remove_object(object_id=1)
    assert not tracker.step(movie(1)[0]).objects
    with pytest.raises(PromptError, match="object 1 was removed"):
        tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))


def test_a_correction_that_waits_is_answered_though_the_object_ends(model):
    frame, after = (Frame(image, i) for i, image in enumerate(movie(2)))
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    tracker.step(frame)
    tracker.add_prompt(object_id=1, prompt=Points([(50, 30)], [0]))
    tracker.end_object(object_id=1)
    with pytest.raises(PromptError, match="object 1 was removed or ended"):
        tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    assert tracker.step(frame).objects[1].prompted
    assert not tracker.step(after).objects


def test_ids_are_not_used_again(model):
    tracker = Tracker(model)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    tracker.step(movie(1)[0])
    tracker.remove_object(object_id=1)
    assert not tracker.tracks
    with pytest.raises(PromptError, match="object 1 was removed or ended; ids are not used again"):
        tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    with pytest.raises(PromptError, match="there is no object 5; tracked objects: none"):
        tracker.remove_object(object_id=5)


def test_frames_must_be_rgb(model):
    with pytest.raises(SourceError, match=r"uint8 \[H, W, 3\] RGB, got float64 \[4, 4\]"):
        Tracker(model).step(np.zeros((4, 4)))


def test_a_bare_array_is_always_the_next_frame():
    """Also after frames whose indices skipped, as those of a live stream do."""
    tracker = Tracker(nano())
    picture = np.zeros((64, 64, 3), np.uint8)
    for frame in (Frame(picture, 0), Frame(picture, 2), picture, picture):
        tracker.step(frame)
    assert tracker.time == 3
