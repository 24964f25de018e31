import logging
import shutil

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.sasv.adapters import endovis17 as adapter
from sam2s.sasv.assemble import assemble
from sasv.fixtures import endovis17 as fixture


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp("endovis17")
    fixture.draw(root)
    return root


@pytest.fixture(scope="module")
def videos(drawn):
    return {video.name: video for video in adapter.videos(adapter.find(drawn))}


@pytest.fixture(scope="module")
def built(videos, tmp_path_factory):
    """Sequence 6 from training and test part, and the folder of its frames."""
    folder = tmp_path_factory.mktemp("built")
    return assemble(videos["seq_6"], "endovis17", {}, folder, hard_link=False)[0], folder


def test_archives_of_one_sequence_become_one_video(videos):
    assert {v.name: (v.length, v.subset, v.split) for v in videos.values()} == {
        "seq_2": (1, "EndoVis17", "test"),
        "seq_6": (4, "EndoVis17", "test"),
        "seq_9": (1, None, "train"),
    }
    assert [(f.index, f.pts) for f in videos["seq_9"].frames()] == [(0, 0)]


def test_a_folder_is_one_instrument_of_all_its_parts(videos):
    frame = next(videos["seq_6"].frames())
    assert {m.track: m.label for m in frame.labels.masks} == {
        "Left_Large_Needle_Driver": "large needle driver",
        "Right_Large_Needle_Driver": "large needle driver",
        "Monopolar_Curved_Scissors": "monopolar curved scissors",
        "Prograsp_Forceps": "prograsp forceps",
    }
    left, right = (m.mask for m in frame.labels.masks if m.label == "large needle driver")
    assert left.sum() == right.sum() == 120 * 120  # 10, 20 and 30; the right file has three channels


def test_the_crop_has_no_padding(built):
    draft, folder = built
    assert draft.size == (1024, 1280)
    with Image.open(folder / "frames/00000.png") as image:
        assert np.array(image).min() > 0
    left = rle.decode(draft.objects[1].masks[0])
    x, y = fixture.LEFT
    assert np.argwhere(left)[0].tolist() == [y - 60 - 28, x - 60 - 320]


def test_test_frames_continue_the_ids_of_the_training_part(built):
    draft, _ = built
    assert [f.index for f in draft.frames] == [223, 224, 225, 226]
    assert {o.track for o in draft.objects.values()} == {
        "Left_Large_Needle_Driver",
        "Right_Large_Needle_Driver",
        "Monopolar_Curved_Scissors",
    }  # the forceps are never in view
    columns = {o.track: [rle.centroid(m)[0] + 320 for m in o.masks] for o in draft.objects.values()}
    assert columns["Left_Large_Needle_Driver"] == pytest.approx([699.5, 699.5, 699.5, 714.5])
    assert columns["Right_Large_Needle_Driver"] == pytest.approx([1299.5, 1299.5, 1299.5, 1314.5])
    scissors = next(o for o in draft.objects.values() if o.track == "Monopolar_Curved_Scissors")
    assert rle.area(scissors.masks[2]) == 2 * 120 * 120  # seen in two pieces


def test_other_is_kept_and_may_overlap(videos):
    masks = {m.label: m.mask for m in next(videos["seq_2"].frames()).labels.masks}
    assert (masks["other"] & masks["prograsp forceps"]).any()


def test_frames_without_labels_are_left_out_aloud(drawn, caplog):
    with caplog.at_level(logging.WARNING):
        list(adapter.videos(adapter.find(drawn)))
    assert "left out of sequence 2: frames without labels (1)" in caplog.text


def test_labels_without_frames_are_refused(tmp_path):
    folder = fixture.types("10", tmp_path / "endovis17")
    fixture.save(folder / "frame000.png", fixture.spot(700, 500, 60) * np.uint8(1))
    fixture.frame(tmp_path / "endovis17" / fixture.TESTING.format("9_10", 9), 0)
    with pytest.raises(DatasetError, match="frame000 of instrument_dataset_10 has labels but no picture"):
        list(adapter.videos(adapter.find(tmp_path)))


def test_unknown_type_codes_are_counted(tmp_path):
    codes = np.zeros((4, 4), np.uint8)
    codes[0], codes[1] = 1, 40
    fixture.save(tmp_path / "frame000.png", codes)
    assert adapter._types(tmp_path / "frame000.png").unknown == 4


def test_unknown_instrument_is_named(drawn, tmp_path):
    truth = tmp_path / "instrument_dataset_1/ground_truth"
    truth.joinpath("Laser_labels").mkdir(parents=True)
    with pytest.raises(DatasetError, match="Laser_labels names none of the instruments"):
        adapter._instruments(truth)


def test_a_second_copy_is_refused(tmp_path):
    folder = tmp_path / "data" / fixture.TESTING.format("9_10", 9)
    fixture.frame(folder, 0)
    shutil.copytree(tmp_path / "data", tmp_path / "data/copy", copy_function=shutil.copy)
    with pytest.raises(DatasetError, match="frame 0 of instrument_dataset_9 stands twice"):
        list(adapter.videos(adapter.find(tmp_path)))


def test_nothing_found_elsewhere(tmp_path):
    assert adapter.find(tmp_path) is None
