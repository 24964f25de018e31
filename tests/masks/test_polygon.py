"""Polygons against pycocotools, whose pixels are the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from sam2s.errors import LimitError
from sam2s.masks.polygon import fill

pytestmark = pytest.mark.filterwarnings("ignore:__array__")  # pycocotools with numpy 2

POINTS = st.lists(
    st.one_of(st.integers(-3, 30), st.floats(-3, 30, allow_nan=False, width=32)), min_size=6, max_size=16
).map(lambda numbers: numbers[: len(numbers) // 2 * 2])


@given(st.lists(POINTS, min_size=1, max_size=3), st.integers(1, 24), st.integers(1, 24))
def test_same_pixels_as_coco(polygons, height, width):
    theirs = coco.decode(coco.merge(coco.frPyObjects([list(map(float, p)) for p in polygons], height, width)))
    assert np.array_equal(fill(polygons, (height, width)), theirs.astype(bool))


def test_a_square():
    mask = fill([[2, 1, 6, 1, 6, 4, 2, 4]], (6, 8))
    assert np.array_equal(np.argwhere(mask)[[0, -1]], [[1, 2], [3, 5]])
    assert mask.sum() == 12


@pytest.mark.parametrize("numbers", [[1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7]])
def test_half_a_polygon_is_refused(numbers):
    with pytest.raises(ValueError, match=f"a polygon has {len(numbers)} numbers"):
        fill([numbers], (6, 8))


@pytest.mark.parametrize(
    ("polygon", "message"),
    [
        ([0, 0, 3e8, 3e8, 0, 3e8], r"a polygon goes to 3e\+08, far outside of the picture of 64x48"),
        ([0, 0, float("nan"), 5, 5, 5], "far outside"),
        ([0, 0, float("inf"), 5, 5, 5], "far outside"),
        ([0, 0, "x", 5, 5, 5], "not numbers alone"),
        ([0, 0, None, 5, 5, "5"], "not numbers alone|far outside"),
        ([0, 0, [5], 5, 5, 5], "not numbers alone"),
        ([0, 0, 5, 5], "it needs x and y of at least three points"),
        ([0, 0, 5, 5, 5], "it needs x and y of at least three points"),
        ([-6400, 0, 6400, 4000] * 20000, r"a polygon of 40000 corners is too long to be drawn"),
    ],
)
def test_what_no_polygon_of_the_picture_is(polygon, message):
    with pytest.raises(ValueError, match=message):
        fill([polygon], (48, 64))
    with pytest.raises(ValueError, match="polygons are flat lists of numbers"):
        fill([5, 6], (48, 64))


def test_a_picture_beyond_the_limit():
    with pytest.raises(LimitError, match="a polygon's picture: 100000x100000 are 10000000000 pixels"):
        fill([[0, 0, 5, 5, 0, 5]], (100000, 100000))
