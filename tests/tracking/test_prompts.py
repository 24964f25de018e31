"""Prompts refuse what they cannot mean and say what to give."""

import pytest

from sam2s.errors import PromptError
from sam2s.tracking import Mask, Points


def test_points_are_pairs():
    assert Points([(200, 260)]).coords == ((200.0, 260.0),)
    with pytest.raises(PromptError, match=r"give pairs: \[\(200, 260\)\]"):
        Points([200, 260])


def test_masks_may_be_lists_of_two_dimensions():
    assert Mask([[0, 1], [1, 0]]).array.dtype == bool
    with pytest.raises(PromptError, match=r"a mask prompt is a 2-D array \[H, W\], got shape \(2,\)"):
        Mask([0, 1])
    with pytest.raises(PromptError, match=r"a mask prompt is a 2-D array \[H, W\], got none"):
        Mask([[0, 1], [1]])
