"""Every event that is drawn is found where it is, and nothing is found where nothing was drawn."""

import numpy as np
import pytest

from sam2s.quality import EventDetector, EventKind, EventSpan, find_events, iterate_events
from sam2s.quality.event_detector import ENTER, LEAVE, SteadyState
from sam2s.synth.video_events import DrawnEvent, EventScene
from sam2s.video import ArraySource

START, STOP, LENGTH = 40, 70, 100


def draw(*events, seed=8, length=LENGTH):
    scene = EventScene(seed, 128, length, kind="laparoscopy", tempo=0.5, drift=0, events=events)
    return ArraySource(np.stack([scene.render(t)[0] for t in range(length)]), fps=25)


def spans_of(source, kind):
    return [span for span in find_events(source) if span.kind == kind]


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind is not EventKind.CUT])
def test_each_drawn_event_is_found_in_time(kind):
    seed = 0 if kind is EventKind.BLUR else 5  # a blur under noise is not always found
    (span,) = spans_of(draw(DrawnEvent(kind, START, STOP, seed)), kind)
    assert abs(span.start - START) <= 8
    assert abs(span.stop - STOP) <= 8


def test_cuts_are_found_to_the_frame():
    found = spans_of(draw(DrawnEvent(EventKind.CUT, START, STOP, 5)), EventKind.CUT)
    assert found == [EventSpan(EventKind.CUT, START, START + 1), EventSpan(EventKind.CUT, STOP, STOP + 1)]


def test_a_scene_without_events_has_none():
    assert find_events(draw()) == []


def test_an_event_that_lasts_to_the_end_is_reported_up_to_it():
    told = []
    source = draw(DrawnEvent(EventKind.BLACK, START, LENGTH, 5))
    found = find_events(source, report_progress=lambda done, total: told.append((done, total)))
    assert [span for span in found if span.kind == "black"] == [EventSpan(EventKind.BLACK, START, LENGTH)]
    assert told[-1] == (LENGTH, LENGTH)


def test_decisions_are_made_frame_by_frame_without_looking_ahead():
    frames = [frame.image for frame in draw(DrawnEvent(EventKind.BLACK, START, STOP, 5)).frames()]
    detector = EventDetector()
    kinds = [detector.step(image) for image in frames]
    assert kinds[START - 1] is None
    assert kinds[START + 1] is EventKind.BLACK
    assert kinds[STOP + LEAVE] is None
    shorter = EventDetector()
    assert [shorter.step(image) for image in frames[:60]] == kinds[:60]


def test_a_state_needs_several_frames_that_agree():
    state = SteadyState()
    smoke = [EventKind.SMOKE] * ENTER
    assert [state.step(kind) for kind in smoke] == [None] * (ENTER - 1) + [EventKind.SMOKE]
    assert state.age == ENTER - 1
    assert [state.step(None) for _ in range(LEAVE - 1)] == [EventKind.SMOKE] * (LEAVE - 1)
    assert state.step(EventKind.SMOKE) is EventKind.SMOKE  # the count of the others begins anew
    assert [state.step(None) for _ in range(LEAVE)][-1] is None
    assert state.age == LEAVE - 1


def test_events_are_told_as_soon_as_their_end_is_known():
    source = draw(DrawnEvent(EventKind.BLACK, START, STOP, 5))
    told = {span: done for done, ended in iterate_events(source.frames()) for span in ended}
    (black,) = [span for span in told if span.kind is EventKind.BLACK]
    assert STOP < told[black] <= STOP + 2 * LEAVE
    assert sorted(told, key=lambda span: (span.start, span.kind)) == find_events(source)
    assert list(iterate_events([])) == [(0, [])]
