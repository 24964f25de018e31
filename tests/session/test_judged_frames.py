"""Frames that are not judged, and what observes a session: the same however a frame is reached, and over a kill."""

import pytest

from model_tools import nano
from sam2s.memory import MemoryPolicy
from sam2s.quality import QualityMonitor
from sam2s.session import VideoSession
from sam2s.tracking import Box, ObjectState, Points, Tracker
from tracking_tools import bits, same, source

ANY = MemoryPolicy(iou_threshold=0.0, candidates=3)
CLICK, BOX = Points([(30, 20)]), Box(4, 4, 40, 30)


@pytest.fixture(scope="module")
def model():
    return nano()


def all_same(a, b):
    return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))


def judged(frame):
    return frame.index not in (4, 5, 6, 12)


def test_frames_that_are_not_judged_are_the_same_streamed_offline_and_reached_again(model):
    video = source(18)
    tracker, streamed = Tracker(model, ANY), []
    tracker.add_prompt(object_id=1, prompt=CLICK)
    for frame in video.frames():
        streamed.append(bits(tracker.step(frame, judged=judged(frame))))
    assert {t for t, result in enumerate(streamed) if result[1][3] == ObjectState.NOT_JUDGED} == {4, 5, 6, 12}
    with VideoSession(model, video, policy=ANY, snapshot_every=5) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        offline = [bits(r) for r in session.propagate(judged=judged)]
        assert all_same(streamed, offline)
        assert session.propagations[0].unjudged == [[4, 6], [12, 12]]
        # A second object leaves the first as it was; frames 10 on are reached by replay from a snapshot.
        session.add_prompt(frame=10, object_id=2, prompt=BOX)
        again = [bits(r) for r in session.propagate(10, judged=judged)]
    assert all(same({1: a[1]}, {1: b[1]}) for a, b in zip(streamed[10:], again, strict=True))


def test_a_session_killed_among_frames_that_are_not_judged_goes_on_to_the_bit(model, tmp_path):
    video = source(18)
    with VideoSession(model, video, policy=ANY) as session:
        session.add_prompt(frame=0, object_id=1, prompt=CLICK)
        whole = [bits(r) for r in session.propagate(judged=judged)]
    first = VideoSession(model, video, policy=ANY, folder=tmp_path)
    first.add_prompt(frame=0, object_id=1, prompt=CLICK)
    for result in first.propagate(judged=judged):
        if result.index == 5:
            first.checkpoint()
        if result.index == 8:
            break
    session = VideoSession.reopen(model, video, tmp_path)
    assert session.next_frame == 6
    assert session.propagations[0].unjudged == [[4, 5]]
    assert all_same(whole[6:], [bits(r) for r in session.propagate(session.next_frame, judged=judged)])


def qualities(results):
    return [{i: item.quality for i, item in result.objects.items()} for result in results]


def test_what_observes_a_session_goes_on_where_it_was_saved(model, tmp_path):
    """The observer's past is part of each snapshot, so a session that is opened again judges as if it had not ended."""
    with VideoSession(model, source(), observer=QualityMonitor(model)) as whole:
        whole.add_prompt(frame=0, object_id=1, prompt=BOX)
        expected = qualities(whole.propagate(stop=16))
    assert all(quality[1] is not None for quality in expected)
    broken = VideoSession(model, source(), folder=tmp_path, observer=QualityMonitor(model))
    broken.add_prompt(frame=0, object_id=1, prompt=BOX)
    begun = qualities(broken.propagate(stop=8))
    broken.checkpoint()
    again = VideoSession.reopen(model, source(), tmp_path, observer=QualityMonitor(model))
    assert begun + qualities(again.propagate(again.next_frame, 16)) == expected


def test_another_propagation_is_observed_anew(model):
    monitor = QualityMonitor(model)
    with VideoSession(model, source(), observer=monitor) as session:
        session.add_prompt(frame=8, object_id=1, prompt=BOX)
        list(session.propagate(stop=12))
        list(session.propagate(stop=5, reverse=True))
    (history,) = monitor.state_dict()["histories"].values()
    assert len(history["pointers"]) == 1  # of the prompt, which both passed
    assert history["age"] == 4
