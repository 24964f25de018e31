import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from davis_reference import slow_boundary, slow_boundary_f, slow_dilate, slow_jaccard
from sam2s.errors import ConfigError
from sam2s.evaluation.measures import boundary, boundary_f, dilate, jaccard

SIZES = st.tuples(st.integers(1, 24), st.integers(1, 24))
TOLERANCES = st.sampled_from([0.0, 0.008, 0.05, 0.2])


@st.composite
def blobs(draw, size):
    """Like real masks: a few discs, some cut by the frame's border, some empty, some with holes."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    mask = np.zeros(size, bool)
    for _ in range(draw(st.integers(0, 4))):
        y, x = draw(st.floats(-3, size[0] + 3)), draw(st.floats(-3, size[1] + 3))
        mask[np.hypot(rows - y, columns - x) < draw(st.floats(0.5, 9))] = draw(st.booleans())
    return mask


@st.composite
def pairs(draw):
    size = draw(SIZES)
    masks = st.one_of(arrays(bool, size), blobs(size))
    return draw(masks), draw(masks)


@settings(max_examples=60, deadline=None)
@given(pairs(), TOLERANCES)
def test_agrees_with_the_definition(masks, tolerance):
    assert jaccard(*masks) == pytest.approx(slow_jaccard(*masks), abs=1e-12)
    assert boundary_f(*masks, tolerance=tolerance) == pytest.approx(slow_boundary_f(*masks, tolerance), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(pairs(), st.integers(0, 30))
def test_boundary_and_dilation_are_the_definition_pixel_by_pixel(masks, radius):
    mask, _ = masks
    np.testing.assert_array_equal(boundary(mask), slow_boundary(mask))
    np.testing.assert_array_equal(dilate(mask, min(radius, 9)), slow_dilate(mask, min(radius, 9)))


def test_dilation_reaches_across_a_narrow_image():
    mask = np.array([[False, False, True]])
    np.testing.assert_array_equal(dilate(mask, 4), np.ones((1, 3), bool))


def test_dilation_leaves_no_hole_beside_the_border():
    for side in (5, 40):
        for column in range(side):
            mask = np.zeros((1, side), bool)
            mask[0, column] = True
            for radius in range(1, 20):
                np.testing.assert_array_equal(dilate(mask, radius), slow_dilate(mask, radius))


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_identical_is_one_and_both_are_symmetric(masks):
    a, b = masks
    assert jaccard(a, a) == boundary_f(a, a) == 1
    assert jaccard(a, b) == jaccard(b, a)
    assert boundary_f(a, b) == pytest.approx(boundary_f(b, a))
    assert 0 <= jaccard(a, b) <= 1
    assert 0 <= boundary_f(a, b) <= 1


@settings(max_examples=40, deadline=None)
@given(pairs())
def test_a_wider_tolerance_never_lowers_f(masks):
    values = [boundary_f(*masks, tolerance=tolerance) for tolerance in (0, 0.03, 0.1, 1)]
    assert values == sorted(values)


def square(top, left, side=20, size=(100, 100)):
    mask = np.zeros(size, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_empty_rules():
    empty, full, some = np.zeros((9, 9), bool), np.ones((9, 9), bool), square(2, 2, 3, (9, 9))
    assert (jaccard(empty, empty), boundary_f(empty, empty)) == (1, 1)
    assert (jaccard(some, empty), boundary_f(some, empty), boundary_f(empty, some)) == (0, 0, 0)
    assert (jaccard(full, empty), boundary_f(full, empty)) == (0, 1)  # neither has a boundary
    assert boundary_f(full, some) == 0


def test_tolerance_is_the_rounded_up_part_of_the_diagonal():
    assert boundary_f(square(30, 30), square(30, 32)) == 1  # 0.008 of 141.4 is 1.13: radius 2
    assert boundary_f(square(30, 30), square(30, 33)) < 1
    assert boundary_f(square(30, 30), square(30, 33), tolerance=0.015) == 1  # radius 3


def test_worked_example_of_j():
    assert jaccard(square(0, 0, 2, (9, 9)), square(0, 0, 4, (9, 9))) == 0.25


@pytest.mark.parametrize("other", [np.zeros((4, 5), bool), np.zeros((1, 4, 4), bool)])
def test_sizes_must_agree(other):
    with pytest.raises(ConfigError, match=r"shapes .* resize the prediction"):
        jaccard(other, np.zeros((4, 4), bool))
