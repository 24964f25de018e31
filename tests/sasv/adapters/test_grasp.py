import json

import pytest

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.sasv.adapters import grasp as adapter
from sam2s.sasv.assemble import assemble
from sam2s.sasv.fixtures import grasp as fixture


@pytest.fixture
def folder(tmp_path):
    fixture.draw(tmp_path)
    return adapter.find(tmp_path)


def by_name(folder):
    return {video.name: video for video in adapter.videos(folder)}


def change(folder, edit):
    path = folder / "annotations/grasp_short-term_train.json"
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


def test_cases_of_training_and_test_files(folder):
    videos = by_name(folder)
    assert {v.name: (v.length, v.subset, v.split) for v in videos.values()} == {
        "CASE001": (2, "GraSP", "train"),
        "CASE014": (2, "GraSP", "train"),
        "CASE041": (1, "GraSP", "train"),
    }
    assert all(v.fps is None for v in videos.values())


def test_frames_are_in_number_order_and_a_frame_without_tools_was_looked_at(folder):
    first, second = by_name(folder)["CASE014"].frames()
    assert (first.index, second.index) == (9999, 10000)
    assert first.labels.masks == ()
    assert first.labels.scope is None
    assert first.pts is None


def test_a_box_listed_twice_counts_once(folder):
    first = next(by_name(folder)["CASE001"].frames())
    assert [m.label for m in first.labels.masks] == ["large needle driver"] * 2
    assert (first.labels.masks[0].mask == fixture.LEFT).all()


def test_ids_follow_the_order_from_left_to_right(folder, tmp_path):
    (tmp_path / "out").mkdir()
    labels, _ = assemble(by_name(folder)["CASE001"], "grasp", {}, tmp_path / "out", hard_link=False)
    drivers = [o for o in labels.objects.values() if o.category == "large needle driver"]
    assert len(drivers) == 2
    for one in drivers:
        assert one.masks[0] == one.masks[1]  # though the second frame lists them the other way round


def test_the_folds_stand_in_for_the_training_file(folder):
    (folder / "annotations/grasp_short-term_train.json").unlink()
    assert set(by_name(folder)) == {"CASE001", "CASE014", "CASE041"}


def test_the_lighter_folder_is_taken_where_there_is_no_other(folder):
    lighter = folder.rename(folder.with_name("GraSP_1fps"))
    assert adapter.find(lighter.parent.parent) == lighter
    assert adapter.find(lighter) == lighter


def test_missing_frame_is_named(folder):
    (folder / "frames/CASE001/000001642.jpg").unlink()
    assert "000001642.jpg; unpack" in by_name(folder)["CASE001"].problem


def test_unknown_category_is_named(folder):
    change(folder, lambda data: data["categories"].append({"id": 8, "name": "Laser"}))
    with pytest.raises(DatasetError, match="has category 'laser'"):
        by_name(folder)


def test_polygons_are_refused(folder):
    change(folder, lambda data: data["annotations"][0].update(segmentation=[[0, 0, 1, 1, 1, 0]]))
    with pytest.raises(DatasetError, match="annotation 1 has no RLE mask"):
        by_name(folder)


def test_damaged_rle_is_named(folder):
    def cut(data):
        data["annotations"][0]["segmentation"] = {**rle.encode(fixture.LEFT), "counts": "0"}

    change(folder, cut)
    with pytest.raises(DatasetError, match=r"a mask of CASE001/000000068\.jpg is damaged"):
        list(by_name(folder)["CASE001"].frames())


def test_other_names_are_refused(folder):
    change(folder, lambda data: data["images"][0].update(file_name="000000068.jpg"))
    with pytest.raises(DatasetError, match=r"frame '000000068\.jpg' is not called"):
        by_name(folder)


def test_nothing_found_elsewhere(tmp_path):
    assert adapter.find(tmp_path) is None
