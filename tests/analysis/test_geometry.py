"""Places of drawn bars and discs whose geometry is known."""

import math

import numpy as np
import pytest

from sam2s.analysis.geometry import measure_mask

SIZE = (120, 200)


def bar(start, end, width):
    """A bar from one point to another, with round ends, clipped to the picture."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    (x0, y0), (x1, y1) = start, end
    length = math.hypot(x1 - x0, y1 - y0)
    along = ((columns - x0) * (x1 - x0) + (rows - y0) * (y1 - y0)) / length
    across = ((columns - x0) * (y1 - y0) - (rows - y0) * (x1 - x0)) / length
    return (np.abs(across) <= width / 2) & (along >= 0) & (along <= length)


@pytest.mark.parametrize(
    ("start", "end", "side"),
    [
        ((-20, 60), (110, 60), "left"),
        ((220, 40), (90, 70), "right"),
        ((100, -20), (100, 70), "top"),
        ((60, 140), (130, 30), "bottom"),
    ],
)
def test_the_tip_is_the_end_away_from_where_it_enters(start, end, side):
    measured = measure_mask(bar(start, end, 12))
    assert measured.side == side
    assert math.dist(measured.tip, end) < 5
    assert measured.width == pytest.approx(12, rel=0.08)


def test_area_and_centre_are_those_of_the_pixels():
    mask = np.zeros(SIZE, bool)
    mask[40:50, 60:80] = True
    measured = measure_mask(mask)
    assert measured.area == 200
    assert measured.centre == (70.0, 45.0)
    assert measured.side is None
    assert measured.entry is None
    assert math.isnan(measured.width)


def test_inside_the_picture_the_tip_follows_the_one_before():
    mask = bar((60, 60), (140, 60), 10)
    assert measure_mask(mask, (150, 60)).tip[0] > 130
    assert measure_mask(mask, (50, 60)).tip[0] < 70


def test_an_empty_mask_has_no_place():
    assert measure_mask(np.zeros(SIZE, bool)) is None
