"""Polygons against pycocotools, whose pixels are the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

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
