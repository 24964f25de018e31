"""The monitor: quality on every mask, the same whether frames come again or from another process, and its price."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model_tools import nano
from quality_tools import picture, quality_model, square, tracked
from sam2s.errors import CheckpointError
from sam2s.quality import AlarmLimits, QualityMonitor, default_model, model_of
from sam2s.tracking import Alarm, Box, FrameResult, Mask, MaskQuality, Points, Tracker
from sam2s.tracking.preprocess import ModelPrompt
from sam2s.video import Frame
from tracking_tools import movie

FRAMES = movie(12)
POINT = ModelPrompt(((3.0, 3.0),), (1,))


def monitor(**changes):
    return QualityMonitor(nano(), quality_model(**changes))


def result(index, *objects):
    return FrameResult(index, None, {item.object_id: item for item in objects})


def observe(watching, index, *objects):
    return watching.observe(Frame(picture(), index), result(index, *objects)).objects


def follow(watching, tracker, indices):
    judged = []
    for index in indices:
        frame = Frame(FRAMES[index], index)
        answer = tracker.step(frame)
        judged.append(watching.observe(frame, answer, tracker.context(frame, tracker.time).features))
    return judged


def pointed(network):
    tracker = Tracker(network)
    tracker.add_prompt(object_id=1, prompt=Points([(40, 20)]))
    tracker.add_prompt(object_id=2, prompt=Box(10, 5, 40, 30))
    return tracker


def qualities(results):
    return [{i: item.quality for i, item in frame.objects.items()} for frame in results]


def test_every_mask_of_a_tracker_is_judged_and_nothing_else_of_it_changes():
    network = nano()
    judged = follow(QualityMonitor(network), pointed(network), range(4))
    plain = pointed(network)
    for index, frame in enumerate(judged):
        before = plain.step(Frame(FRAMES[index], index))
        assert list(frame.objects) == [1, 2]
        for object_id, item in frame.objects.items():
            assert isinstance(item.quality, MaskQuality)
            assert 0 < item.quality.doubt < 1
            assert before.objects[object_id].quality is None
            assert torch.equal(item.low_res_logits, before.objects[object_id].low_res_logits)


def test_a_monitor_goes_on_from_its_state_to_the_bit():
    network = nano()
    whole = qualities(follow(QualityMonitor(network), pointed(network), range(8)))
    first, tracker = QualityMonitor(network), pointed(network)
    begun = qualities(follow(first, tracker, range(4)))
    other, going_on = QualityMonitor(network), Tracker(network)
    other.load_state_dict(first.state_dict())
    going_on.load_state_dict(tracker.state_dict())
    assert begun + qualities(follow(other, going_on, range(4, 8))) == whole


def test_a_frame_that_comes_again_is_judged_against_the_same_past():
    watching = monitor()
    observe(watching, 0, tracked(prompt=POINT, prompted=True))
    observe(watching, 1, tracked(iou=0.2))
    again = observe(watching, 1, tracked())[1].quality
    fresh = monitor()
    observe(fresh, 0, tracked(prompt=POINT, prompted=True))
    assert again == observe(fresh, 1, tracked())[1].quality
    assert watching.state_dict()["histories"][1]["age"] == fresh.state_dict()["histories"][1]["age"] == 2


def test_a_person_s_own_mask_is_the_truth():
    network = nano()
    tracker = Tracker(network)
    tracker.add_prompt(object_id=1, prompt=Mask(np.ones(FRAMES[0].shape[:2], bool)))
    (judged,) = follow(QualityMonitor(network), tracker, [0])
    assert judged.objects[1].quality == MaskQuality(1.0, 0.0)


def test_numbers_come_from_the_model():
    quality = observe(monitor(), 0, tracked(iou=0.5))[1].quality
    assert (quality.doubt, quality.expected_iou) == (0.5, 0.5)


def test_two_objects_on_one_place_raise_an_alarm_each_after_three_frames():
    watching = monitor()
    for index in range(3):
        shown = observe(watching, index, tracked(), tracked(object_id=2))
    assert [item.quality.alarms for item in shown.values()] == [(Alarm.OVERLAP,)] * 2
    apart = observe(watching, 3, tracked(), tracked(square(9, 9, 12, 12), object_id=2))
    assert apart[1].quality.alarms == ()


def test_a_leak_and_a_lost_object_are_told():
    watching = monitor()
    for index in range(4):
        observe(watching, index, tracked())
    assert observe(watching, 4, tracked(square(2, 2, 12, 12)))[1].quality.alarms == (Alarm.LEAK,)
    nothing = tracked(square(0, 0, 0, 0))
    told = [observe(watching, index, nothing)[1].quality.alarms for index in range(5, 11)]
    assert told == [()] * 4 + [(Alarm.LOST,)] * 2


def test_a_prompt_in_doubt_is_told_once_on_its_frame():
    network = nano()
    watching = QualityMonitor(network, quality_model(limits=AlarmLimits(click_agreement=1.01)))
    first, second = follow(watching, pointed(network), range(2))
    assert first.objects[1].quality.alarms == (Alarm.PROMPT,)
    assert second.objects[1].quality.alarms == ()
    kind, agreement = watching.agreement(2)
    assert kind == "box"
    assert 0 <= agreement <= 1
    unasked = QualityMonitor(network, quality_model(), check_prompts=False)
    follow(unasked, pointed(network), range(1))
    assert unasked.agreement(1) == ("points", 1.0)


def test_features_are_told_to_whoever_wants_them():
    told = []
    watching = QualityMonitor(nano(), quality_model(), on_features=lambda *values: told.append(values))
    observe(watching, 5, tracked(), tracked(square(0, 0, 0, 0), object_id=2))
    assert [(frame, object_id, empty) for frame, object_id, _, empty in told] == [(5, 1, False), (5, 2, True)]


def test_forgetting_begins_anew():
    watching = monitor()
    first = observe(watching, 0, tracked())
    observe(watching, 1, tracked(square(0, 0, 9, 9)))
    watching.forget()
    assert observe(watching, 0, tracked())[1].quality == first[1].quality
    assert list(watching.state_dict()["histories"]) == [1]


def test_weights_may_bring_a_model_and_are_refused_with_a_damaged_one():
    own = quality_model(fitted={"weights": "own"})
    assert model_of(nano(quality=own.to_json())) == own
    assert model_of(nano()) is default_model()
    with pytest.raises(CheckpointError, match="the quality model of the weights nano cannot be read"):
        QualityMonitor(nano(quality="{"))
    assert replace(own, fitted={}) == quality_model()
