"""Frames and objects of a clip on drawn scenes in which tools leave and return."""

from dataclasses import replace

import numpy as np
import pytest

from sam2s.errors import ConfigError
from sam2s.synth import Scene
from sam2s.training.data import ClipSettings
from sam2s.training.data.frame_choice import choose_frames
from sam2s.training.data.scenes import SceneVideo

SETTINGS = ClipSettings(size=32, frames=8, objects=3, min_area=0.01)


class Shown:
    """A video that is known by which object is seen when; it has no pixels."""

    name = "shown"

    def __init__(self, spans):
        self.spans = spans
        self.frames = range(max(stop for spans in spans.values() for _, stop in spans))

    def cover(self, frame):
        return {i: 0.1 for i, spans in self.spans.items() if any(a <= frame < b for a, b in spans)}


def choices(video, settings, *, dive, count=200):
    rng = np.random.default_rng(0)
    return [choose_frames(video, settings, rng, frames=8, dive=dive) for _ in range(count)]


def absent_share(video, clips):
    """Share of frames after the first on which a clip's objects are absent."""
    return np.mean([i not in video.cover(t) for times, groups in clips for (i,) in groups for t in times[1:]])


COMES_AND_GOES = Shown({1: [(0, 40), (70, 120), (150, 200)], 2: [(0, 100)], 3: [(60, 200)]})


def test_long_term_frames_show_the_objects_of_the_clip():
    clips = choices(COMES_AND_GOES, SETTINGS, dive=True)
    shown = [i in COMES_AND_GOES.cover(t) for times, groups in clips for (i,) in groups for t in times[1:3]]
    assert np.mean(shown) > 0.97, "all three are seen together on frames 70 to 99 alone, so a few are not found"
    free = choices(COMES_AND_GOES, replace(SETTINGS, long_term_visible=False), dive=True)
    gone = [i not in COMES_AND_GOES.cover(t) for times, ((i, *_), *_) in free for t in times[1:3]]
    assert np.mean(gone) > 0.15


@pytest.mark.parametrize("dive", [False, True])
def test_distances_of_frames_are_drawn_from_the_settings(dive):
    settings = replace(SETTINGS, strides=(2, 5))
    steps = [np.diff(times[3:] if dive else times) for times, _ in choices(COMES_AND_GOES, settings, dive=dive)]
    assert all(len(set(each)) == 1 for each in steps)
    drawn = [int(each[0]) for each in steps]
    assert 60 < drawn.count(2) < 140
    assert drawn.count(2) + drawn.count(5) == 200


def test_consecutive_clips_run_backwards_as_often_as_asked_for():
    steps = [np.diff(times) for times, _ in choices(COMES_AND_GOES, replace(SETTINGS, reverse=0.25), dive=False)]
    assert 25 < sum(each[0] < 0 for each in steps) < 75
    dive = [np.diff(times[3:]) for times, _ in choices(COMES_AND_GOES, replace(SETTINGS, reverse=1.0), dive=True)]
    assert all(each[0] > 0 for each in dive), "DiveMem blocks run forward"


def test_two_objects_are_now_and_then_taken_for_one():
    clips = choices(COMES_AND_GOES, replace(SETTINGS, merge=0.5, objects=1), dive=False)
    sizes = [len(groups[0]) for times, groups in clips if len(COMES_AND_GOES.cover(times[0])) > 1]
    assert 0.3 < sizes.count(2) / len(sizes) < 0.7
    assert set(sizes) == {1, 2}


def test_by_chance_the_two_kinds_show_absence_very_differently():
    plain, dive = (absent_share(COMES_AND_GOES, choices(COMES_AND_GOES, SETTINGS, dive=d)) for d in (False, True))
    assert dive > 3 * plain


@pytest.mark.parametrize("wanted", [0.0, 0.15, 0.3])
def test_both_kinds_show_as_much_absence_as_asked_for(wanted):
    settings = replace(SETTINGS, absent=wanted, objects=1)
    shares = [absent_share(COMES_AND_GOES, choices(COMES_AND_GOES, settings, dive=d, count=600)) for d in (False, True)]
    assert shares == pytest.approx([wanted, wanted], abs=0.06)


def test_other_objects_are_absent_no_longer_than_the_one_that_was_followed():
    for dive in (False, True):
        for times, groups in choices(COMES_AND_GOES, replace(SETTINGS, absent=0.2), dive=dive):
            counts = [sum(not any(i in COMES_AND_GOES.cover(t) for i in group) for t in times) for group in groups]
            assert counts[0] == max(counts)
            assert len(set(groups)) == len(groups) <= 3


def test_a_video_without_absence_gives_clips_all_the_same():
    always = Shown({1: [(0, 60)]})
    for dive in (False, True):
        assert len(choices(always, replace(SETTINGS, absent=0.4), dive=dive, count=20)) == 20
    assert choose_frames(Shown({1: [(5, 5), (0, 0)]}), SETTINGS, np.random.default_rng(0), frames=8, dive=True) is None


def test_shares_on_drawn_scenes():
    video = SceneVideo(Scene(5, 32, 200, kind="robotic", drift=1.0))
    settings = replace(SETTINGS, absent=0.2, min_area=0.0)
    shares = [absent_share(video, choices(video, settings, dive=d, count=60)) for d in (False, True)]
    assert abs(shares[0] - shares[1]) < 0.1


def test_more_absence_than_a_clip_can_have_is_refused():
    with pytest.raises(ConfigError, match=r"absent is 0\.6; clips of 8 frames can have 0 to 0\.43 of absent frames"):
        ClipSettings(size=64, absent=0.6)
    with pytest.raises(ConfigError, match="absent is nan"):
        ClipSettings(size=64, absent=float("nan"))
