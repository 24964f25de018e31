"""Drawn events: frames without one are the scene's own, spans are true, looks are what they are called."""

import numpy as np
import pytest

from sam2s.errors import ConfigError
from sam2s.synth import Scene
from sam2s.synth.video_events import FILMS, REPLACING, DrawnEvent, EventScene, plan_events
from sam2s.video.event_kind import EventKind

SIZE, START, STOP = 64, 20, 44


def scene_with(kind, seed=4):
    return EventScene(seed, SIZE, 80, kind="laparoscopy", drift=0, events=[DrawnEvent(kind, START, STOP, 9)])


@pytest.mark.parametrize("kind", list(EventKind))
def test_frames_without_an_event_are_those_of_the_scene_bit_for_bit(kind):
    plain, scene = Scene(4, SIZE, 80, kind="laparoscopy", drift=0), scene_with(kind)
    for t in (0, 10, 60, 79):
        for one, other in zip(plain.render(t), scene.render(t), strict=True):
            assert np.array_equal(one, other)
    assert not np.array_equal(plain.render(32)[0], scene.render(32)[0])


@pytest.mark.parametrize("kind", list(EventKind))
def test_a_frame_is_the_same_whatever_was_drawn_before(kind):
    scene, fresh = scene_with(kind), scene_with(kind)
    scene.render(25)
    assert np.array_equal(scene.render(30)[0], fresh.render(30)[0])


def test_labels_are_empty_where_nothing_of_the_scene_is_seen_and_stay_under_films():
    plain = Scene(4, SIZE, 80, kind="laparoscopy", drift=0).render(30)[1]
    assert plain.any()
    for kind in REPLACING:
        assert not scene_with(kind).render(30)[1].any()
    for kind in FILMS:
        assert np.array_equal(scene_with(kind).render(30)[1], plain)


def test_a_frozen_picture_is_the_one_before_with_its_labels():
    scene = scene_with(EventKind.FROZEN)
    before = scene.render(START - 1)
    for t in (START, STOP - 1):
        assert np.array_equal(scene.render(t)[0], before[0])
        assert np.array_equal(scene.render(t)[1], before[1])
    assert not np.array_equal(scene.render(STOP)[0], before[0])


def test_films_are_at_half_strength_where_their_span_begins_and_ends():
    event = DrawnEvent(EventKind.SMOKE, 40, 60, 0)
    assert event.strength(39) < 0.5 < event.strength(40)
    assert event.strength(59) > 0.5 > event.strength(60)
    assert event.strength(50) == 1
    assert event.strength(20) == 0
    assert [DrawnEvent(EventKind.BLACK, 4, 6, 0).strength(t) for t in (3, 4, 5, 6)] == [0, 1, 1, 0]


def test_the_scope_keeps_its_border_under_smoke_and_outside_of_the_body():
    seed = next(s for s in range(20) if Scene(s, SIZE, 1, kind="laparoscopy").border is not None)
    for kind in (EventKind.SMOKE, EventKind.OUT_OF_BODY):
        scene = scene_with(kind, seed)
        dark = scene.border == 0
        assert dark.any()
        assert scene.render(30)[0][dark].max() == 0


def test_a_plan_holds_every_kind_apart_from_the_others():
    events = plan_events(3, 900, gap=30, spans=(20, 40))
    assert {event.kind for event in events} == set(EventKind)
    edges = [at for event in events for at in (event.start, event.stop)]
    assert edges[0] >= 30
    assert 900 - edges[-1] >= 30
    assert min(after - before for before, after in zip(edges[1::2], edges[2::2], strict=False)) >= 30
    assert all(20 <= event.stop - event.start <= 40 for event in events)
    assert plan_events(3, 900, gap=30, spans=(20, 40)) == events


def test_chosen_kinds_alone_are_planned():
    assert {event.kind for event in plan_events(0, 400, ["smoke", "black"])} == {"smoke", "black"}
    assert plan_events(0, 400, []) == ()
    with pytest.raises(ConfigError, match=r"event 'fog' does not exist; allowed are cut, out_of_body"):
        plan_events(0, 400, ["fog"])
    with pytest.raises(ConfigError, match=r"50 frames are too few .* give at least 125"):
        plan_events(0, 50)


def test_true_cuts_are_where_the_picture_changes_at_once():
    events = [DrawnEvent(EventKind.CUT, 20, 30, 1), DrawnEvent(EventKind.SMOKE, 50, 60, 1)]
    scene = EventScene(4, SIZE, 80, kind="laparoscopy", drift=0, events=events)
    assert scene.true_spans(EventKind.CUT) == [(20, 21), (30, 31)]
    assert scene.true_spans(EventKind.SMOKE) == [(50, 60)]
    jumping = EventScene(5, SIZE, 400, kind="colonoscopy", drift=1, events=[])
    assert jumping.jumps
    assert [start for start, _ in jumping.true_spans(EventKind.CUT)] == jumping.jumps
