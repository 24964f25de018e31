"""Constructed absence: what a probe shows, and how answers to it are counted."""

import math

import numpy as np

from evaluation_tools import SIZE, TinyVideo
from sam2s.evaluation.probe import PROBED, SEEN, ProbeCounts, ProbeVideo, count_probe
from sam2s.evaluation.record import ObjectClaim, TrackedFrame


def images(probe):
    return [frame.image for frame in probe.source.frames()]


def test_black_frames_follow_the_beginning_of_the_video():
    video = TinyVideo(frames=12)
    probe = ProbeVideo(video, 1)
    frames = images(probe)
    assert len(frames) == len(probe.stems) == SEEN + PROBED
    assert all(np.array_equal(frames[k], video.scene[0][1 + k]) for k in range(SEEN))
    assert all(frame.shape == (*SIZE, 3) and not frame.any() for frame in frames[SEEN:])


def test_only_objects_of_the_first_frame_are_pointed_at():
    early, late = ProbeVideo(TinyVideo(), 0), ProbeVideo(TinyVideo(), 2)
    assert early.objects.keys() == early.truth(0).keys() == {1}
    assert late.objects.keys() == {1, 2}
    assert late.truth(1) == {}
    assert (late.name, late.columns, late.void(0)) == ("tiny/one", {"tiny"}, None)


def test_a_short_video_and_a_short_other_one_are_used_as_far_as_they_go():
    other = TinyVideo("tiny/two", frames=3)
    frames = images(ProbeVideo(TinyVideo(frames=4), 2, other))
    assert len(frames) == 2 + PROBED
    expected = [0, 1, 2] + [2] * (PROBED - 3)
    for frame, index in zip(frames[2:], expected, strict=True):
        assert np.array_equal(frame, other.scene[0][index])


def test_frames_of_another_size_are_brought_to_that_of_the_video():
    class Large(TinyVideo):
        @property
        def scene(self):
            pictures, labels = super().scene
            return pictures.repeat(2, 1).repeat(2, 2), labels.repeat(2, 1).repeat(2, 2)

    frames = images(ProbeVideo(TinyVideo(), 0, Large("tiny/large")))
    assert {frame.shape for frame in frames} == {(*SIZE, 3)}


def frame(shown, visible):
    masks = {i: np.full((2, 2), i in shown) for i in (1, 2)}
    return TrackedFrame(masks, {i: ObjectClaim(visible=i in visible) for i in (1, 2)}, timed=True)


def test_answers_are_counted_over_objects_and_frames_after_the_change():
    before = [frame({1, 2}, {1, 2})] * 5
    after = [frame({1}, {1, 2})] * 3 + [frame(set(), {2})] * (PROBED - 3)
    counts = count_probe(before + after, [1, 2])
    assert counts == ProbeCounts(2 * PROBED, 3, 3 + PROBED)
    assert counts.rates() == (3 / (2 * PROBED), (3 + PROBED) / (2 * PROBED))


def test_a_tracker_without_an_opinion_has_no_share_of_visible():
    silent = [TrackedFrame({1: np.ones((2, 2), bool)}, {}, timed=True)] * PROBED
    counts = count_probe(silent, [1])
    assert counts == ProbeCounts(PROBED, PROBED, None)
    assert counts.rates()[0] == 1
    assert math.isnan(counts.rates()[1])
    assert all(map(math.isnan, ProbeCounts(0, 0, 0).rates()))
