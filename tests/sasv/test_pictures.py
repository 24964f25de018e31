import numpy as np
import pytest
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.sasv.pictures import small, store
from sasv.fixtures.drawing import picture, save


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
    with pytest.raises(DatasetError, match=rf"picture .*a\.{suffix} is damaged"):
        small(tmp_path / store(path, tmp_path, 0, None, hard_link=False)[0], path)
