import math

import pytest

from sam2s.evaluation.absence import (
    PresenceCounts,
    Reentry,
    add_presence,
    count_claims,
    group_reentries,
    presence,
    reentries,
)
from sam2s.evaluation.sequence import FrameScore, ObjectScore


def frame(j=1.0, *, gt=True, pred=True, f=None):
    return FrameScore(j, j if f is None else f, gt, pred, None)


def test_presence_of_the_worked_example():
    counts = presence(frame(gt=gt, pred=pred) for gt, pred in [(1, 0), (1, 1), (1, 1), (0, 1), (0, 0)])
    assert counts == PresenceCounts(2, 1, 1, 1)
    assert (counts.precision, counts.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (counts.absent, counts.false_positive_rate, counts.miss_rate) == (2, 0.5, pytest.approx(1 / 3))
    assert add_presence([counts, PresenceCounts(1, 0, 0, 3)]) == PresenceCounts(3, 1, 1, 4)


def test_rates_of_nothing_are_no_numbers():
    counts = add_presence([])
    assert counts == PresenceCounts(0, 0, 0, 0)
    rates = (counts.precision, counts.recall, counts.false_positive_rate, counts.miss_rate)
    assert all(map(math.isnan, rates))


def test_claims_are_counted_by_truth_and_claim():
    assert count_claims([(True, True), (False, True), (True, False), (False, False), (False, True)]) == (1, 2, 1, 1)


def track(*frames):
    return ObjectScore("v", 1, tuple(map(str, range(len(frames)))), tuple(frames))


def test_a_return_is_measured_by_the_frames_of_its_absence():
    away = frame(gt=False, pred=False)
    score = track(frame(), frame(), away, away, away, frame(0.5, f=0.7), frame(0.1, f=0.3), away, frame(0.2))
    # every second frame of the video is annotated
    first, second = reentries(score, range(0, 18, 2))
    assert first == Reentry(7, pytest.approx(0.3), pytest.approx(0.5))
    assert first.jf == pytest.approx(0.4)
    assert second == Reentry(3, 0.2, 0.2)


def test_only_the_first_ten_frames_after_a_return_count():
    score = track(frame(), frame(gt=False), *[frame(0.5)] * 10, *[frame(0.0)] * 5)
    assert reentries(score, range(17)) == [Reentry(1, 0.5, 0.5)]


def test_an_absence_right_after_the_prompt_is_one():
    score = track(frame(gt=False), frame(gt=False), frame(0.25))
    assert reentries(score, [1, 2, 3]) == [Reentry(2, 0.25, 0.25)]


def test_an_object_that_stays_has_no_return():
    assert reentries(track(frame(), frame()), [0, 1]) == []
    assert reentries(track(frame(), frame(gt=False)), [0, 1]) == []
    assert reentries(track(), []) == []


def test_returns_are_sorted_by_the_length_of_the_absence():
    groups = group_reentries([Reentry(n, j, j) for n, j in ((1, 0.2), (4, 0.4), (5, 0.5), (19, 0.7), (100, 0.9))])
    assert [(g.label, g.returns) for g in groups] == [("1-4", 2), ("5-19", 2), ("20-99", 0), ("100+", 1)]
    assert [g.jf for g in groups if g.returns] == pytest.approx([0.3, 0.6, 0.9])
    assert math.isnan(groups[2].jf)
