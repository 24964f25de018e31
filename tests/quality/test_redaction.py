"""What is hidden: spans with their margin, areas with theirs, and nothing of a covered picture survives."""

from fractions import Fraction

import numpy as np
import pytest

from sam2s.errors import ConfigError
from sam2s.quality import EventKind, EventSpan
from sam2s.quality.redaction import HiddenArea, HiddenSpan, check_areas, covered, hide, spans_to_hide


def outside(start, stop):
    return EventSpan(EventKind.OUT_OF_BODY, start, stop)


def test_a_margin_lies_around_each_span_and_within_the_video():
    assert spans_to_hide([outside(100, 150)], 25, 2.0, 1000) == [HiddenSpan(50, 200, "out_of_body")]
    assert spans_to_hide([outside(10, 20), outside(95, 100)], Fraction(10), 1.0, 100) == [
        HiddenSpan(0, 30, "out_of_body"),
        HiddenSpan(85, 100, "out_of_body"),
    ]


def test_a_margin_is_rounded_up_and_a_video_without_a_rate_counts_as_25_frames_a_second():
    assert spans_to_hide([outside(100, 101)], Fraction(30000, 1001), 0.1, 200)[0].start == 97
    assert spans_to_hide([outside(100, 101)], None, 1.0, 200) == [HiddenSpan(75, 126, "out_of_body")]


def test_what_lies_between_two_spans_that_touch_is_hidden_and_other_events_are_not():
    events = [outside(100, 110), EventSpan(EventKind.SMOKE, 300, 400), outside(118, 130)]
    assert spans_to_hide(events, 1, 5, 1000) == [HiddenSpan(95, 135, "out_of_body")]


def test_areas_grow_to_even_numbers_and_stay_in_the_picture():
    assert HiddenArea(11, 21, 30, 41).grown((100, 100), 4) == HiddenArea(6, 16, 34, 46)
    assert HiddenArea(0, 90, 30, 99).grown((99, 33), 4) == HiddenArea(0, 86, 33, 99)


@pytest.mark.parametrize("area", [(0, 0, 0, 5), (5, 0, 4, 5), (0, 0, 51, 5), (0, 0, 5, 41)])
def test_areas_out_of_the_picture_are_refused(area):
    with pytest.raises(ConfigError, match=r"does not lie in the picture of 50x40; give --area x0,y0,x1,y1"):
        check_areas([HiddenArea(*area)], (40, 50))
    check_areas([HiddenArea(0, 0, 50, 40)], (40, 50))


def test_areas_are_covered_and_all_else_stays():
    image = np.random.default_rng(0).integers(1, 255, (40, 50, 3)).astype(np.uint8)
    shown = hide(image, 3, [], [HiddenArea(4, 6, 20, 12)], "black")
    assert not shown[6:12, 4:20].any()
    inside = np.zeros((40, 50), bool)
    inside[6:12, 4:20] = True
    assert np.array_equal(shown[~inside], image[~inside])
    assert image.min() > 0  # the frame itself was not written to


def test_whole_frames_are_covered_within_spans_alone():
    image = np.full((8, 8, 3), 200, np.uint8)
    spans = [HiddenSpan(3, 5, "given")]
    assert [int(hide(image, t, spans, [], "black").max()) for t in (2, 3, 4, 5)] == [200, 0, 0, 200]


def test_a_blurred_picture_has_nothing_finer_than_its_cells():
    letters = np.zeros((120, 160, 3), np.uint8)
    letters[:, ::4] = 255  # strokes two pixels wide
    letters[:, 1::4] = 255
    soft = covered(letters, "blur").astype(float)
    assert soft.shape == letters.shape
    assert abs(np.corrcoef(soft[60, :, 0], letters[60, :, 0])[0, 1]) < 0.05
    assert np.abs(np.diff(soft, axis=1)).max() <= 2
    two_halves = np.zeros((120, 160, 3), np.uint8)
    two_halves[:, 80:] = 255
    assert covered(two_halves, "blur")[60, 150, 0] > 240  # large shapes are still told apart
