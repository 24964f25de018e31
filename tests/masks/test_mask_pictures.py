import numpy as np
import pytest
from PIL import Image, ImageFilter

from sam2s.errors import LimitError, PictureError
from sam2s.masks.mask_pictures import mask_picture_size, read_mask_picture
from sam2s.masks.palette import davis_palette

ROWS, COLUMNS = np.mgrid[:96, :128]
DISC = (COLUMNS - 40) ** 2 + (ROWS - 48) ** 2 < 225
OTHER = (COLUMNS - 100) ** 2 + (ROWS - 30) ** 2 < 100
HARD = (DISC * 255).astype(np.uint8)


def soft(sigma=2.0):
    return np.asarray(Image.fromarray(HARD).filter(ImageFilter.GaussianBlur(sigma)))


def half_scaled():
    return np.asarray(Image.fromarray(HARD).resize((64, 48)).resize((128, 96), Image.Resampling.BILINEAR))


def saved(tmp_path, pixels, name="mask.png", **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(tmp_path / name, **options)
    return tmp_path / name


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


class TestOneMask:
    @pytest.mark.parametrize(
        "pixels",
        [
            HARD,
            DISC,
            DISC.astype(np.uint8),
            np.dstack([HARD] * 3),
            HARD.astype(np.uint16),
            HARD.astype(np.uint16) * 257,
        ],
        ids=["0/255", "1 bit", "0/1", "RGB", "16 bits 0/255", "16 bits 0/65535"],
    )
    @pytest.mark.parametrize("object_id", [1, 7])
    def test_two_values_are_the_mask_whatever_the_object(self, tmp_path, pixels, object_id):
        picture = read_mask_picture(saved(tmp_path, pixels))
        assert picture.kind == "binary"
        assert np.array_equal(picture.of_object(object_id)[0], DISC)

    @pytest.mark.parametrize("make", [soft, half_scaled, lambda: soft(6)], ids=["blurred", "scaled", "wide blur"])
    def test_soft_edges_are_thresholded_and_it_says_so(self, tmp_path, make):
        pixels = make()
        for object_id in (1, 13, int(pixels[pixels > 0].min())):  # also a number that is one of the greys
            picture = read_mask_picture(saved(tmp_path, pixels))
            mask, note = picture.of_object(object_id)
            assert picture.kind == "soft"
            assert np.array_equal(mask, pixels >= 128)
            assert overlap(mask, DISC) > 0.8
            assert "taken as a picture of one mask, set where a pixel is at least 128 of 255" in note

    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("m.jpg", {"quality": 90}),
            ("m.jpg", {"quality": 30}),
            ("m.webp", {"quality": 60}),
            ("m.jp2", {"quality_layers": [80]}),
        ],
    )
    def test_lossy_files(self, tmp_path, name, options):
        picture = read_mask_picture(saved(tmp_path, np.dstack([HARD] * 3), name, **options))
        assert picture.kind == "soft"
        assert overlap(picture.of_object(1)[0], DISC) > 0.94

    def test_a_jpeg_that_became_a_png(self, tmp_path):
        saved(tmp_path, HARD, "m.jpg", quality=50)
        with Image.open(tmp_path / "m.jpg") as image:
            picture = read_mask_picture(saved(tmp_path, np.array(image)))
        assert picture.kind == "soft"
        assert overlap(picture.of_object(3)[0], DISC) > 0.97

    def test_a_lossless_webp_may_be_a_label_map(self, tmp_path):
        labels = np.where(DISC, 2, np.where(OTHER, 3, 0)).astype(np.uint8)
        picture = read_mask_picture(saved(tmp_path, np.dstack([labels] * 3), "m.webp", lossless=True))
        assert picture.kind == "labels"
        assert np.array_equal(picture.labels, labels)

    def test_one_colour_on_black(self, tmp_path):
        picture = read_mask_picture(saved(tmp_path, DISC[..., None] * np.array([200, 30, 30], np.uint8)))
        mask, note = picture.of_object(4)
        assert np.array_equal(mask, DISC)
        assert "one colour (200, 30, 30) on black" in note

    def test_a_palette_that_swaps_black_and_white(self, tmp_path):
        image = Image.fromarray(np.where(DISC, 0, 1).astype(np.uint8))
        image.putpalette([255, 255, 255, 0, 0, 0])
        assert np.array_equal(read_mask_picture(saved(tmp_path, image)).of_object(1)[0], DISC)

    def test_empty(self, tmp_path):
        picture = read_mask_picture(saved(tmp_path, np.zeros((4, 6), np.uint8)))
        assert picture.kind == "empty"
        with pytest.raises(PictureError, match=r"has no object at all; pixels must be 1 for this object, or 0 and 255"):
            picture.of_object(1)
        assert read_mask_picture(saved(tmp_path, np.full((8, 8), 3, np.uint8), "m.jpg")).kind == "empty"


