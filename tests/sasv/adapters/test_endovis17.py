import logging
import shutil

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.sasv.adapters import endovis17 as adapter
from sam2s.sasv.assemble import assemble
from sam2s.sasv.fixtures import endovis17 as fixture


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
    labels, folder = built
    assert labels.size == (1024, 1280)
    with Image.open(folder / "frames/00000.png") as image:
        assert np.array(image).min() > 0
    left = rle.decode(labels.objects[1].masks[0])
    x, y = fixture.LEFT
    assert np.argwhere(left)[0].tolist() == [y - 60 - 28, x - 60 - 320]


def test_test_frames_continue_the_ids_of_the_training_part(built):
    labels, _ = built
    assert [f.index for f in labels.frames] == [223, 224, 225, 226]
    assert {o.track for o in labels.objects.values()} == {
        "Left_Large_Needle_Driver",
        "Right_Large_Needle_Driver",
        "Monopolar_Curved_Scissors",
    }  # the forceps are never in view
    columns = {o.track: [rle.centroid(m)[0] + 320 for m in o.masks] for o in labels.objects.values()}
    assert columns["Left_Large_Needle_Driver"] == pytest.approx([699.5, 699.5, 699.5, 714.5])
    assert columns["Right_Large_Needle_Driver"] == pytest.approx([1299.5, 1299.5, 1299.5, 1314.5])
    scissors = next(o for o in labels.objects.values() if o.track == "Monopolar_Curved_Scissors")
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
    problems = {video.name: video.problem for video in adapter.videos(adapter.find(tmp_path))}
    assert "frame000 of instrument_dataset_10 has labels but no picture" in problems["seq_10"]


def test_archives_unpacked_into_folders_of_their_own_name_are_all_found(drawn, tmp_path):
    for archive in (drawn / "endovis17").glob("instrument_*"):
        shutil.copytree(archive, tmp_path / "data" / archive.name / archive.name)
    videos = {video.name: video.length for video in adapter.videos(adapter.find(tmp_path))}
    assert videos == {"seq_2": 1, "seq_6": 4, "seq_9": 1}


def test_test_labels_beside_a_lone_archive_of_frames_are_found(drawn, tmp_path):
    frames = tmp_path / "data/instrument_5_8_training/instrument_5_8_training"
    shutil.copytree(drawn / "endovis17/instrument_5_8_training", frames)
    shutil.copytree(drawn / "endovis17/instrument_2017_test", tmp_path / "data/instrument_2017_test")
    for sequence, number in ((6, 225), (6, 226), (9, 0)):
        fixture.frame(frames / f"instrument_dataset_{sequence}", number)
    assert {v.name: v.length for v in adapter.videos(adapter.find(tmp_path))} == {"seq_6": 4, "seq_9": 1}


@pytest.fixture
def copy(drawn, tmp_path):
    shutil.copytree(drawn / "endovis17", tmp_path / "endovis17")
    return tmp_path / "endovis17"


@pytest.mark.parametrize("number", [223, 224])
def test_an_instrument_that_lacks_a_frame_is_named(copy, number):
    folder = copy / fixture.TRAINING.format("5_8", 6) / "ground_truth"
    (folder / f"Left_Large_Needle_Driver_labels/frame{number}.png").unlink()
    problems = {video.name: video.problem for video in adapter.videos(adapter.find(copy))}
    assert (
        f"Driver_labels lacks 1 of the frames from 223 to 224 that have labels, such as frame{number}.png"
        in (problems["seq_6"])
    )
    assert problems["seq_2"] == problems["seq_9"] == ""


def test_a_frame_that_every_instrument_lacks_is_a_gap(copy):
    training = copy / fixture.TRAINING.format("5_8", 6)
    for folder in (training / "ground_truth").iterdir():
        shutil.copy(folder / "frame224.png", folder / "frame221.png")
    fixture.frame(training, 221)
    problems = {video.name: video.problem for video in adapter.videos(adapter.find(copy))}
    assert "lacks 1 of the frames from 221 to 224 that have labels, such as frame222.png" in problems["seq_6"]


def test_frames_and_instruments_that_a_sequence_lacks_are_known(copy):
    by_name = {video.name: video for video in adapter.videos(adapter.find(copy))}
    assert by_name["seq_6"].missing == (*range(223), *range(227, 300))
    assert by_name["seq_6"].masklets == 4
    assert by_name["seq_9"].missing == tuple(range(1, 300))  # frame 0 alone is drawn
    assert by_name["seq_9"].masklets is None  # it has no training part


def test_a_piece_more_than_there_are_instruments_is_part_of_one(copy, tmp_path):
    codes = np.zeros(fixture.SIZE, np.uint8)
    for x, y in (fixture.LEFT, (fixture.LEFT[0] - 140, fixture.LEFT[1]), fixture.RIGHT):
        codes[fixture.spot(x, y, 50)] = 3
    fixture.save(fixture.types("6", copy) / "frame225.png", codes)
    (tmp_path / "out").mkdir()
    video = next(v for v in adapter.videos(adapter.find(copy)) if v.name == "seq_6")
    labels, _ = assemble(video, "endovis17", {}, tmp_path / "out", hard_link=False)
    areas = {o.track: [rle.area(m) for m in o.masks] for o in labels.objects.values()}
    assert set(areas) == {"Left_Large_Needle_Driver", "Right_Large_Needle_Driver", "Monopolar_Curved_Scissors"}
    assert areas["Left_Large_Needle_Driver"] == [120**2, 120**2, 2 * 100**2, 120**2]
    assert areas["Right_Large_Needle_Driver"] == [120**2, 120**2, 100**2, 120**2]
    assert ["surplus piece"] in [item["reasons"] for item in labels.review]


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
    (video,) = adapter.videos(adapter.find(tmp_path))
    assert "frame 0 of instrument_dataset_9 stands twice" in video.problem


def test_nothing_found_elsewhere(tmp_path):
    assert adapter.find(tmp_path) is None
