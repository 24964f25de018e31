"""Parts cover a video whole, end at cuts, and their ids are joined by the masks they share."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam2s.archive.parts import VideoPart, match_ids, mean_iou, plan_parts
from sam2s.errors import ConfigError


def test_parts_end_at_the_last_cut_within_reach():
    assert plan_parts(100, [30, 45, 70], longest=50, overlap=5) == [
        VideoPart(1, 0, 50),
        VideoPart(2, 45, 75),
        VideoPart(3, 70, 100),
    ]
    assert plan_parts(100, [], longest=60, overlap=0) == [VideoPart(1, 0, 60), VideoPart(2, 60, 100)]
    assert plan_parts(40, [10], longest=60, overlap=5) == [VideoPart(1, 0, 40)]


@given(
    st.integers(1, 500),
    st.lists(st.integers(1, 499), unique=True).map(sorted),
    st.integers(11, 200),
    st.integers(0, 10),
)
def test_every_frame_is_in_a_part_and_none_is_too_long(length, cuts, longest, overlap):
    parts = plan_parts(length, cuts, longest=longest, overlap=overlap)
    assert parts[0].start == 0
    assert parts[-1].stop == length
    for before, after in pairwise(parts):
        assert before.start < after.start
        assert before.stop == min(length, after.start + overlap)
        assert after.start - before.start <= longest


def test_parts_no_longer_than_their_overlap_are_refused():
    with pytest.raises(ConfigError, match="parts of 5 frames with an overlap of 5 cannot be made"):
        plan_parts(100, [], longest=5, overlap=5)


def square(x):
    mask = np.zeros((20, 40), bool)
    mask[5:15, x : x + 10] = True
    return mask


def test_ids_follow_the_masks_and_not_their_numbers():
    earlier = {1: [square(0), square(1)], 2: [square(25), square(25)]}
    later = {1: [square(26), square(25)], 2: [square(0), square(0)], 3: [square(12), square(12)]}
    assert match_ids(earlier, later) == {1: 2, 2: 1}
    assert match_ids({}, later) == match_ids(earlier, {}) == {}


def test_frames_without_either_mask_do_not_count():
    empty = np.zeros((20, 40), bool)
    assert mean_iou([square(0), empty], [square(0), empty]) == 1
    assert mean_iou([empty], [empty]) == 0
    assert mean_iou([square(0)], [square(5)]) == pytest.approx(5 / 15)
