"""Labels on pictures: where a mask can be pointed at, and where a label goes when its best place is taken."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam2s.masks.labels import LabelAnchor, anchor_of, font, write_labels
from sam2s.masks.layer import OverlayLayer

SIZE = 10
"""Of the letters, pixels."""


def picture(height=200, width=300):
    return np.full((height, width, 3), 200, np.uint8)


def changed(canvas):
    """Box (y0, y1, x0, x1) of what was written on an even picture."""
    rows, columns = (np.flatnonzero((canvas != 200).any(axis)) for axis in ((1, 2), (0, 2)))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def layer(object_id=1, **more):
    return OverlayLayer(object_id, np.ones((1, 1), bool), **more)


def spot(x, y):
    """An object of one point."""
    return LabelAnchor((x, y), (x, y), (x, y), x, x + 1)


def write(layers, anchors, places=None, canvas=None):
    canvas = picture() if canvas is None else canvas
    places = {} if places is None else places
    write_labels(canvas, layers, anchors, SIZE, places)
    return canvas, places


def test_a_rectangle_is_pointed_at_in_the_middle_of_its_sides():
    assert anchor_of(np.ones((100, 11), bool), 20, 30) == LabelAnchor((25, 30), (25, 129), (25, 79), 20, 31)


def test_a_speck_above_does_not_attract_the_label():
    """One pixel of 1001 is less than half a percent; the top is where the body begins."""
    part = np.zeros((60, 50), bool)
    part[40:, :] = True
    part[0, 3] = True
    anchor = anchor_of(part, 0, 0)
    assert anchor.top[1] == 40
    assert anchor.bottom == (25, 59)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12))
def test_the_points_lie_in_the_box_of_the_mask_from_top_to_bottom(seed, height, width):
    part = np.random.default_rng(seed).random((height, width)) < 0.5
    part[0, 0] = True
    anchor = anchor_of(part, 5, 7)
    for x, y in (anchor.top, anchor.middle, anchor.bottom):
        assert 5 <= x < 5 + width
        assert 7 <= y < 7 + height
    assert anchor.top[1] <= anchor.middle[1] <= anchor.bottom[1]
    assert part[anchor.middle[1] - 7, anchor.middle[0] - 5], "the middle lies on the object"


def test_a_label_stands_above_its_object_and_in_its_middle():
    canvas, places = write([layer()], [spot(150, 100)])
    _, bottom, left, right = changed(canvas)
    assert bottom <= 100
    assert 100 - bottom < SIZE
    assert abs((left + right) / 2 - 150) <= 1
    assert places[1][0] == 0


def test_below_the_upper_border_it_stands_under_its_object():
    canvas, places = write([layer()], [spot(150, 3)])
    assert changed(canvas)[0] > 3
    assert places[1][0] == 1


def test_labels_of_one_place_stand_above_below_and_beside_it():
    tall = LabelAnchor((150, 60), (150, 140), (150, 100), 140, 161)
    single = np.count_nonzero((write([layer(3)], [tall])[0] != 200).any(2))
    canvas, places = write([layer(n) for n in (1, 2, 3)], [tall] * 3)
    assert [places[n][0] for n in (1, 2, 3)] == [0, 1, 2]
    assert np.count_nonzero((canvas != 200).any(2)) == pytest.approx(3 * single, rel=0.02), "none covers another"


def test_where_all_sides_are_taken_a_label_goes_where_there_is_room():
    """Beside a point the labels above and below it leave no room; what stands anywhere keeps no place."""
    single = np.count_nonzero((write([layer(3)], [spot(150, 100)])[0] != 200).any(2))
    canvas, places = write([layer(n) for n in (1, 2, 3)], [spot(150, 100)] * 3)
    assert {n: side for n, (side, _, _) in places.items()} == {1: 0, 2: 1}
    assert np.count_nonzero((canvas != 200).any(2)) == pytest.approx(3 * single, rel=0.02)


def test_a_label_glides_to_its_place_from_frame_to_frame():
    """It goes three tenths of the way, and stands still with its object."""
    _, places = write([layer()], [spot(100, 100)])
    _, x, y = places[1]
    write([layer()], [spot(120, 100)], places)
    assert places[1] == (0, x + 6, y)
    write([layer()], [spot(106, 100)], places)
    assert places[1] == (0, x + 6, y)


def test_a_label_of_an_object_that_was_found_elsewhere_does_not_glide():
    _, places = write([layer()], [spot(40, 150)])
    write([layer()], [spot(250, 60)], places)
    _, fresh = write([layer()], [spot(250, 60)])
    assert places == fresh


def test_an_absent_object_is_listed_below_and_loses_its_place():
    _, places = write([layer()], [spot(100, 50)])
    canvas, _ = write([layer(), layer(2)], [None, None], places)
    assert places == {}
    top, bottom, left, _ = changed(canvas)
    assert 200 - bottom < SIZE
    assert left < SIZE
    assert bottom - top > 2 * SIZE, "two labels, one above the other"


def test_names_states_and_presence_make_a_label_longer():
    def width(**more):
        _, _, left, right = changed(write([layer(**more)], [spot(150, 100)])[0])
        return right - left

    widths = [width(), width(name="hook"), width(name="hook", presence=0.5)]
    widths.append(width(name="hook", presence=0.5, state="occluded"))
    assert widths == sorted(set(widths))


def test_without_room_a_label_is_left_out():
    canvas, places = write([layer(name="a long name")], [spot(4, 4)], canvas=picture(8, 8))
    assert (canvas == 200).all()
    assert places == {}


def test_letters_have_the_size_asked_for():
    small, large = (font(size).getbbox("H") for size in (10, 40))
    assert (large[3] - large[1]) == pytest.approx(4 * (small[3] - small[1]), abs=4)
