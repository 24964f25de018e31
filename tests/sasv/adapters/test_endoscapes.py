import json

import pytest

from sam2s.errors import DatasetError
from sam2s.sasv.adapters import endoscapes as adapter
from sam2s.sasv.fixtures import endoscapes as fixture
from sam2s.sasv.fixtures.drawing import disc


@pytest.fixture
def folder(tmp_path):
    fixture.draw(tmp_path)
    return adapter.find(tmp_path)


def test_only_annotated_frames_in_number_order(folder):
    names = [video.name for video in adapter.videos(folder)]
    assert names == ["1_100", "1_850", "121_100", "121_850", "162_100", "162_850"]


def test_instances_may_overlap(folder):
    frame = next(next(adapter.videos(folder)).frames())
    assert [raw.label for raw in frame.labels.masks] == ["gallbladder", "tool"]
    assert frame.labels.masks[1].mask.sum() == disc(28, 20, 8).sum()
    assert frame.pts == 4  # frame 100 of 25 a second


def test_patients_are_shared_with_cholec80(folder):
    patients = {video.name.split("_")[0]: video.patient for video in adapter.videos(folder)}
    assert patients == {"1": "cholec:067", "121": "cholec:066", "162": "endoscapes:162"}


def test_split_list_in_scientific_notation_rules(folder, caplog):
    (folder / "train_seg_vids.txt").write_text("2.000000000000000000e+00\n")
    assert all(not video.name.startswith("1_") for video in adapter.videos(folder))
    assert "1_100.jpg is not of a video in train_seg_vids.txt" in caplog.text


def test_text_stub_of_a_link_is_named(folder):
    (folder / "train_seg" / "1_100.jpg").write_text("../all/1_100.jpg")
    assert "1_100.jpg is a text stub of a symbolic link; unpack with" in next(adapter.videos(folder)).problem


def test_damaged_rle_is_named(folder):
    path = folder / "train_seg" / "annotation_coco.json"
    coco = json.loads(path.read_text())
    coco["annotations"][0]["segmentation"]["counts"] = "~~"
    path.write_text(json.dumps(coco))
    with pytest.raises(DatasetError, match=r"annotation_coco\.json: mask of 1_100\.jpg: damaged RLE"):
        list(next(adapter.videos(folder)).frames())
