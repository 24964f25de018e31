"""One step of all objects: batches, and frames that are not judged."""

import numpy as np
import pytest
import torch

from model_tools import nano
from sam2s.tracking import Box, Mask, ObjectState, Points, Tracker
from tracking_tools import ANY, movie, run


@pytest.fixture(scope="module")
def model():
    return nano()


def test_objects_in_one_batch_are_what_they_are_alone_but_for_rounding(model):
    acts = {
        0: [
            lambda t: t.add_prompt(object_id=1, prompt=Box(4, 4, 40, 30)),
            lambda t: t.add_prompt(object_id=7, prompt=Points([(30, 20)])),
        ],
        5: [lambda t: t.add_prompt(object_id=3, prompt=Mask(np.eye(48, 80, dtype=bool)))],
        7: [lambda t: t.add_prompt(object_id=1, prompt=Points([(50, 30)], [0]))],
        15: [lambda t: t.remove_object(object_id=7)],
    }
    batches = []
    attend = model.attend

    def noted(embedding, memory):
        batches.append(len(memory.maps))
        return attend(embedding, memory)

    model.attend = noted
    try:
        together = run(model, movie(20), acts, batched="same-shape")
    finally:
        del model.attend
    assert max(batches) == 2
    alone = run(model, movie(20), acts, batched="alone")
    for a, b in zip(together, alone, strict=True):
        assert a.keys() == b.keys()
        for object_id in a:
            torch.testing.assert_close(a[object_id][0], b[object_id][0], atol=1e-3, rtol=0)
            assert a[object_id][3] == b[object_id][3]


def test_a_frame_that_is_not_judged_leaves_memory_and_presence_as_they_were(model):
    frames = movie(12)
    tracker = Tracker(model, ANY)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    for frame in frames[:5]:
        tracker.step(frame)
    track = tracker.tracks[1]
    recent, long_term, presence = dict(track.bank.recent), list(track.bank.long_term), track.presence
    encoded = []
    encode = model.encode_image
    model.encode_image = lambda pixels: encoded.append(1) or encode(pixels)
    try:
        results = [tracker.step(frame, judged=False) for frame in frames[5:8]]
    finally:
        del model.encode_image
    assert not encoded
    assert track.bank.recent == recent
    assert list(track.bank.long_term) == long_term
    assert track.presence is presence
    assert track.bank.filter.count == 0  # five confident frames in a row have nothing unseen between them
    assert [r.objects[1].state for r in results] == [ObjectState.NOT_JUDGED] * 3
    assert not any(r.objects[1].mask.any() or r.objects[1].presence or r.objects[1].iou for r in results)
    assert results[0].objects[1].mask.shape == (48, 80)
    after = tracker.step(frames[8])
    assert after.index == 8
    assert after.objects[1].state is not ObjectState.NOT_JUDGED
    assert 8 in track.bank.recent
    assert not {5, 6, 7} & track.bank.recent.keys()


def test_a_prompt_on_a_frame_that_is_not_judged_is_answered_and_the_others_are_left_alone(model):
    frames = movie(8)
    tracker = Tracker(model, ANY)
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    for frame in frames[:3]:
        tracker.step(frame)
    tracker.add_prompt(object_id=2, prompt=Box(4, 4, 40, 30))
    result = tracker.step(frames[3], judged=False)
    assert [o.state for o in result.objects.values()] == [ObjectState.NOT_JUDGED, result.objects[2].state]
    assert result.objects[2].prompted
    assert result.objects[2].state is not ObjectState.NOT_JUDGED
    tracker.step(frames[4])
    assert list(tracker.tracks[2].bank.conditioning) == [3]
    assert 3 not in tracker.tracks[1].bank.recent


def test_nothing_is_returned_of_objects_before_their_first_frame_when_it_is_not_judged(model):
    tracker = Tracker(model, ANY)
    assert tracker.step(movie(2)[0], judged=False).objects == {}
