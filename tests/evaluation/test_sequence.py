import math

import numpy as np
import pytest

from sam2s.errors import ConfigError
from sam2s.evaluation.rules import CountedSpan, Rules
from sam2s.evaluation.sequence import score_sequence
from sam2s.evaluation.summary import Mean, by_subset, by_video, macro_average, pool


def frames(*contents, size=(8, 8)):
    """Label maps: "12" shows objects 1 and 2, each at a place of its own."""
    maps = []
    for content in contents:
        labels = np.zeros(size, np.uint8)
        for object_id in map(int, content):
            labels[2 * object_id - 2 : 2 * object_id, 2:5] = object_id
        maps.append(labels)
    return maps


def counted(gt, pred=None, **rules):
    scores = score_sequence(frames(*(pred or gt)), frames(*gt), rules=Rules(**rules))
    return {score.object_id: score.frames for score in scores}


def test_first_and_last_frame_of_each_span_are_dropped():
    gt = ["1", "1", "12", "12", "1", ""]
    assert counted(gt) == {1: ("1", "2", "3", "4"), 2: ("3", "4")}
    assert counted(gt, skip_first_last=False) == {1: ("0", "1", "2", "3", "4", "5"), 2: ("2", "3", "4", "5")}


def test_whole_videos_count_from_the_first_sight_of_truth_or_prediction():
    gt, pred = ["1", "1", "1", "12", "12"], ["1", "1", "12", "1", "1"]
    assert counted(gt, pred, span=CountedSpan.VIDEO) == {1: ("1", "2", "3"), 2: ("2", "3")}
    assert counted(["12", "1", "1"], span=CountedSpan.VIDEO) == {
        1: ("1",),
        2: (),
    }  # 2 is seen on the dropped frame only


def test_absence_counts_where_it_is_right_and_where_it_is_wrong():
    (score,) = score_sequence(frames("1", "1", "1", "", "", ""), frames("1", "1", "", "", "1", "1"))
    assert score.j.tolist() == score.f.tolist() == [1, 0, 1, 0]
    assert score.mean_jf == 0.5


def test_objects_of_the_prediction_alone_are_not_scored():
    assert counted(["1", "1", "1"], ["12", "12", "12"]) == {1: ("1",)}


def test_short_spans_leave_nothing_to_count():
    assert counted(["1", "1"]) == {1: ()}
    assert counted(["1"]) == {1: ()}
    (score,) = score_sequence(frames("1"), frames("1"))
    assert math.isnan(score.mean_j)
    assert pool([score]).objects == 0


def test_overlapping_masks_by_id():
    wide, narrow = np.ones((4, 4), bool), np.eye(4, dtype=bool)
    gt = [{1: wide, 7: narrow}] * 3
    scores = score_sequence([{1: wide}] * 3, gt)
    assert [(score.object_id, score.mean_j) for score in scores] == [(1, 1), (7, 0)]


def test_bool_maps_are_object_one():
    mask = np.eye(5, dtype=bool)
    (score,) = score_sequence([mask] * 3, [mask] * 3)
    assert (score.object_id, score.mean_jf) == (1, 1)


def test_lengths_and_sizes_must_agree():
    with pytest.raises(ConfigError, match="different numbers of frames"):
        score_sequence(frames("1"), frames("1", "1"))
    with pytest.raises(ConfigError, match=r"frame 0: prediction is \(4, 4\), truth \(8, 8\)"):
        score_sequence(frames("1", size=(4, 4)), frames("1"))


def test_objects_are_pooled_and_subsets_averaged_without_weights():
    good = score_sequence(frames(*["12"] * 3), frames(*["12"] * 3), video="a/x", subset="a")
    bad = score_sequence(frames(*[""] * 3), frames(*["1"] * 3), video="b/y", subset="b")
    assert by_subset(good + bad) == {"a": Mean(1, 1, 2), "b": Mean(0, 0, 1)}
    assert pool(good + bad).jf == pytest.approx(2 / 3)
    assert macro_average(by_subset(good + bad).values()) == Mean(0.5, 0.5, 3)
    assert list(by_video(good + bad)) == ["a/x", "b/y"]
