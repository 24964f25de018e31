"""The outline of a mask, filled as COCO fills it, is the mask."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sam2s.formats.contours import outline
from sam2s.masks.polygon import fill

MASKS = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(lambda size: arrays(bool, size))


@settings(max_examples=150, deadline=None)
@given(MASKS)
def test_any_mask_comes_back(mask):
    polygons = outline(mask)
    assert np.array_equal(fill([polygon.reshape(-1).tolist() for polygon in polygons], mask.shape), mask)


def test_a_ring_is_one_polygon_and_a_square_has_four_corners():
    square = np.zeros((8, 8), bool)
    square[1:7, 2:6] = True
    (polygon,) = outline(square)
    assert sorted(map(tuple, polygon.tolist())) == [(2, 1), (2, 7), (6, 1), (6, 7)]
    square[3:5, 3:5] = False
    (polygon,) = outline(square)
    assert len(polygon) == 4 + 1 + 4 + 1 + 1
    touching = np.eye(2, dtype=bool)
    assert len(outline(touching)) == 2
    assert outline(np.zeros((3, 3), bool)) == []
