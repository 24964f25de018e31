"""Affine maps by hand, and boxes that hold every pixel of a mapped rectangle once."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam2s.synth.geometry import BAND, affine, boxes, compose, invert

places = st.floats(-2, 2)
scales = st.floats(0.05, 3)
poses = st.builds(affine, places, places, st.floats(-math.pi, math.pi), scales, scales)


def moved(pose, u, v):
    a, b, x, c, d, y = pose
    return a * u + b * v + x, c * u + d * v + y


@pytest.mark.parametrize(
    ("pose", "point", "image"),
    [
        (affine(0.5, -0.25), (1, 2), (1.5, 1.75)),
        (affine(0, 0, 0, 2), (1, 2), (2, 4)),
        (affine(0, 0, 0, 2, 3), (1, 2), (2, 6)),
        (affine(0, 0, math.pi / 2), (1, 2), (-2, 1)),
        (affine(1, 1, math.pi / 2, 2, 3), (1, 2), (-5, 3)),
        (affine(0, 0, math.pi, 1, 0), (1, 2), (-1, 0)),
    ],
)
def test_scaled_then_turned_then_moved(pose, point, image):
    assert moved(pose, *point) == pytest.approx(image)


@given(poses, poses, places, places)
def test_a_composed_map_applies_the_inner_one_first(outer, inner, u, v):
    assert moved(compose(outer, inner), u, v) == pytest.approx(moved(outer, *moved(inner, u, v)), abs=1e-9)


@given(poses, places, places)
def test_the_map_back_brings_every_point_back(pose, u, v):
    assert moved(invert(pose), *moved(pose, u, v)) == pytest.approx((u, v), abs=1e-6)
    assert moved(pose, *moved(invert(pose), u, v)) == pytest.approx((u, v), abs=1e-6)


def test_a_flat_map_has_a_finite_map_back():
    assert all(math.isfinite(value) for value in invert(affine(0.3, 0.1, 0.5, 1.0, 0.0)))


@pytest.mark.parametrize(
    ("pose", "half", "box"),
    [
        (affine(0, 0), (0.5, 0.25), (24, 40, 16, 48)),
        (affine(-1, -1), (0.5, 0.25), (0, 8, 0, 16)),
        (affine(0, 0, math.pi / 2), (0.5, 0.25), (16, 48, 24, 40)),
        (affine(0.01, 0), (0.5, 0.25), (24, 40, 16, 49)),
    ],
)
def test_boxes_of_upright_rectangles_by_hand(pose, half, box):
    """A frame of 64 pixels: one unit is 32 of them, and a pixel that is touched counts."""
    found = list(boxes(pose, *half, 64))
    assert len(found) == 1
    assert np.abs(np.subtract(found[0], box)).max() <= (pose[1] != 0), "a turn by pi / 2 is not exact"


@pytest.mark.parametrize("place", [(1.6, 0), (-1.6, 0), (0, 1.6), (0, -1.6), (9, 9)])
def test_what_lies_outside_has_no_box(place):
    assert list(boxes(affine(*place), 0.5, 0.5, 64)) == []


@settings(max_examples=60, deadline=None)
@given(pose=poses, u=st.floats(0.02, 1), v=st.floats(0.02, 1), size=st.sampled_from([16, 100, 512]))
def test_boxes_are_disjoint_inside_and_hold_every_pixel(pose, u, v, size):
    found = list(boxes(pose, u, v, size))
    times = np.zeros((size, size), int)
    for y0, y1, x0, x1 in found:
        assert 0 <= y0 < y1 <= size
        assert 0 <= x0 < x1 <= size
        times[y0:y1, x0:x1] += 1
    assert times.max(initial=0) <= 1
    centres = (np.arange(size) + 0.5) / size * 2 - 1
    a, b, x, c, d, y = invert(pose)
    columns, rows = np.meshgrid(centres, centres)
    inside = (np.abs(a * columns + b * rows + x) < u - 1e-6) & (np.abs(c * columns + d * rows + y) < v - 1e-6)
    assert times[inside].all(), "a pixel whose centre lies in the rectangle is in a box"


def test_a_long_slanted_rectangle_is_cut_into_bands_that_save_most_of_the_frame():
    found = list(boxes(affine(0, 0, math.pi / 4), 1.2, 0.02, 512))
    assert 1 < len(found) <= 6
    assert min(y1 - y0 for y0, y1, _, _ in found) >= BAND
    assert sum((y1 - y0) * (x1 - x0) for y0, y1, x0, x1 in found) < 0.3 * 512 * 512
    assert [y1 for _, y1, _, _ in found[:-1]] == [y0 for y0, _, _, _ in found[1:]]
