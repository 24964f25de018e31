from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageFilter

from sam2s.masks import labels, overlay
from sam2s.masks.layer import OverlayLayer
from sam2s.masks.overlay import contact_sheet, draw
from sam2s.masks.palette import display_color

GREY = np.full((240, 320, 3), 90, np.uint8)


def disc(x, y, radius, size=(240, 320)):
    rows, columns = np.mgrid[: size[0], : size[1]]
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2


def changed(picture, ground=GREY):
    return (picture != ground).any(-1)


def test_fill_outline_and_background():
    before = GREY.copy()
    picture = draw(GREY, [OverlayLayer(1, disc(160, 120, 50))], labels=False, opacity=0.4, thickness=2)
    assert np.array_equal(GREY, before)
    assert not changed(picture)[disc(160, 120, 60) == 0].any()
    color = np.array(display_color(1))
    assert picture[120, 160] == pytest.approx(90 * 0.6 + color * 0.4, abs=2)
    edge = picture[120, 208:212].astype(int)
    assert abs(edge - color).sum(1).min() < 25


def plain(image, mask, color, thickness, opacity):
    """What `draw` does for one object, pixel by pixel: the whole mask blurred, the whole picture blended."""
    sigma = 0.5 + thickness / 2
    inside = np.where(mask, np.uint8(255), np.uint8(0))
    soft = np.array(Image.fromarray(inside).filter(ImageFilter.GaussianBlur(sigma)))
    soft = np.maximum(soft, inside // 2)
    keep, paint = overlay._profile(color, sigma, thickness, opacity)
    return ((image * keep[soft].astype(int) + paint[soft]) // 256).astype(np.uint8)


@pytest.mark.parametrize("thickness", [1.4, 5, 9])
def test_equals_its_plain_definition(thickness):
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (240, 320, 3), np.uint8)
    noise = rng.random((240, 320)) < 0.02
    shaft = np.zeros((240, 320), bool)
    shaft[90:97, 40:] = True
    masks = [disc(160, 120, 70), disc(300, 10, 90), noise, shaft | disc(40, 100, 30), ~disc(160, 120, 9)]
    for mask in masks:
        drawn = draw(image, [OverlayLayer(4, mask)], labels=False, thickness=thickness, opacity=0.4)
        assert np.array_equal(drawn, plain(image, mask, display_color(4), thickness, 0.4))


def test_labels_of_a_video_keep_their_side_and_glide():
    """A hook that shakes at the height where above and below are as good: labels must not hop."""
    places, seen = {}, []
    for t in range(40):
        y = 43 + 6 * (t % 2)  # by itself each frame would choose another side
        draw(GREY, [OverlayLayer(1, disc(160 + t, y, 20), "hook")], places=places)
        seen.append(places[1])
    alone = []
    for t in range(2):
        fresh = {}
        draw(GREY, [OverlayLayer(1, disc(160, 43 + 6 * t, 20), "hook")], places=fresh)
        alone.append(fresh[1][0])
    assert alone[0] != alone[1]
    assert len({side for side, *_ in seen[2:]}) == 1
    steps = [abs(a[1] - b[1]) + abs(a[2] - b[2]) for a, b in pairwise(seen[2:])]
    assert max(steps) <= 6
    draw(GREY, [OverlayLayer(1, GREY[..., 0] == 0)], places=places)
    assert places == {}


def test_a_kept_label_gives_way():
    places = {}
    layers = [OverlayLayer(1, disc(100, 120, 20), "hook"), OverlayLayer(2, disc(220, 120, 20), "clip applier")]
    draw(GREY, layers, places=places)
    before = dict(places)
    for x in range(220, 99, -10):
        draw(GREY, [layers[0], OverlayLayer(2, disc(x, 120, 20), "clip applier")], places=places)
    assert before[1][0] == before[2][0] == 0
    assert {places[1][0], places[2][0]} != {0}


def test_thin_parts_do_not_vanish():
    mask = np.zeros(GREY.shape[:2], bool)
    mask[100, 20:300] = True
    picture = draw(GREY, [OverlayLayer(3, mask)], labels=False).astype(int)
    assert (abs(picture[100, 25:295] - display_color(3)).sum(1) < 12).all()


def test_masks_that_pillow_made():
    mask = disc(160, 120, 50)
    made = np.array(Image.fromarray(mask).convert("1"))  # its True is the byte 255
    assert np.array_equal(draw(GREY, [OverlayLayer(1, made)]), draw(GREY, [OverlayLayer(1, mask)]))


def test_no_outline_along_the_border_of_the_frame():
    mask = np.ones(GREY.shape[:2], bool)
    picture = draw(GREY, [OverlayLayer(1, mask)], labels=False)
    assert (picture == picture[120, 160]).all()


def test_same_input_same_picture():
    layers = [
        OverlayLayer(1, disc(90, 90, 40), "grasper", presence=0.97),
        OverlayLayer(2, disc(200, 150, 30), "hook", "occluded"),
    ]
    assert np.array_equal(draw(GREY, layers), draw(GREY, layers))


@pytest.mark.parametrize("spread", [0, 4, 40])
def test_labels_lie_inside_and_apart(monkeypatch, spread):
    placed = []
    original = labels._place

    def watch(canvas, chip, spots, taken, *before):
        side = original(canvas, chip, spots, taken, *before)
        placed[:] = taken
        return side

    monkeypatch.setattr(labels, "_place", watch)
    layers = [
        OverlayLayer(i, disc(20 + spread * i, 8 + spread * i // 2, 14), "a rather long name") for i in range(1, 7)
    ]
    draw(GREY, [*layers, OverlayLayer(9, GREY[..., 0] == 0, "gone", "absent")])
    assert len(placed) == 7
    cover = np.zeros(GREY.shape[:2], int)
    for x0, y0, x1, y1 in placed:
        assert 0 <= x0 < x1 <= 320
        assert 0 <= y0 < y1 <= 240
        cover[y0:y1, x0:x1] += 1
    assert cover.max() == 1


def test_absent_objects_are_listed():
    nothing = np.zeros(GREY.shape[:2], bool)
    area = changed(draw(GREY, [OverlayLayer(1, nothing, "hook", "absent")]))
    assert area[200:, :120].any()
    assert not area[:200].any()
    assert not changed(draw(GREY, [OverlayLayer(1, nothing, "hook")], labels=False)).any()


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (40, 30)])
def test_tiny_pictures(size):
    picture = draw(np.zeros((*size, 3), np.uint8), [OverlayLayer(1, np.ones(size, bool), "a long name", presence=0.5)])
    assert picture.shape == (*size, 3)


def test_mask_of_another_size():
    with pytest.raises(ValueError, match=r"mask of object 5 is \(10, 10\), the picture \(240, 320\)"):
        draw(GREY, [OverlayLayer(5, np.ones((10, 10), bool))])


def test_contact_sheet():
    sheet = contact_sheet([GREY, GREY[:100], GREY], ["a", "b", "c"], columns=2, width=160, gap=4)
    assert sheet.shape[1] == 2 * 164 + 4
    assert (sheet[50, 50] == 90).all()
    with pytest.raises(ValueError, match="one label per picture, got 1 pictures, 2 labels"):
        contact_sheet([GREY], ["a", "b"])
