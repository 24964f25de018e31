import json
import logging
import shutil

import numpy as np
import pytest

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.sasv.adapters import endovis18 as adapter
from sam2s.sasv.assemble import assemble
from sam2s.sasv.fixtures import endovis18 as fixture


@pytest.fixture
def folder(tmp_path):
    fixture.draw(tmp_path)
    return adapter.find(tmp_path)


def by_name(folder):
    return {video.name: video for video in adapter.videos(folder)}


def problem(folder, name):
    return by_name(folder)[name].problem


def masks(frame, label):
    return [m.mask for m in frame.labels.masks if m.label == label]


def test_releases_are_read_together_and_test_frames_without_labels_are_not(folder):
    assert {v.name: (v.length, v.subset, v.split) for v in by_name(folder).values()} == {
        "seq_1": (2, None, "train"),
        "seq_2": (2, "EndoVis18", "test"),
        "seq_5": (2, "EndoVis18", "test"),
    }


def test_parts_are_one_instrument_whatever_alpha_says(folder):
    frame = next(by_name(folder)["seq_2"].frames())
    tools = np.logical_or.reduce(masks(frame, "instrument"))
    assert (tools == (fixture.left(0) | fixture.right(0))).all()
    assert frame.labels.unknown == 5  # the stray colour


def test_tools_are_split_and_linked_and_tissue_is_one_object(folder, tmp_path):
    (tmp_path / "out").mkdir()
    labels, _ = assemble(by_name(folder)["seq_2"], "endovis18", {}, tmp_path / "out", hard_link=False)
    assert sorted(o.category for o in labels.objects.values()) == [
        "instrument",
        "instrument",
        "kidney parenchyma",
        "thread",
    ]
    for o in labels.objects.values():
        assert all(rle.area(m) for m in o.masks)
    kidney = next(o for o in labels.objects.values() if o.category == "kidney parenchyma")
    assert rle.area(kidney.masks[0]) == 2 * fixture.disc(64, 10, 9, fixture.SIZE).sum()


def test_repairs_replace_bad_labels(folder):
    second = list(by_name(folder)["seq_1"].frames())[1]
    assert second.labels.unknown == 5
    assert masks(second, "instrument")


def test_missing_repairs_are_said(folder, caplog):
    (folder / "repairs/seq_1_frame001.png").unlink()
    with caplog.at_level(logging.WARNING):
        video = by_name(folder)["seq_1"]
    assert "seq_1 has labels known to be bad; unpack repairs.zip" in caplog.text
    assert list(video.frames())[1].labels.unknown == fixture.SIZE[0] * fixture.SIZE[1]  # the core refuses this frame


def test_odd_repairs_are_refused(folder):
    fixture.save(folder / "repairs/seq_1_frame900.png", fixture.scene(0))
    assert "repairs no file of" in problem(folder, "seq_1")
    assert problem(folder, "seq_2") == ""
    fixture.save(folder / "repairs/frame000.png", fixture.scene(0))
    with pytest.raises(DatasetError, match="is not called seq_<n>_<label file>"):
        by_name(folder)


def test_third_party_instances_replace_parts(folder):
    first, second = by_name(folder)["seq_5"].frames()
    assert [m.sum() for m in masks(first, "bipolar forceps")] == [960, 960]  # 0/1 and 0/255
    assert [m.sum() for m in masks(second, "bipolar forceps")] == [960]  # coloured
    assert not masks(first, "instrument")
    assert masks(first, "kidney parenchyma")


def test_instance_numbers_do_not_last_so_they_are_linked(folder, tmp_path):
    (tmp_path / "out").mkdir()
    labels, _ = assemble(by_name(folder)["seq_5"], "endovis18", {}, tmp_path / "out", hard_link=False)
    forceps = [o for o in labels.objects.values() if o.category == "bipolar forceps"]
    assert sorted(bool(rle.area(o.masks[1])) for o in forceps) == [False, True]
    left = next(o for o in forceps if rle.centroid(o.masks[0])[0] < 64)
    assert not rle.area(left.masks[1])  # number 1 of the second frame is the right tool


def test_a_tool_that_nobody_separated_is_unknown_and_not_absent(folder, tmp_path, caplog):
    (folder / "miccai_challenge_release_2/seq_5/instrument_labels_2017/frame001_class1_inst1.png").unlink()
    (tmp_path / "out").mkdir()
    with caplog.at_level(logging.WARNING):
        labels, _ = assemble(by_name(folder)["seq_5"], "endovis18", {}, tmp_path / "out", hard_link=False)
    second = {o.category: o.masks[1] for o in labels.objects.values()}
    assert second["bipolar forceps"] is None
    assert rle.area(second["kidney parenchyma"])
    assert "seq_5 shows instruments on 1 frames without file in instrument_labels_2017, such as frame 1" in caplog.text


def test_a_frame_without_tools_needs_no_file(folder):
    (folder / "miccai_challenge_release_2/seq_5/instrument_labels_2017/frame001_class1_inst1.png").unlink()
    empty = np.zeros((*fixture.SIZE, 3), np.uint8)
    fixture.save(folder / "miccai_challenge_release_2/seq_5/labels/frame001.png", empty)
    assert list(by_name(folder)["seq_5"].frames())[1].labels.scope is None


def test_releases_unpacked_into_folders_of_their_own_name_are_all_found(folder, tmp_path):
    for release in folder.glob("miccai_challenge_*release_*"):
        shutil.copytree(release, tmp_path / "nested" / release.name / release.name)
    assert set(by_name(adapter.find(tmp_path / "nested"))) == {"seq_1", "seq_2", "seq_5"}
    shutil.rmtree(tmp_path / "nested/miccai_challenge_release_2")
    shutil.copytree(folder / "repairs", tmp_path / "nested/repairs")
    assert masks(list(by_name(adapter.find(tmp_path / "nested"))["seq_1"].frames())[1], "instrument")


def test_colours_come_from_the_release(folder):
    table = {name: list(colour) for name, colour in fixture.COLOURS.items()} | {"clamps": [*fixture.STRAY, 255]}
    (folder / "miccai_challenge_2018_release_1/labels.json").write_text(json.dumps(table))
    frame = next(by_name(folder)["seq_2"].frames())
    assert [m.sum() for m in masks(frame, "clamps")] == [5]
    assert frame.labels.unknown == 0


@pytest.mark.parametrize(
    ("text", "message"), [("[1]", "cannot read the colours"), ('{"laser": [1, 2, 3]}', "other classes")]
)
def test_odd_colour_tables_are_refused(folder, text, message):
    (folder / "miccai_challenge_2018_release_1/labels.json").write_text(text)
    assert message in problem(folder, "seq_2")
    assert problem(folder, "seq_5") == ""


def test_labels_twice_are_refused(folder):
    fixture.save(folder / "miccai_challenge_2018_test/seq_1/labels/frame000.png", fixture.scene(0))
    with pytest.raises(DatasetError, match="seq_1 with labels stands twice"):
        by_name(folder)


def test_frame_without_labels_is_named(folder):
    (folder / "miccai_challenge_release_2/seq_5/labels/frame001.png").unlink()
    assert "frame 1 lacks its picture or its labels" in problem(folder, "seq_5")
    assert problem(folder, "seq_2") == ""


def test_nothing_found_elsewhere(tmp_path):
    assert adapter.find(tmp_path) is None
