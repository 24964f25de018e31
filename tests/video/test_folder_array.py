"""Folders of images and arrays in memory."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import ConfigError, SourceError, TruncatedSourceError
from sam2s.video import ArraySource, FolderSource, VideoSource, open_source
from video_tools import number_of, numbered


def save(folder, names, size=(64, 96)):
    for i, name in enumerate(names):
        Image.fromarray(numbered(i, size)).save(folder / name)


def test_images_come_in_natural_order_and_other_files_are_passed_over(tmp_path):
    names = ["frame1.png", "frame2.bmp", "frame10.tif", "frame11.TIFF", "frame100.webp", "Frame101.png"]
    save(tmp_path, names)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "._frame1.png").write_bytes(b"resource fork")
    source = FolderSource(tmp_path)
    assert isinstance(source, VideoSource)
    assert [f.name for f in source.files] == names
    assert [number_of(f.image) for f in source.frames()] == list(range(6))
    assert [(f.index, f.pts) for f in source.frames(1, 5, 3)] == [(1, None), (4, None)]
    assert (source.length, source.size, source.name) == (6, (64, 96), tmp_path.name)
    assert FolderSource(tmp_path, fps=Fraction(30000, 1001)).frame(3).pts == Fraction(1001, 10000)


def test_every_kind_of_image_becomes_rgb(tmp_path):
    grey = np.arange(0, 256, 4, dtype=np.uint8).reshape(8, 8)
    colour = np.stack([grey, 255 - grey, grey // 2], axis=2)
    rgba = np.dstack([colour, np.full_like(grey, 7)])
    Image.fromarray(grey).save(tmp_path / "0.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "1.png")
    Image.fromarray(rgba).save(tmp_path / "2.png")
    Image.fromarray(colour).quantize(256).save(tmp_path / "3.png")
    Image.fromarray(grey > 31).save(tmp_path / "4.tif")
    turned = Image.Exif()
    turned[0x0112] = 6  # turn clockwise to see it upright
    Image.fromarray(np.rot90(colour)).save(tmp_path / "5.png", exif=turned)
    grey3 = np.repeat(grey[:, :, None], 3, axis=2)
    expected = [grey3, grey3, colour, colour, np.where(grey3 > 31, 255, 0), colour]
    for frame, image in zip(FolderSource(tmp_path).frames(), expected, strict=True):
        assert frame.image.dtype == np.uint8
        np.testing.assert_array_equal(frame.image, image)


def test_a_turned_photo_has_the_size_of_its_upright_picture(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 8
    Image.fromarray(numbered(5)).save(tmp_path / "a.jpg", exif=turned)
    source = open_source(tmp_path / "a.jpg")
    assert source.size == source.frame(0).image.shape[:2] == (96, 64)


def test_two_sizes_in_one_folder_are_an_error_that_names_both_files(tmp_path):
    save(tmp_path, ["a.png", "b.png"])
    save(tmp_path, ["c.png"], size=(60, 96))
    with pytest.raises(SourceError, match=r"a\.png is 96x64, c\.png is 96x60"):
        FolderSource(tmp_path)


def test_a_damaged_image_ends_the_sequence_after_the_ones_before_it(tmp_path):
    save(tmp_path, ["0.png", "1.png", "2.png"])
    data = (tmp_path / "1.png").read_bytes()
    (tmp_path / "1.png").write_bytes(data[: len(data) // 2])
    frames = FolderSource(tmp_path).frames()
    assert number_of(next(frames).image) == 0
    with pytest.raises(TruncatedSourceError, match=r"1\.png: frame 1 is damaged or gone"):
        next(frames)


def test_a_folder_fingerprint_changes_with_its_files(tmp_path):
    save(tmp_path, ["0.png", "1.png"])
    before = FolderSource(tmp_path).fingerprint()
    assert FolderSource(tmp_path).fingerprint() == before
    (tmp_path / "0.png").rename(tmp_path / "2.png")
    assert FolderSource(tmp_path).fingerprint() != before


@pytest.mark.parametrize("name", ["0.bmp", "2.bmp"])
def test_a_folder_fingerprint_changes_with_its_pictures(tmp_path, name):
    save(tmp_path, ["0.bmp", "1.bmp", "2.bmp"])
    before, size = FolderSource(tmp_path).fingerprint(), (tmp_path / name).stat().st_size
    Image.open(tmp_path / name).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / name)
    assert (tmp_path / name).stat().st_size == size
    assert FolderSource(tmp_path).fingerprint() != before


@pytest.mark.parametrize("channels", [0, 1, 3, 4])
@pytest.mark.parametrize("kind", [np.asarray, list])
def test_arrays_and_lists_of_grey_rgb_and_rgba(channels, kind):
    frames = np.random.default_rng(0).integers(0, 256, (4, 6, 10, max(channels, 1)), dtype=np.uint8)
    expected = np.repeat(frames, 3, axis=3) if channels < 2 else frames[..., :3]
    source = ArraySource(kind(frames if channels else frames[..., 0]), fps=Fraction(5))
    assert isinstance(source, VideoSource)
    assert (source.length, source.size) == (4, (6, 10))
    np.testing.assert_array_equal([f.image for f in source.frames()], expected)
    assert [(f.index, f.pts) for f in source.frames(1, None, 2)] == [(1, Fraction(1, 5)), (3, Fraction(3, 5))]
    assert source.fingerprint() == ArraySource(frames if channels else frames[..., 0]).fingerprint()


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((2, 4, 4, 3), np.float32), r"type float32, but pixels must be uint8 .*astype\(np.uint8\)"),
        (np.zeros((2, 3, 4, 4, 3), np.uint8), r"shape \(3, 4, 4, 3\) is not a picture; allowed are \[H, W\]"),
        (np.zeros((2, 4, 4, 2), np.uint8), "is not a picture"),
        (np.zeros((0, 4, 4, 3), np.uint8), "holds no frames"),
        ([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)], r"frame 0 has shape \(4, 4, 3\) and frame 1"),
        (["a.png", "b.png"], "shape None is not a picture"),
    ],
)
def test_what_is_no_video_in_an_array(frames, message):
    with pytest.raises(SourceError, match=message):
        ArraySource(frames)


def test_a_missing_frame_is_named(tmp_path):
    save(tmp_path, ["0.png", "1.png"])
    with pytest.raises(SourceError, match="no frame 2; the folder has 2 images, counted from 0"):
        FolderSource(tmp_path).frame(2)
    with pytest.raises(SourceError, match="no frame -1; it has 1 frames"):
        ArraySource(np.zeros((1, 4, 4, 3), np.uint8)).frame(-1)


class TestMasksBesideFrames:
    def test_the_pattern_to_give_is_named_and_works(self, tmp_path):
        for kind in ("", "_mask", "_color_mask", "_watershed_mask"):
            save(tmp_path, [f"frame_{80 + i}_endo{kind}.png" for i in range(3)])
        message = r"frame_80_endo.*\.png both stand for frame 80; say which .*--pattern '\*_endo\.png'"
        with pytest.raises(SourceError, match=message):
            open_source(tmp_path)
        source = open_source(tmp_path, pattern="*_endo.png")
        assert [f.name for f in source.files] == [f"frame_{80 + i}_endo.png" for i in range(3)]

    @pytest.mark.parametrize(
        ("names", "pattern", "chosen"),
        [
            (["1.jpg", "2.jpg", "1.png", "2.png"], "*.jpg", 2),
            (["1.png", "2.png", "1_mask.png", "2_mask.png"], "*[0-9].png", 2),
            (["0001_left.png", "0002_left.png", "0001_right.png", "0002_right.png"], "*_left.png", 2),
            (["case.png", "case.jpg"], "*.jpg", 1),
        ],
    )
    def test_kinds(self, tmp_path, names, pattern, chosen):
        save(tmp_path, names)
        with pytest.raises(SourceError) as refusal:
            FolderSource(tmp_path)
        assert f"--pattern '{pattern}'" in str(refusal.value)
        assert FolderSource(tmp_path, pattern=pattern).length == chosen

    @pytest.mark.parametrize(
        "names",
        [
            ["a1.png", "a2.png", "b1.png", "b2.png"],  # two parts of one recording
            ["1.jpg", "2.jpg", "3.png", "4.png"],
            ["title.png", "1.png", "2.png"],
            ["f_1_x640.png", "f_2_x640.png"],
        ],
    )
    def test_other_folders_are_taken_whole(self, tmp_path, names):
        save(tmp_path, names)
        assert FolderSource(tmp_path).length == len(names)

    def test_patterns_that_choose_nothing_or_have_no_folder(self, tmp_path):
        save(tmp_path, ["1.png"])
        with pytest.raises(SourceError, match=r"none of its 1 images is called '\*\.jpg'; one is 1\.png"):
            open_source(tmp_path, pattern="*.jpg")
        with pytest.raises(ConfigError, match="--pattern selects files of a folder, and this is not a folder"):
            open_source(tmp_path / "1.png", pattern="*.png")

    def test_a_stack_in_a_folder_is_refused(self, tmp_path):
        save(tmp_path, ["1.png"])
        page = Image.fromarray(numbered(0))
        page.save(tmp_path / "2.tif", save_all=True, append_images=[page])
        with pytest.raises(SourceError, match=r"2\.tif: holds 2 pictures; give that file as the video"):
            FolderSource(tmp_path)
