import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sam2s.evaluation.clicks import error_click

SHAPE = st.tuples(st.integers(1, 9), st.integers(1, 9))


def depth(region, y, x):
    """Distance from a pixel of a region to the nearest pixel outside it, or outside the picture."""
    height, width = region.shape
    outside = [
        (r, c)
        for r in range(-1, height + 1)
        for c in range(-1, width + 1)
        if not (0 <= r < height and 0 <= c < width and region[r, c])
    ]
    return min((r - y) ** 2 + (c - x) ** 2 for r, c in outside) ** 0.5


def naive(truth, shown):
    """The rule, pixel by pixel."""
    best = (0.0, None)
    for region, label in ((shown & ~truth, 0), (truth & ~shown, 1)):
        found = (0.0, None)
        for y, x in np.argwhere(region):
            if (here := depth(region, y, x)) > found[0]:
                found = here, (x, y, label)
        if found[0] > best[0]:
            best = found
    return best[1]


@given(st.data())
def test_as_naive(data):
    shape = data.draw(SHAPE)
    truth, shown = (data.draw(arrays(bool, shape)) for _ in range(2))
    assert error_click(truth, shown) == naive(truth, shown)
    assert error_click(truth) == naive(truth, np.zeros_like(truth))


def test_first_click_is_the_deepest_pixel():
    mask = np.zeros((20, 30), bool)
    mask[2:5, 2:28] = True  # long, but thin
    mask[8:17, 10:19] = True
    assert error_click(mask) == (14, 12, 1)


def test_equal_depth_is_clicked_negatively():
    truth, shown = np.zeros((2, 9, 20), bool)
    truth[3:6, 2:5] = True
    shown[3:6, 12:15] = True
    assert error_click(truth, shown) == (13, 4, 0)
    truth[2:7, 2:7] = True
    assert error_click(truth, shown) == (4, 4, 1)


def test_the_border_of_the_picture_counts_as_border():
    assert error_click(np.ones((7, 5), bool)) == (2, 2, 1)  # of the equally deep ones the first


def test_no_error_no_click():
    mask = np.eye(4, dtype=bool)
    assert error_click(mask, mask) is None
