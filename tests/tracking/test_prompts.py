"""Prompts refuse what they cannot mean and say what to give."""

import numpy as np
import pytest
import torch

from sam2s.errors import PromptError
from sam2s.tracking import Box, Mask, Points

NAN = float("nan")


def test_points_are_pairs():
    assert Points([(200, 260)]).coords == ((200.0, 260.0),)
    with pytest.raises(PromptError, match=r"give pairs: \[\(200, 260\)\]"):
        Points([200, 260])


@pytest.mark.parametrize("convert", [np.array, torch.tensor, lambda x: np.array(x, np.float32), list])
def test_points_of_any_library(convert):
    points = Points(convert([[5, 6], [7, 8]]), convert([1, 0]))
    assert points == Points([(5, 6), (7, 8)], [1, 0])
    assert all(type(x) is float for pair in points.coords for x in pair)
    assert all(type(label) is int for label in points.labels)


def test_labels_default_to_the_object_and_may_be_bools():
    assert Points([(1, 2), (3, 4)]).labels == (1, 1)
    assert Points([(1, 2), (3, 4)], [True, False]).labels == (1, 0)


@pytest.mark.parametrize(
    ("coords", "labels", "message"),
    [
        ([(NAN, 1)], None, "point coordinate nan is not a finite number"),
        ([("a", 1)], None, "point coordinate 'a' is not a finite number"),
        ([(None, 1)], None, "point coordinate None is not"),
        (None, None, r"Points got None, not \(x, y\) pairs"),
        ([(1, 2, 3)], None, "pairs"),
        ([], None, r"at least one \(x, y\) pair"),
        ([(1, 2)], [2], r"point label 2 is not allowed; use 1"),
        ([(1, 2)], [-1], "point label -1 is not allowed"),
        ([(1, 2)], [0.9], r"point label 0.9 is not a whole number"),
        ([(1, 2)], [NAN], "point label nan is not a whole number"),
        ([(1, 2)], ["in"], "point label 'in' is not a whole number"),
        ([(1, 2)], [None], "point label None is not"),
        ([(1, 2)], 1, "Points got labels 1; give a list"),
        ([(1, 2)], [1, 1], "1 coordinates but 2 labels"),
    ],
)
def test_points_that_mean_nothing(coords, labels, message):
    with pytest.raises(PromptError, match=message):
        Points(coords, labels)


@pytest.mark.parametrize(
    "given",
    [(1, 2, 3, 4), ([1, 2, 3, 4],), (np.array([1, 2, 3, 4], np.float32),), (torch.tensor([1, 2, 3, 4]),)],
)
def test_boxes_of_four_numbers_or_one_sequence(given):
    box = Box(*given)
    assert (box.x0, box.y0, box.x1, box.y1) == (1.0, 2.0, 3.0, 4.0)
    assert type(box.x0) is float
    assert box == Box(x0=1, y0=2, x1=3, y1=4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([1, 2, 3],), r"Box got \[1, 2, 3\]; give the four numbers"),
        ((5,), "Box got 5; give the four numbers"),
        ((1, 2, 3), "box y1 None is not a finite number"),
        ((None, None, None, None), "Box got None"),
        (("a", "b", "c", "d"), "box x0 'a' is not a finite number"),
        ((1, NAN, 3, 4), "box y0 nan is not a finite number"),
        ((3, 2, 1, 4), "box 3,2,1,4 is empty"),
        ((1, 2, 3, 2), "box 1,2,3,2 is empty"),
    ],
)
def test_boxes_that_mean_nothing(given, message):
    with pytest.raises(PromptError, match=message):
        Box(*given)


ON = np.array([[0, 1, 0], [1, 1, 0]], bool)


@pytest.mark.parametrize("high", [1, 255])
@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, torch.uint8, torch.float32, torch.bfloat16])
def test_masks_of_two_values_are_taken_as_they_are(high, kind):
    array = torch.tensor(ON * high).to(kind) if isinstance(kind, torch.dtype) else (ON * high).astype(kind)
    mask = Mask(array)
    assert mask.array.dtype == bool
    assert np.array_equal(mask.array, ON)


def test_bool_masks_lists_and_empty_ones():
    assert np.array_equal(Mask(ON).array, ON)
    assert np.array_equal(Mask(torch.tensor(ON)).array, ON)
    assert np.array_equal(Mask(ON.tolist()).array, ON)
    assert not Mask(np.zeros((2, 3), np.uint8)).array.any()


def test_a_mask_is_a_copy():
    array = ON.copy()
    mask = Mask(array)
    array[:] = False
    assert np.array_equal(mask.array, ON)


@pytest.mark.parametrize(
    ("array", "threshold"),
    [
        (np.where(ON, 0.98, 0.02), 0.5),
        (np.where(ON, 8.0, -8.0), 0),
        (np.where(ON, 250, 3).astype(np.uint8), 127),
        (torch.tensor(np.where(ON, 0.9, 0.1), requires_grad=True), np.float32(0.5)),
    ],
)
def test_soft_masks_need_a_threshold(array, threshold):
    with pytest.raises(PromptError, match=r"got 2 values: .* for probabilities Mask\(array, threshold=0.5\)"):
        Mask(array)
    assert np.array_equal(Mask(array, threshold).array, ON)
    assert np.array_equal(Mask(array, threshold=threshold).array, ON)


def test_what_lies_on_the_threshold_is_background():
    assert Mask([[0.5, 0.6]], threshold=0.5).array.tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.array([[0, 1, 2], [3, 4, 5]]),
            r"got 6 values: 0, 1, 2, 3, ...; for one object of a label map give labels ==",
        ),
        (np.array([[0, 2]]), "got 2 values: 0, 2; for one object"),
        (np.array([[0, -1]]), "got 2 values: -1, 0"),
        (np.array([[0, NAN]]), "holds NaN"),
        (np.array([["a", "b"]]), "is bool or numbers, got <U1"),
        (np.array([[None, 1]]), "is bool or numbers, got object"),
        ([0, 1], r"a 2-D array \[H, W\], got shape \(2,\)"),
        ([[0, 1], [1]], r"a 2-D array \[H, W\], got none"),
        (None, r"got shape \(\)"),
        (np.zeros((2, 2, 1), bool), r"got shape \(2, 2, 1\)"),
        (np.zeros((0, 4), bool), r"got shape \(0, 4\)"),
    ],
)
def test_masks_that_mean_nothing(array, message):
    with pytest.raises(PromptError, match=message):
        Mask(array)
