"""Cut-outs: what counts as one, and how its outline and its colours become a sprite."""

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import ConfigError, DatasetError
from sam2s.synth import CutoutFolder
from sam2s.synth.cutouts import SIDE, cutout_shape, read_cutout
from synth_tools import disc_rgba


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cut" / "grasper").mkdir(parents=True)
    Image.fromarray(disc_rgba(100, 30)).save(tmp_path / "cut" / "grasper" / "a.png")
    return tmp_path / "cut"


def test_a_cutout_is_cropped_to_its_outline_and_named_after_its_folder(folder):
    rgba, name = CutoutFolder.open(folder).draw(np.random.default_rng(0))
    assert rgba.shape == (60, 60, 4)
    assert name == "grasper"


def test_large_cutouts_are_reduced(folder):
    Image.fromarray(disc_rgba(900, 400)).save(folder / "big.png")
    assert read_cutout(folder / "big.png").shape == (SIDE, SIDE, 4)


def two_pieces():
    rgba = np.zeros((80, 80, 4), np.uint8)
    rgba[:30], rgba[50:] = 255, 255
    return rgba


@pytest.mark.parametrize(
    "rgba",
    [
        np.full((80, 80, 4), 255, np.uint8),  # opaque: a photo
        np.zeros((80, 80, 4), np.uint8),  # nothing at all
        disc_rgba(40, 8),  # 16 pixels wide
        two_pieces(),
    ],
    ids=["opaque", "empty", "small", "two pieces"],
)
def test_pictures_that_are_no_cutouts_are_passed_over(folder, rgba):
    Image.fromarray(rgba).save(folder / "bad.png")
    assert read_cutout(folder / "bad.png") is None
    good = CutoutFolder.open(folder)
    rng = np.random.default_rng(1)
    assert {good.draw(rng)[0].shape for _ in range(8)} == {(60, 60, 4)}


def test_a_folder_without_any_cutout_says_what_is_needed(tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "photo.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no picture")
    with pytest.raises(DatasetError, match=r"is a cut-out: each must be an object on a transparent ground \(alpha\)"):
        CutoutFolder.open(tmp_path).draw(np.random.default_rng(0))


def test_a_folder_that_is_not_there_or_empty(tmp_path):
    with pytest.raises(ConfigError, match="nowhere is not a folder"):
        CutoutFolder.open(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="holds no picture"):
        CutoutFolder.open(tmp_path)


def test_a_broken_photo_is_named(folder, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "torn.jpg").write_bytes(b"\xff\xd8 torn")
    with pytest.raises(DatasetError, match=r"torn.jpg cannot be read as a photo: .*take it out of the folder"):
        CutoutFolder.open(folder, photos).draw_photo(np.random.default_rng(0), 32)


def test_the_outline_lies_where_alpha_ends_and_colours_do_not_bleed(folder):
    """A disc of 60 pixels: its radius is 30 of the 33 pixels to the rim of the grid."""
    shape, colour = cutout_shape(read_cutout(folder / "grasper" / "a.png"))
    h, w = shape.distance.shape
    assert (h, w, shape.half) == (66, 66, (1.0, 1.0))
    y, x = np.mgrid[:h, :w] - (h - 1) / 2
    expected = (30 - np.hypot(x, y)) * 2 / 66
    np.testing.assert_allclose(shape.distance.numpy(), expected, atol=0.04)
    assert ((shape.distance.numpy() > 0) == (np.hypot(x, y) < 30)).all()
    np.testing.assert_allclose(colour.numpy(), np.broadcast_to(np.array([200, 30, 30])[:, None, None] / 255, (3, h, w)))


def test_slopes_fall_away_from_the_middle_at_the_rim(folder):
    shape, _ = cutout_shape(read_cutout(folder / "grasper" / "a.png"))
    assert shape.slope[0, 33, 60] > 0.3
    assert shape.slope[0, 33, 5] < -0.3
    assert shape.slope[1, 60, 33] > 0.3
    assert abs(float(shape.slope[0, 33, 33])) < 0.05
