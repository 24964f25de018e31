"""Tracked masks with their truth and the features they are judged by."""

import numpy as np
import pytest

from evaluation_tools import TinyVideo
from model_tools import nano
from sam2s.evaluation.judged_masks import KINDS, ROW, judged_masks, labelled
from sam2s.quality import EMPTY, SEEN


@pytest.fixture(scope="module")
def rows():
    return judged_masks(nano(), [TinyVideo(), TinyVideo("tiny/two")])


def test_every_tracked_object_is_a_row_for_each_prompt(rows):
    """Object 1 is prompted on frame 0, object 2 on frame 2; frame 3 has no truth."""
    assert rows.dtype == ROW
    for kind in range(len(KINDS)):
        own = rows[(rows["kind"] == kind) & (rows["video"] == 1)]
        assert own["frame"][own["object"] == 1].tolist() == [1, 2, 4, 5]
        assert own["frame"][own["object"] == 2].tolist() == [4, 5]
    assert ((rows["iou"] >= 0) & (rows["iou"] <= 1)).all()
    assert np.isfinite(rows["features"]).all()
    assert rows["there"].all()


def test_equal_videos_give_equal_rows_but_for_their_number(rows):
    first, second = rows[rows["video"] == 0], rows[rows["video"] == 1]
    assert np.array_equal(first["features"], second["features"])
    assert np.array_equal(first["iou"], second["iou"])


def test_by_points_and_by_box_tell_the_prompt(rows):
    shown = rows[~rows["empty"]]
    for kind, (points, box) in enumerate(((1, 0), (0, 1), (0, 0))):
        own = shown["features"][shown["kind"] == kind]
        assert (own[:, SEEN.index("by_points")] == points).all()
        assert (own[:, SEEN.index("by_box")] == box).all()


def test_rows_become_masks_to_fit_on(rows):
    seen, empty = labelled(rows)
    assert seen.features.shape == (len(seen.iou), len(SEEN))
    assert empty.features.shape == (len(empty.iou), len(EMPTY))
    assert len(seen.iou) + len(empty.iou) == len(rows)
    assert set(seen.groups) <= {0, 1}


def test_a_stride_passes_frames_over_and_progress_is_told():
    told = []
    rows = judged_masks(nano(), [TinyVideo()], stride=2, report_progress=lambda *at: told.append(at))
    assert set(rows["frame"]) == {2, 4}
    assert told == [(3, 3)]
    assert len(judged_masks(nano(), [])) == 0
