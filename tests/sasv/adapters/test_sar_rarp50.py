import logging
from fractions import Fraction

import numpy as np
import pytest

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.sasv.adapters import sar_rarp50 as adapter
from sam2s.sasv.assemble import assemble
from sam2s.sasv.fixtures import sar_rarp50 as fixture


@pytest.fixture
def folder(tmp_path):
    fixture.draw(tmp_path)
    return adapter.find(tmp_path)


def by_name(folder):
    return {video.name: video for video in adapter.videos(folder)}


def test_parts_of_the_download_are_one_list(folder):
    assert {v.name: (v.length, v.subset, v.split, v.patient) for v in by_name(folder).values()} == {
        "video_11_1": (2, None, "train", "sar-rarp50:11"),
        "video_11_2": (1, None, "train", "sar-rarp50:11"),
        "video_41": (4, "RARP50", "test", "sar-rarp50:41"),
        "video_42": (2, "RARP50", "test", "sar-rarp50:42"),
    }


def test_the_frames_of_the_masks_are_decoded(folder):
    frames = list(by_name(folder)["video_11_1"].frames())
    assert [(f.index, f.pts) for f in frames] == [(0, 0), (60, Fraction(1))]
    assert [round(float(f.image.mean())) for f in frames] == pytest.approx([0, 60], abs=3)


def test_masks_behind_the_end_of_the_video_are_left_out_aloud(folder, caplog):
    with caplog.at_level(logging.WARNING):
        frames = list(by_name(folder)["video_41"].frames())
    assert [f.index for f in frames] == [0, 60, 120]
    assert "ends before 1 of its masks, from 180 on" in caplog.text


def test_unpacked_pictures_stand_in_for_the_video(folder):
    frames = list(by_name(folder)["video_42"].frames())
    assert [f.image.name for f in frames] == ["000000000.png", "000000060.png"]


def test_three_channels_are_read_as_one(folder):
    first, second = by_name(folder)["video_11_1"].frames()
    for a, b in zip(first.labels.masks, second.labels.masks, strict=True):
        assert (a.mask == b.mask).all()


def test_parts_make_instruments_and_thin_things_are_one_object_each(folder, tmp_path):
    (tmp_path / "out").mkdir()
    labels, _ = assemble(by_name(folder)["video_42"], "sar-rarp50", {}, tmp_path / "out", hard_link=False)
    areas = sorted((o.category, rle.area(o.masks[0])) for o in labels.objects.values())
    assert areas == [
        ("instrument", int(fixture.disc(100, 30, 15, fixture.SIZE).sum())),
        ("instrument", 40 * 30),
        ("suturing needle", 6 * 20),
        ("thread", 2 * 60),
    ]


def test_unknown_codes_are_counted(tmp_path):
    codes = np.zeros((4, 4), np.uint8)
    codes[0], codes[1] = 9, 10
    fixture.save(tmp_path / "mask.png", codes)
    labels = adapter._labels(tmp_path / "mask.png")
    assert [m.label for m in labels.masks] == ["catheter"]
    assert labels.unknown == 4


def test_missing_video_is_named(folder):
    (folder / "test/video_41/video_left.avi").unlink()
    assert "video_left.avi is missing" in by_name(folder)["video_41"].problem
    assert by_name(folder)["video_42"].problem == ""


def test_a_video_of_nothing_but_other_frames_is_refused(folder):
    masks = folder / "train1/video_11_2/segmentation"
    (masks / "000000000.png").rename(masks / "000000060.png")
    with pytest.raises(DatasetError, match=r"has no frame that .* has a mask of"):
        list(by_name(folder)["video_11_2"].frames())


def test_folders_without_the_level_of_parts(tmp_path):
    fixture.draw(tmp_path)
    flat = tmp_path / "sar-rarp50/test"
    assert set(by_name(adapter.find(flat))) == {"video_41", "video_42"}


def test_videos_unpacked_into_folders_of_their_own_name_are_found(folder):
    for path in [*(folder / "test").iterdir()]:
        path.rename(path.with_name("inner"))
        path.mkdir()
        path.with_name("inner").rename(path / path.name)
    assert set(by_name(adapter.find(folder.parent))) == {"video_11_1", "video_11_2", "video_41", "video_42"}
    assert set(by_name(adapter.find(folder / "test"))) == {"video_41", "video_42"}


def test_same_video_twice_is_refused(folder):
    fixture.save(folder / "copy/video_41/segmentation/000000000.png", fixture.codes())
    with pytest.raises(DatasetError, match="video_41 stands twice"):
        list(adapter.videos(folder))


def test_nothing_found_elsewhere(tmp_path):
    assert adapter.find(tmp_path) is None
