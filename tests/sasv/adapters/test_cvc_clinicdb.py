import re

import pytest

from sam2s.errors import DatasetError
from sam2s.sasv.adapters import cvc_clinicdb as adapter
from sam2s.sasv.fixtures import cvc_clinicdb as fixture


@pytest.fixture
def folder(tmp_path):
    fixture.draw(tmp_path)
    return adapter.find(tmp_path)


def test_sequences_follow_the_table_in_number_order(folder):
    videos = {video.name: video for video in adapter.videos(folder)}
    assert [(name, video.length) for name, video in videos.items()] == [("01", 3), ("02", 1), ("05", 2)]
    assert [frame.index for frame in videos["05"].frames()] == [99, 100]


def test_mask_is_binary_polyp(folder):
    frame = next(next(adapter.videos(folder)).frames())
    (label,) = frame.labels.masks
    assert label.label == "polyp"
    assert label.mask.sum() == fixture.disc(21, 20, 9).sum()


def test_the_table_covers_all_612_frames():
    assert len(adapter.STARTS) == 29
    assert list(adapter.STARTS) == sorted(set(adapter.STARTS))


def test_missing_mask_is_named(folder):
    for number in (2, 3):
        (folder / "Ground Truth" / f"{number}.tif").unlink()
    problem = next(adapter.videos(folder)).problem
    assert re.search(r"2 files are missing: \S+ \S+2\.tif, \S+ \S+3\.tif; unpack the official download", problem)


def test_foreign_file_is_named(folder):
    (folder / "Original" / "1.tif").rename(folder / "Original" / "cover.tif")
    with pytest.raises(DatasetError, match=r"cover\.tif is not one of the official"):
        list(adapter.videos(folder))


def test_nothing_found_elsewhere(tmp_path):
    assert adapter.find(tmp_path) is None
