"""Which frames are judged, and that a judge taken up again goes on exactly."""

import json

import numpy as np
import pytest

from model_tools import nano
from sam2s.quality import UNJUDGED, EventKind, EventSpan, FrameJudge
from sam2s.synth.video_events import DrawnEvent, EventScene
from sam2s.tracking import Mask, ObjectState, Tracker
from sam2s.video import Frame


@pytest.fixture(scope="module")
def frames():
    """Noise over a red ground, black from 20 to 29, grey smoke from 45."""
    rng = np.random.default_rng(0)
    ground = np.kron(rng.integers(60, 200, (16, 16, 1)), np.ones((8, 8, 1))) * np.array([1.0, 0.4, 0.35])
    pictures = [np.clip(np.roll(ground, t, 1) + rng.normal(0, 6, ground.shape), 0, 255) for t in range(70)]
    pictures[20:30] = [np.zeros_like(ground)] * 10
    pictures[45:] = [0.1 * picture + 0.9 * 180 for picture in pictures[45:]]
    return [Frame(picture.astype(np.uint8), t) for t, picture in enumerate(pictures)]


def test_only_events_that_hide_the_scene_stop_judging(frames):
    judge = FrameJudge()
    judged = [judge(frame) for frame in frames]
    assert [t for t, one in enumerate(judged) if not one] == list(range(21, 33))
    assert EventSpan(EventKind.BLACK, 20, 30) in judge.spans
    (smoke,) = (span for span in judge.spans if span.kind is EventKind.SMOKE)
    assert 45 <= smoke.start <= 48
    assert smoke.stop == 70
    assert judge.seen == (0, 70)


def test_events_that_stop_judging_can_be_chosen(frames):
    judge = FrameJudge({EventKind.SMOKE})
    assert [t for t, frame in enumerate(frames) if not judge(frame)] == list(range(50, 70))


@pytest.mark.parametrize("cut", [5, 21, 27, 31, 50])
def test_a_judge_taken_up_again_goes_on_exactly(frames, cut):
    whole, first, second = FrameJudge(), FrameJudge(), FrameJudge()
    expected = [whole(frame) for frame in frames]
    before = [first(frame) for frame in frames[:cut]]
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert before + [second(frame) for frame in frames[cut:]] == expected
    assert second.spans == whole.spans
    assert second.state_dict() == whole.state_dict()


def test_spans_are_those_of_the_frames_whichever_way_they_come(frames):
    forward, backward = FrameJudge(), FrameJudge()
    for frame in frames[:40]:
        forward(frame)
    for frame in frames[39::-1]:
        backward(frame)
    black = EventSpan(EventKind.BLACK, 20, 30)
    assert black in forward.spans
    assert black in backward.spans
    assert backward.seen == (0, 40)


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind is not EventKind.CUT])
def test_each_drawn_event_is_acted_upon_as_its_kind_asks_for(kind):
    event = DrawnEvent(kind, 40, 70, 5)
    scene = EventScene(8, 128, 80, kind="laparoscopy", tempo=0.5, drift=0, events=[event])
    tracker = Tracker(nano())
    truth = scene.render(0)[1]
    tracker.add_prompt(object_id=1, prompt=Mask(truth == truth[truth > 0][0]))
    judge, states, remembered = FrameJudge(), [], []
    for t in range(80):
        frame = Frame(scene.render(t)[0], t)
        states.append(tracker.step(frame, judged=judge(frame)).objects[1].state)
        remembered.append(max(tracker.tracks[1].bank.recent, default=-1))
    hidden = [t for t, state in enumerate(states) if state is ObjectState.NOT_JUDGED]
    if kind not in UNJUDGED:
        assert not hidden
        return
    assert len(set(hidden) & set(range(40, 70))) >= 15
    assert set(hidden) <= set(range(40, 76))
    assert all(remembered[t] == remembered[t - 1] for t in hidden)  # nothing new in memory
    assert states[79] is not ObjectState.NOT_JUDGED
    assert remembered[79] == 79
