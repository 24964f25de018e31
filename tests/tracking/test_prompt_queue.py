"""Prompts that wait: which of them a frame takes, and which it leaves, drops or refuses."""

import numpy as np
import pytest

from sam2s.errors import PromptError
from sam2s.memory import MemoryBank, MemoryPolicy
from sam2s.tracking import Box, Mask, Points
from sam2s.tracking.object_track import ObjectTrack
from sam2s.tracking.prompt_queue import PromptQueue, WaitingPrompt
from sam2s.video import Frame

HEIGHT, WIDTH, SIDE = 48, 80, 64
CLICK = Points([(40, 12)])


@pytest.fixture
def track_of():
    """Objects of which nothing is remembered yet, by id."""
    tracks = {}
    return lambda object_id: tracks.setdefault(
        object_id, ObjectTrack(object_id, MemoryBank(MemoryPolicy(iou_threshold=0.0)))
    )


def frame(index):
    return Frame(np.zeros((HEIGHT, WIDTH, 3), np.uint8), index)


def queue_of(*waiting):
    queue = PromptQueue()
    for where, object_id, prompt in waiting:
        queue.add(WaitingPrompt(where, object_id, prompt, keep=True))
    return queue


def waits(queue):
    return [(waiting.frame, waiting.object_id) for waiting in queue.waiting]


def take(queue, index, track_of, ended=()):
    due = queue.take_due(frame(index), SIDE, ended, track_of)
    return [(waiting.frame, waiting.object_id) for waiting, _ in due]


def test_a_frame_takes_its_own_prompts_and_those_for_any_frame_in_order(track_of):
    queue = queue_of((5, 1, CLICK), (3, 2, CLICK), (None, 3, CLICK), (3, 1, CLICK))
    assert take(queue, 3, track_of) == [(3, 2), (None, 3), (3, 1)]
    assert waits(queue) == [(5, 1)]
    assert take(queue, 4, track_of) == []
    assert take(queue, 5, track_of) == [(5, 1)]
    assert waits(queue) == []


def test_prompts_are_scaled_to_the_square_of_the_network(track_of):
    queue = queue_of((0, 1, CLICK), (0, 2, Box(-10, 12, 40, 24)))
    (_, click), (_, box) = queue.take_due(frame(0), SIDE, (), track_of)
    assert (click.coords, click.labels) == (((32.0, 16.0),), (1,))
    assert box.coords == ((0.0, 16.0), (32.0, 32.0))


def test_prompts_of_an_object_that_ends_before_the_frame_stay(track_of):
    queue = queue_of((3, 1, CLICK), (3, 2, CLICK))
    assert take(queue, 3, track_of, ended={1}) == [(3, 2)]
    assert waits(queue) == [(3, 1)]


def test_a_frame_that_never_came_is_named_and_its_prompt_dropped(track_of):
    queue = queue_of((4, 1, CLICK), (2, 7, CLICK))
    with pytest.raises(PromptError) as caught:
        take(queue, 4, track_of)
    assert str(caught.value) == (
        "the prompt of object 7 is for frame 2, which was not stepped before frame 4; prompt a frame that is stepped"
    )
    assert waits(queue) == [(4, 1)], "what fits the frame is neither lost nor taken"
    assert take(queue, 4, track_of) == [(4, 1)]


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (Points([(81, 0)]), "point 81,0 lies outside the frame of 80x48 pixels"),
        (Box(90, 0, 95, 10), "box 90,0,95,10 lies outside the frame of 80x48 pixels"),
        (Mask(np.zeros((HEIGHT, WIDTH), bool)), "the mask that starts object 2 is empty"),
        (Mask(np.ones((10, 10), bool)), "10x10"),
    ],
)
def test_a_prompt_that_does_not_fit_is_dropped_alone(track_of, prompt, message):
    queue = queue_of((0, 1, CLICK), (0, 2, prompt), (0, 3, CLICK))
    with pytest.raises(PromptError, match=message):
        take(queue, 0, track_of)
    assert waits(queue) == [(0, 1), (0, 3)]
    assert take(queue, 0, track_of) == [(0, 1), (0, 3)]


def test_an_empty_mask_may_follow_what_started_the_object(track_of):
    empty = Mask(np.zeros((HEIGHT, WIDTH), bool))
    queue = queue_of((0, 1, CLICK), (0, 1, empty))
    assert take(queue, 0, track_of) == [(0, 1), (0, 1)]
    with pytest.raises(PromptError, match="the mask that starts object 1 is empty; give one with foreground pixels"):
        take(queue_of((0, 1, empty), (0, 1, CLICK)), 0, track_of)


def test_prompts_are_dropped_by_object_or_by_object_and_frame():
    queue = queue_of((0, 1, CLICK), (1, 1, CLICK), (1, 2, CLICK), (None, 2, CLICK))
    assert queue.drop(1, 1)
    assert waits(queue) == [(0, 1), (1, 2), (None, 2)]
    assert not queue.drop(1, 5)
    assert not queue.drop(9)
    assert queue.drop(2)
    assert waits(queue) == [(0, 1)]


def test_a_state_is_a_copy_that_can_be_gone_back_to():
    queue = queue_of((0, 1, CLICK), (1, 2, CLICK))
    state = queue.state_dict()
    queue.drop(1)
    queue.add(WaitingPrompt(9, 9, CLICK, keep=False))
    assert [waiting.object_id for waiting in state] == [1, 2]
    other = PromptQueue()
    other.load_state_dict(state)
    other.drop(2)
    assert waits(other) == [(0, 1)]
    assert len(state) == 2
