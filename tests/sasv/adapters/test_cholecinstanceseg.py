from fractions import Fraction

import pytest

from sam2s.errors import DatasetError
from sam2s.sasv.adapters import cholecinstanceseg as adapter
from sam2s.sasv.fixtures import cholecinstanceseg as fixture


@pytest.fixture
def folder(tmp_path):
    fixture.draw(tmp_path)
    return adapter.find(tmp_path)


def videos(folder):
    return {video.name: video for video in adapter.videos(folder)}


def test_subsets_are_the_full_sequences_of_train_and_test(folder):
    assert {name: video.subset for name, video in videos(folder).items()} == {
        "VID01_t50_full": "CIS-Train",
        "VID23_t50_full": None,
        "VID07_t80_sparse": None,
        "VID09_seg8k": None,
        "VID14_t50_full": "CIS-Test",
    }
    assert videos(folder)["VID09_seg8k"].patient == "cholec:009"


def test_polygons_of_one_group_are_one_instance(folder):
    frame = next(videos(folder)["VID01_t50_full"].frames())
    sizes = [(raw.label, int(raw.mask.sum())) for raw in frame.labels.masks]
    assert sizes == [("grasper", 2 * 81), ("grasper", 121), ("hook", 100)]  # outlines belong to the polygon


def test_null_size_and_empty_frames(folder):
    frames = list(videos(folder)["VID01_t50_full"].frames())
    assert [len(frame.labels.masks) for frame in frames] == [3, 1, 0, 1]
    assert frames[1].labels.masks[0].mask.shape == (48, 64)


def test_times(folder):
    assert [f.pts for f in videos(folder)["VID07_t80_sparse"].frames()] == [0, 30]
    assert videos(folder)["VID07_t80_sparse"].fps == Fraction(1, 30)
    assert next(videos(folder)["VID09_seg8k"].frames()).pts == Fraction(80, 25)


def test_missing_images_say_where_they_come_from(folder):
    (folder / "test/VID14_t50_full/img_dir/t50_VID14_000000.png").unlink()
    problem = videos(folder)["VID14_t50_full"].problem
    assert "1 file is missing: " in problem
    assert "000000.png; unpack" in problem
    assert "The annotation archive has no images: fill img_dir from CholecT50" in problem


def test_damaged_json_is_named(folder):
    (folder / "test/VID14_t50_full/ann_dir/t50_VID14_000000.json").write_text("{")
    with pytest.raises(DatasetError, match=r"cannot read .*t50_VID14_000000\.json"):
        list(videos(folder)["VID14_t50_full"].frames())