class TestLabelMaps:
    def test_ids_are_ids(self, tmp_path):
        labels = np.where(DISC, 2, np.where(OTHER, 9, 0)).astype(np.uint8)
        picture = read_mask_picture(saved(tmp_path, labels))
        assert (picture.kind, picture.values, picture.note) == ("labels", [2, 9], None)
        assert np.array_equal(picture.of_object(9)[0], OTHER)
        with pytest.raises(PictureError, match=r"has the values 2, 9; pixels must be 1 for this object, or 0 and 255"):
            picture.of_object(1)

    def test_one_id_is_not_another(self, tmp_path):
        picture = read_mask_picture(saved(tmp_path, DISC.astype(np.uint8) * 3))
        assert np.array_equal(picture.of_object(3)[0], DISC)
        with pytest.raises(PictureError, match="has the values 3; pixels must be 1"):
            picture.of_object(1)

    def test_the_colours_of_a_palette_do_not_count(self, tmp_path):
        image = Image.fromarray(np.where(DISC, 1, np.where(OTHER, 2, 0)).astype(np.uint8))
        image.putpalette(davis_palette().tobytes())
        for options in ({}, {"transparency": 0}):
            picture = read_mask_picture(saved(tmp_path, image, **options))
            assert np.array_equal(picture.of_object(2)[0], OTHER)

    def test_void_is_left_out(self, tmp_path):
        ring = ((COLUMNS - 40) ** 2 + (ROWS - 48) ** 2 < 289) & ~DISC
        picture = read_mask_picture(saved(tmp_path, np.where(ring, 255, DISC).astype(np.uint8)))
        mask, note = picture.of_object(1)
        assert picture.kind == "labels"
        assert np.array_equal(mask, DISC)
        assert "holds 255 beside other ids: taken for void, and left out" in note

    @pytest.mark.parametrize("count", [40, 254])
    def test_many_ids(self, tmp_path, count):
        blocks = (np.arange(96)[:, None] // 6 * 16 + np.arange(128) // 8).astype(np.uint8)
        labels = np.where(blocks <= count, blocks, 0).astype(np.uint8)
        picture = read_mask_picture(saved(tmp_path, labels))
        assert np.array_equal(picture.labels, labels)

    def test_sixteen_bits_of_ids(self, tmp_path):
        labels = np.where(DISC, 300, np.where(OTHER, 2, 0)).astype(np.uint16)
        assert np.array_equal(read_mask_picture(saved(tmp_path, labels)).of_object(300)[0], DISC)
        with pytest.raises(PictureError, match="ids below 0 or above 65535"):
            read_mask_picture(saved(tmp_path, labels.astype(np.int32) * 1000, "m.tif"))


class TestAlpha:
    @pytest.mark.parametrize("colour", [255, 0, None], ids=["white", "black", "photograph"])
    def test_a_cut_out_is_its_alpha(self, tmp_path, colour):
        colours = (
            np.random.default_rng(0).integers(0, 255, (96, 128, 3)) if colour is None else np.full((96, 128, 3), colour)
        )
        picture = read_mask_picture(saved(tmp_path, np.dstack([colours, HARD]).astype(np.uint8)))
        mask, note = picture.of_object(5)
        assert np.array_equal(mask, DISC)
        assert "the alpha channel is taken for the mask" in note

    def test_grey_with_alpha(self, tmp_path):
        image = Image.merge("LA", [Image.fromarray(np.full_like(HARD, 255)), Image.fromarray(HARD)])
        assert np.array_equal(read_mask_picture(saved(tmp_path, image)).of_object(1)[0], DISC)

    def test_full_alpha_and_alpha_that_agrees(self, tmp_path):
        labels = np.where(DISC, 2, np.where(OTHER, 3, 0)).astype(np.uint8)
        for alpha in (np.full_like(labels, 255), (labels > 0) * np.uint8(255)):
            picture = read_mask_picture(saved(tmp_path, np.dstack([labels] * 3 + [alpha])))
            assert np.array_equal(picture.labels, labels)

    def test_greys_and_alpha_that_differ_are_refused(self, tmp_path):
        pixels = np.dstack([HARD] * 3 + [(OTHER * 255).astype(np.uint8)])
        with pytest.raises(PictureError, match="one thing in its greys and another in its alpha channel"):
            read_mask_picture(saved(tmp_path, pixels))


class TestRefused:
    def test_colours(self, tmp_path):
        pixels = np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8)
        for name in ("m.png", "m.jpg"):
            with pytest.raises(PictureError, match="its pixels are colours, not ids"):
                read_mask_picture(saved(tmp_path, pixels, name))

    def test_a_photograph_in_greys(self, tmp_path):
        pixels = np.random.default_rng(0).integers(60, 220, (96, 128), dtype=np.uint8)
        for name in ("m.png", "m.jpg"):
            with pytest.raises(PictureError, match="is a picture in greys, not a label map and not a mask"):
                read_mask_picture(saved(tmp_path, pixels, name))

    def test_probabilities(self, tmp_path):
        with pytest.raises(PictureError, match=r"holds floats from 0\.02 to 0\.98; threshold them"):
            read_mask_picture(saved(tmp_path, np.where(DISC, 0.98, 0.02).astype(np.float32), "m.tif"))
        picture = read_mask_picture(saved(tmp_path, DISC.astype(np.float32), "m.tif"))
        assert np.array_equal(picture.of_object(1)[0], DISC)

    def test_no_picture_and_a_bomb(self, tmp_path, monkeypatch):
        (tmp_path / "m.png").write_bytes(b"no picture")
        with pytest.raises(PictureError, match=r"cannot read mask .*m\.png: not a picture of a kind that can be read"):
            read_mask_picture(tmp_path / "m.png")
        with pytest.raises(PictureError, match=r"none\.png: no such file"):
            read_mask_picture(tmp_path / "none.png")
        monkeypatch.setenv("SAM2S_MAX_PIXELS", "12287")
        with pytest.raises(LimitError, match="128x96 are 12288 pixels, more than the limit of 12287"):
            read_mask_picture(saved(tmp_path, HARD))


def test_orientation_holds_for_masks_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, Image.fromarray(HARD).transpose(Image.Transpose.ROTATE_90), exif=exif)
    assert mask_picture_size(path) == (96, 128)
    assert np.array_equal(read_mask_picture(path).of_object(1)[0], DISC)
