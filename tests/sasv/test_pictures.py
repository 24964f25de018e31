from functools import partial

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.picture_files import PictureReader
from sam2s.sasv.assemble import assemble
from sam2s.sasv.fixtures.drawing import picture, save
from sam2s.sasv.pictures import small, store
from sam2s.sasv.raw import FrameLabels, RawFrame, RawMask, RawVideo


def test_crop_is_lossless(tmp_path):
    save(tmp_path / "a.png", picture())
    name, size = store(tmp_path / "a.png", tmp_path, 3, (10, 4, 20, 30), hard_link=True)
    assert (name, size) == ("frames/00003.png", (30, 20))
    assert np.array_equal(Image.open(tmp_path / name), picture()[4:34, 10:30])


def test_decoded_frames_become_jpeg(tmp_path):
    smooth = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 48, 0).repeat(3, 2)
    name, size = store(smooth, tmp_path, 0, None, hard_link=False)
    assert (name, size) == ("frames/00000.jpg", (48, 64))
    assert abs(np.array(Image.open(tmp_path / name)).astype(int) - smooth).max() <= 4


def test_a_crop_that_does_not_fit_is_named(tmp_path):
    save(tmp_path / "a.png", picture())
    with pytest.raises(DatasetError, match=r"a\.png is 64x48, too small for the crop 20x30 at \(50, 4\)"):
        store(tmp_path / "a.png", tmp_path, 0, (50, 4, 20, 30), hard_link=False)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_a_cut_file_is_named_by_its_source(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    save(path, picture())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DatasetError, match=rf"picture .*a\.{suffix}(: image file is truncated| is damaged)"):
        small(tmp_path / store(path, tmp_path, 0, None, hard_link=False)[0], path)


def test_pictures_of_16_bits_become_8_by_one_rule_for_the_video(tmp_path):
    dim, bright = np.full((8, 8), 1000, np.uint16), np.full((8, 8), 4000, np.uint16)
    for number, pixels in enumerate((dim, bright)):
        save(tmp_path / f"{number}.png", pixels)
    reader = PictureReader([tmp_path / "0.png", tmp_path / "1.png"])
    values = []
    for number in range(2):
        name, size = store(tmp_path / f"{number}.png", tmp_path, number, None, hard_link=True, reader=lambda: reader)
        with Image.open(tmp_path / name) as image:
            assert (image.mode, size) == ("RGB", (8, 8))
            values.append(int(np.array(image).max()))
    assert values == [62, 249]  # 4000 needs 12 bits: 255 / 4095 of each value


def test_a_video_of_16_bits_is_measured_as_a_whole(tmp_path):
    for number, value in enumerate((1000, 4000)):
        save(tmp_path / f"{number}.png", np.full((8, 8), value, np.uint16))
    (tmp_path / "out").mkdir()
    video = RawVideo("v", None, "train", "p", frames=partial(_frames, tmp_path))
    _, files = assemble(video, "kvasir-seg", {}, tmp_path / "out", hard_link=False)
    assert [int(np.array(Image.open(tmp_path / "out" / name)).max()) for name in files] == [62, 249]


def _frames(folder):
    for number in range(2):
        yield RawFrame(number, folder / f"{number}.png", FrameLabels((RawMask("polyp", np.ones((8, 8), bool)),)))


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_turned_pictures_are_stored_upright(tmp_path, suffix):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, 8:] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", exif=exif.tobytes() if suffix != "tif" else exif)
    name, size = store(tmp_path / f"a.{suffix}", tmp_path, 0, None, hard_link=True)
    assert (name, size) == ("frames/00000.png", (16, 8))
    stored = np.array(Image.open(tmp_path / name))
    assert stored[2:6].mean() < 20
    assert stored[10:14].mean() > 235
