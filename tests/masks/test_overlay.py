import numpy as np
import pytest
from PIL import Image

from sam2s.masks import overlay
from sam2s.masks.overlay import Layer, contact_sheet, draw
from sam2s.masks.palette import display_color

GREY = np.full((240, 320, 3), 90, np.uint8)


def disc(x, y, radius, size=(240, 320)):
    rows, columns = np.mgrid[: size[0], : size[1]]
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2


def changed(picture, ground=GREY):
    return (picture != ground).any(-1)


def test_fill_outline_and_background():
    before = GREY.copy()
    picture = draw(GREY, [Layer(1, disc(160, 120, 50))], labels=False, opacity=0.4, thickness=2)
    assert np.array_equal(GREY, before)
    assert not changed(picture)[disc(160, 120, 60) == 0].any()
    color = np.array(display_color(1))
    assert picture[120, 160] == pytest.approx(90 * 0.6 + color * 0.4, abs=2)
    edge = picture[120, 208:212].astype(int)
    assert abs(edge - color).sum(1).min() < 25


def test_thin_parts_do_not_vanish():
    mask = np.zeros(GREY.shape[:2], bool)
    mask[100, 20:300] = True
    picture = draw(GREY, [Layer(3, mask)], labels=False).astype(int)
    assert (abs(picture[100, 25:295] - display_color(3)).sum(1) < 12).all()


def test_masks_that_pillow_made():
    mask = disc(160, 120, 50)
    made = np.array(Image.fromarray(mask).convert("1"))  # its True is the byte 255
    assert np.array_equal(draw(GREY, [Layer(1, made)]), draw(GREY, [Layer(1, mask)]))


def test_no_outline_along_the_border_of_the_frame():
    mask = np.ones(GREY.shape[:2], bool)
    picture = draw(GREY, [Layer(1, mask)], labels=False)
    assert (picture == picture[120, 160]).all()


def test_same_input_same_picture():
    layers = [Layer(1, disc(90, 90, 40), "grasper", presence=0.97), Layer(2, disc(200, 150, 30), "hook", "occluded")]
    assert np.array_equal(draw(GREY, layers), draw(GREY, layers))


@pytest.mark.parametrize("spread", [0, 4, 40])
def test_labels_lie_inside_and_apart(monkeypatch, spread):
    placed = []
    original = overlay._place

    def watch(canvas, chip, spots, taken):
        original(canvas, chip, spots, taken)
        placed[:] = taken

    monkeypatch.setattr(overlay, "_place", watch)
    layers = [Layer(i, disc(20 + spread * i, 8 + spread * i // 2, 14), "a rather long name") for i in range(1, 7)]
    draw(GREY, [*layers, Layer(9, GREY[..., 0] == 0, "gone", "absent")])
    assert len(placed) == 7
    cover = np.zeros(GREY.shape[:2], int)
    for x0, y0, x1, y1 in placed:
        assert 0 <= x0 < x1 <= 320
        assert 0 <= y0 < y1 <= 240
        cover[y0:y1, x0:x1] += 1
    assert cover.max() == 1


def test_absent_objects_are_listed():
    nothing = np.zeros(GREY.shape[:2], bool)
    area = changed(draw(GREY, [Layer(1, nothing, "hook", "absent")]))
    assert area[200:, :120].any()
    assert not area[:200].any()
    assert not changed(draw(GREY, [Layer(1, nothing, "hook")], labels=False)).any()


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (40, 30)])
def test_tiny_pictures(size):
    picture = draw(np.zeros((*size, 3), np.uint8), [Layer(1, np.ones(size, bool), "a long name", presence=0.5)])
    assert picture.shape == (*size, 3)


def test_mask_of_another_size():
    with pytest.raises(ValueError, match=r"mask of object 5 is \(10, 10\), the picture \(240, 320\)"):
        draw(GREY, [Layer(5, np.ones((10, 10), bool))])


def test_contact_sheet():
    sheet = contact_sheet([GREY, GREY[:100], GREY], ["a", "b", "c"], columns=2, width=160, gap=4)
    assert sheet.shape[1] == 2 * 164 + 4
    assert (sheet[50, 50] == 90).all()
    with pytest.raises(ValueError, match="one label per picture, got 1 pictures, 2 labels"):
        contact_sheet([GREY], ["a", "b"])
