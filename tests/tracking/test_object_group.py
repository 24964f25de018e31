"""The state of a tracker: saved, restored, and refused for another network."""

import numpy as np
import pytest

from model_tools import nano
from sam2s.errors import ConfigError, PromptError
from sam2s.memory import MemoryPolicy
from sam2s.tracking import Box, Mask, Points, PresenceRule, Tracker
from sam2s.video import Frame
from tracking_tools import bits, movie, same

ANY = MemoryPolicy(iou_threshold=0.0, candidates=2)


CLICK, FIX = Points([(30, 20)]), Points([(50, 30)], [0])


@pytest.fixture(scope="module")
def model():
    return nano()


def frames(count):
    return [Frame(image, index) for index, image in enumerate(movie(count))]


@pytest.mark.parametrize("policy", [ANY, MemoryPolicy(corrections="answer", iou_threshold=0.0, candidates=2)])
@pytest.mark.parametrize("batched", ["alone", "same-shape"])
def test_a_restored_tracker_goes_on_to_the_bit(model, policy, batched):
    """At every frame of a stream with corrections, an object that joins and one that ends."""
    rule = PresenceRule(patience=2)

    def acts(tracker, frame):
        if frame.index == 0:
            tracker.add_prompt(object_id=1, prompt=CLICK)
            tracker.add_prompt(object_id=5, prompt=Box(4, 4, 40, 30))
        if frame.index == 6:
            tracker.add_prompt(object_id=2, prompt=Box(4, 4, 40, 30))
            tracker.end_object(object_id=5)
        result = tracker.step(frame)
        if frame.index == 8:
            tracker.add_prompt(object_id=1, prompt=FIX)
            result = tracker.step(frame)
        return bits(result)

    plain = Tracker(model, policy, rule=rule, batched=batched)
    moved = Tracker(model, policy, rule=rule, batched=batched)
    for frame in frames(14):
        state = moved.state_dict()
        moved = Tracker(model)  # made with other settings, which the state replaces
        moved.load_state_dict(state)
        assert same(acts(plain, frame), acts(moved, frame)), frame.index
    assert moved.settings == plain.settings


def test_a_frame_can_be_corrected_after_a_restore(model):
    """The frame's index, and what its memory had been before it, are part of the state."""
    tracker = Tracker(model, ANY)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    for frame in frames(5):
        tracker.step(frame)
    restored = Tracker(model)
    restored.load_state_dict(tracker.state_dict())
    last, following = frames(6)[4:]
    for each in (tracker, restored):
        each.add_prompt(object_id=1, prompt=FIX)
    assert same(bits(tracker.step(last)), bits(restored.step(last)))
    assert restored.time == 4
    assert same(bits(tracker.step(following)), bits(restored.step(following)))


def test_a_state_holds_the_prompts_that_wait_and_the_ids_that_are_gone(model):
    tracker = Tracker(model, ANY)
    tracker.add_prompt(object_id=3, prompt=CLICK)
    tracker.remove_object(object_id=3)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    tracker.add_prompt(frame=1, object_id=2, prompt=Mask(np.ones((48, 80), bool)))
    restored = Tracker(model)
    restored.load_state_dict(tracker.state_dict())
    assert [list(restored.step(frame).objects) for frame in frames(2)] == [[1], [1, 2]]
    with pytest.raises(PromptError, match="object 3 was removed"):
        restored.add_prompt(object_id=3, prompt=CLICK)


def test_a_state_does_not_change_with_the_tracker(model):
    tracker = Tracker(model, ANY)
    tracker.add_prompt(object_id=1, prompt=CLICK)
    first, *rest = frames(9)
    tracker.step(first)
    state = tracker.state_dict()
    expected = [bits(tracker.step(frame)) for frame in rest]
    for _ in range(2):
        tracker.load_state_dict(state)
        assert all(same(bits(tracker.step(f)), e) for f, e in zip(rest, expected, strict=True))


def test_a_state_of_another_network_is_refused(model):
    state = Tracker(nano(image_size=96)).state_dict()
    with pytest.raises(
        ConfigError, match="made by nano at 96 px in float32, not nano at 64 px in float32; load the same"
    ):
        Tracker(model).load_state_dict(state)
