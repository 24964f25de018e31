import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from sam2s.masks.postprocess import clean

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=16))


def picture(text):
    return np.array([[character == "#" for character in line] for line in text.split()])


def test_holes_are_filled_by_size():
    mask = picture("######### #..###..# #..###.## #########")
    assert clean(mask, fill_holes=4).sum() == mask.sum() + 3
    assert clean(mask, fill_holes=5).all()


def test_a_notch_at_the_border_is_no_hole():
    mask = picture("###.### ###.### #######")
    assert np.array_equal(clean(mask, fill_holes=100), mask)


def test_islands_and_largest():
    mask = picture("##...#. ##..... ....### ....###")
    assert clean(mask, remove_islands=2).sum() == 10
    assert np.array_equal(clean(mask, keep_largest=True), picture("....... ....... ....### ....###"))
    assert clean(mask, remove_islands=100).sum() == 6


def test_corners_join_parts():
    mask = picture("#.. .#. ..#")
    assert np.array_equal(clean(mask, keep_largest=True), mask)


@given(MASKS)
def test_properties(mask):
    before = mask.copy()
    assert np.array_equal(clean(mask), mask)
    filled = clean(mask, fill_holes=mask.size + 1)
    assert np.array_equal(filled, ndimage.binary_fill_holes(mask))
    largest = clean(mask, keep_largest=True)
    assert largest.any() == mask.any()
    assert not (largest & ~mask).any()
    assert ndimage.label(largest, np.ones((3, 3)))[1] <= 1
    assert np.array_equal(clean(largest, keep_largest=True, remove_islands=3), largest)
    assert np.array_equal(mask, before)


@pytest.mark.parametrize("options", [{}, {"fill_holes": 9}, {"keep_largest": True}])
def test_empty(options):
    assert not clean(np.zeros((4, 5), bool), **options).any()
