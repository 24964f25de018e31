"""What a frame shows of an object, against numbers by hand."""

import numpy as np
import pytest
import torch

from quality_tools import picture, square, tracked
from sam2s.quality.observation import LARGEST_GRID, grid_logits, mean_feature, observe, overlap, sample_picture, unit

GREY = sample_picture(picture(128), (16, 16))


def seen(result, frame=GREY, embedding=None):
    return observe(result, grid_logits(result), frame, embedding)


def test_shape_of_a_square():
    square_seen = seen(tracked())
    assert square_seen.area == 16 / 256
    assert square_seen.centre == (6 / 16, 6 / 16)
    assert not square_seen.at_border
    assert square_seen.rest == 0
    assert square_seen.edge == 0
    assert square_seen.certainty == pytest.approx(1 / (1 + np.exp(-5)), abs=1e-6)


@pytest.mark.parametrize("place", [(0, 4, 3, 8), (13, 4, 16, 8), (4, 0, 8, 3), (4, 13, 8, 16)])
def test_each_side_of_the_picture_is_a_border(place):
    assert seen(tracked(square(*place))).at_border


def test_undecided_pixels_and_loose_parts_are_shares_of_the_mask():
    logits = square(0, 0, 4, 4)
    logits[10, 10:14] = 0.5
    found = seen(tracked(logits))
    assert found.rest == pytest.approx(4 / 20)
    assert found.edge == pytest.approx(4 / 20)


def test_an_empty_mask_shows_nothing():
    nothing = seen(tracked(square(0, 0, 0, 0)))
    assert (nothing.area, nothing.certainty, nothing.rest, nothing.appearance) == (0.0, 1.0, 0.0, None)
    assert np.array_equal(nothing.pointer, [1, 0])


def test_colour_and_exposure_are_those_of_the_pixels_inside():
    frame = np.zeros((32, 32, 3), np.uint8)
    frame[8:16, 8:16] = (255, 0, 51)
    frame[8:16, 8:12] = 255
    found = seen(tracked(), sample_picture(frame, (16, 16)))
    assert found.colour == pytest.approx([1.0, 0.5, 0.6])
    assert found.unexposed == pytest.approx(0.5)  # the white half
    dark = seen(tracked(), sample_picture(picture(2), (16, 16)))
    assert dark.unexposed == 1.0


def test_detail_is_the_step_to_the_neighbours_right_and_below():
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = 255
    assert seen(tracked(), sample_picture(stripes, (16, 16))).detail == pytest.approx(1.0)
    assert seen(tracked()).detail == 0.0


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 2), (300, 200)])
def test_pictures_of_any_size_are_sampled(size):
    sample = sample_picture(np.full((*size, 3), 51, np.uint8), (16, 16))
    assert sample.colours.shape == (16, 16, 3)
    assert sample.colours == pytest.approx(0.2)
    assert not sample.detail.any()


def test_the_appearance_is_the_mean_feature_inside():
    embedding = torch.zeros(1, 2, 4, 4)
    embedding[0, 0, :, :2], embedding[0, 1, :, 2:] = 3.0, 4.0
    mask = np.zeros((16, 16), bool)
    mask[4:8, 4:12] = True  # half of it on either side
    assert mean_feature(embedding, mask) == pytest.approx([1.5, 2.0])
    found = seen(tracked(square(4, 4, 12, 8)), embedding=embedding)
    assert found.appearance == pytest.approx([0.6, 0.8])


def test_large_masks_are_thinned_to_the_grid():
    assert grid_logits(tracked(square(0, 0, 40, 40, grid=256))).shape == (LARGEST_GRID, LARGEST_GRID)
    assert grid_logits(tracked(square(0, 0, 40, 40, grid=64))).shape == (64, 64)


def test_overlap_is_iou_and_zero_for_two_empty_masks():
    one, other = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    assert overlap(one, other) == 0.0
    one[:2], other[1:3] = True, True
    assert overlap(one, other) == pytest.approx(4 / 12)


def test_unit_vectors():
    assert unit(np.array([3.0, 4.0])) == pytest.approx([0.6, 0.8])
    assert np.array_equal(unit(np.zeros(3)), np.zeros(3))
