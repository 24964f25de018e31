"""Reading pictures of labels, finding folders, ordering files."""

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import DatasetError, LimitError
from sam2s.limits import set_max_pixels
from sam2s.sasv.adapters._sequences import by_number, gaps
from sam2s.sasv.fixtures.drawing import disc, picture, save
from sam2s.sasv.reading import (
    existing,
    files,
    glob_any_case,
    last_number,
    locate,
    read_binary,
    read_codes,
    read_colours,
    remove_specks,
    require_all,
)


def test_codes_of_16_bits_are_read_or_refused_but_never_wrapped(tmp_path):
    save(tmp_path / "low.png", np.full((4, 4), 180, np.uint16))
    save(tmp_path / "high.png", np.full((4, 4), 256 + 20, np.uint16))
    assert (read_codes(tmp_path / "low.png") == 180).all()
    with pytest.raises(DatasetError, match=r"high\.png holds code 276; codes go up to 255"):
        read_codes(tmp_path / "high.png")


def test_codes_in_equal_channels_in_a_palette_and_under_alpha(tmp_path):
    codes = np.array([[0, 7], [9, 255]], np.uint8)
    save(tmp_path / "rgb.png", np.stack([codes] * 3, axis=2))
    save(tmp_path / "rgba.png", np.dstack([codes, codes, codes, np.array([[0, 9], [255, 128]], np.uint8)]))
    indexed = Image.fromarray(codes)
    indexed.putpalette([255 - i // 3 for i in range(768)])
    indexed.save(tmp_path / "p.png")
    for name in ("rgb", "rgba", "p"):
        assert read_codes(tmp_path / f"{name}.png").tolist() == codes.tolist()


def test_one_bit_masks_read_as_0_and_255(tmp_path):
    Image.fromarray(np.eye(4, dtype=bool)).save(tmp_path / "a.png")
    assert read_codes(tmp_path / "a.png").tolist() == (np.eye(4) * 255).tolist()


def test_codes_in_colours_are_refused(tmp_path):
    save(tmp_path / "a.png", picture())
    with pytest.raises(DatasetError, match=r"a\.png should hold one code per pixel but its channels differ"):
        read_codes(tmp_path / "a.png")


def test_codes_that_were_saved_with_loss_are_refused(tmp_path):
    save(tmp_path / "a.jpg", disc(20, 20, 9) * np.uint8(21), quality=90)
    with pytest.raises(DatasetError, match=r"a\.jpg holds codes but was saved with loss \(JPEG\), which changes them"):
        read_codes(tmp_path / "a.jpg")


def test_codes_of_floats_are_refused(tmp_path):
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DatasetError, match=r"a\.tif holds float32 values, codes are whole numbers"):
        read_codes(tmp_path / "a.tif")


def test_turned_masks_are_read_upright(tmp_path):
    codes = np.zeros((4, 8), np.uint8)
    codes[:, 4:] = 5
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(codes).save(tmp_path / "a.png", exif=exif.tobytes())
    turned = np.rot90(codes, -1)
    assert np.array_equal(read_codes(tmp_path / "a.png"), turned)
    assert np.array_equal(read_colours(tmp_path / "a.png")[..., 0], turned)


def test_binary_masks_are_set_above_127(tmp_path):
    save(tmp_path / "a.png", np.array([[0, 127], [128, 255]], np.uint8))
    assert read_binary(tmp_path / "a.png").tolist() == [[False, False], [True, True]]


def test_lossy_masks_come_back_to_the_pixel(tmp_path):
    save(tmp_path / "a.jpg", disc(20, 20, 9), quality=75)
    assert np.array_equal(read_binary(tmp_path / "a.jpg"), disc(20, 20, 9))


def test_specks_are_removed_even_if_nothing_stays(tmp_path):
    mask = disc(10, 10, 2) | disc(40, 20, 8)
    assert np.array_equal(remove_specks(mask, 30), disc(40, 20, 8))
    assert not remove_specks(disc(10, 10, 2), 30).any()
    save(tmp_path / "a.png", mask)
    assert np.array_equal(read_binary(tmp_path / "a.png", despeckle=30), disc(40, 20, 8))


def test_a_mask_of_too_many_pixels_is_refused_before_it_is_read(tmp_path, monkeypatch):
    save(tmp_path / "a.png", np.zeros((64, 64), np.uint8))
    monkeypatch.setenv("SAM2S_MAX_PIXELS", "1000")
    with pytest.raises(LimitError, match=r"a\.png"):
        read_codes(tmp_path / "a.png")
    set_max_pixels(5000)
    assert read_codes(tmp_path / "a.png").shape == (64, 64)


def test_all_missing_files_are_told_at_once(tmp_path):
    save(tmp_path / "1.PNG", picture())
    require_all([tmp_path / "1.png"])
    with pytest.raises(DatasetError, match=r"^5 files are missing: \S+2\.png, \S+3\.png, \S+4\.png, \.\.\.; unpack"):
        require_all(tmp_path / f"{number}.png" for number in range(1, 7))
    with pytest.raises(DatasetError, match=r"^1 file is missing: \S+gone/2\.png; unpack"):
        require_all([tmp_path / "gone/2.png"])


def test_suffixes_of_any_case_are_found(tmp_path):
    save(tmp_path / "a/frame001.PNG", picture())
    assert existing(tmp_path / "a/frame001.png").name == "frame001.PNG"
    assert [p.name for p in files(tmp_path / "a", ".png")] == ["frame001.PNG"]
    assert [p.name for p in glob_any_case(tmp_path, "a/*.png")] == ["frame001.PNG"]
    assert locate(tmp_path, "frame*.png") == tmp_path / "a"
    import re

    assert by_number(tmp_path / "a", re.compile(r"frame(\d+)\.png")) == {1: tmp_path / "a/frame001.PNG"}
    with pytest.raises(DatasetError, match=r"frame002\.png is missing; unpack the official download again"):
        existing(tmp_path / "a/frame002.png")


def test_folders_deeper_than_three_levels_are_not_searched(tmp_path):
    save(tmp_path / "0/1/2/3/Original/1.tif", picture())
    assert locate(tmp_path / "0", "Original/*.tif") == tmp_path / "0/1/2/3"
    assert locate(tmp_path, "Original/*.tif", depth=2) is None


def test_the_last_number_of_a_name_counts(tmp_path):
    assert last_number(tmp_path / "0_endocv2021_positive_104.jpg") == 104
    with pytest.raises(DatasetError, match="has no frame number in its name; restore the official file name"):
        last_number(tmp_path / "cover.jpg")


def test_gaps_between_numbers():
    assert gaps([1, 2, 5]) == (3, 4)
    assert gaps([0, 60, 180], step=60) == (120,)
    assert gaps([3], range(2, 6)) == (2, 4, 5)
    assert gaps([]) == ()
