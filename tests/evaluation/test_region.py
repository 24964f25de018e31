"""Masks cut out of frames lose nothing, whatever they look like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sam2s.evaluation.measures import intersection
from sam2s.evaluation.region import Region, cut_labels, cut_mask, exclude, paint

SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12))
MASKS = SIZES.flatmap(lambda size: st.tuples(arrays(bool, size), arrays(bool, size)))


@settings(max_examples=80, deadline=None)
@given(MASKS)
def test_a_region_is_its_mask(masks):
    mask, other = masks
    region = cut_mask(mask)
    window = (0, 0, *mask.shape)
    np.testing.assert_array_equal(paint(region, window), mask)
    if region is None:
        assert not mask.any()
        return
    assert region.mask[0].any()
    assert region.mask[-1].any()
    assert region.mask[:, 0].any()
    assert region.mask[:, -1].any()
    assert (region.bottom - region.top, region.right - region.left) == region.mask.shape
    np.testing.assert_array_equal(paint(exclude(region, other), window), mask & ~other)
    if (second := cut_mask(other)) is not None:
        assert intersection(region, second) == intersection(second, region) == (mask & other).sum()


@settings(max_examples=60, deadline=None)
@given(SIZES.flatmap(lambda size: arrays(np.uint8, size, elements=st.integers(0, 5))))
def test_labels_are_cut_into_all_objects_and_no_others(labels):
    regions = cut_labels(labels)
    assert set(regions) == set(np.unique(labels).tolist()) - {0}
    for object_id, region in regions.items():
        np.testing.assert_array_equal(paint(region, (0, 0, *labels.shape)), labels == object_id)


def test_labels_of_16_bits():
    labels = np.zeros((4, 5), np.uint16)
    labels[1:3, 2] = 40_000
    (object_id,) = cut_labels(labels)
    assert object_id == 40_000


def test_a_region_is_painted_into_a_window_around_it():
    region = Region(np.array([[True, False], [True, True]]), 4, 7)
    canvas = paint(region, (3, 6, 7, 10))
    assert canvas.shape == (4, 4)
    assert np.argwhere(canvas).tolist() == [[1, 1], [2, 1], [2, 2]]
    assert not paint(None, (0, 0, 2, 3)).any()


def test_regions_that_lie_apart_share_nothing():
    near, far = Region(np.ones((2, 2), bool), 0, 0), Region(np.ones((2, 2), bool), 2, 0)
    assert intersection(near, far) == 0
    assert intersection(near, Region(np.ones((2, 2), bool), 1, 1)) == 1


@pytest.mark.parametrize("kind", [np.uint8, np.float32, bool])
def test_a_mask_of_any_type_is_cut_to_bool(kind):
    assert cut_mask(np.eye(3, dtype=kind)).mask.dtype == bool
