"""What is to be believed of masks travels in every form that has a place for it, and independent readers still read."""

import csv
import json
import xml.etree.ElementTree as ET

import highdicom
import pydicom
import pytest

from dicom_tools import video_file
from result_tools import make_result
from sam2s.formats.export import write_exports
from sam2s.formats.outputs import KINDS, WITH_VIDEO, recorded
from sam2s.formats.quality_text import QualitySummary, quality_text
from sam2s.tracking.mask_quality import Alarm, MaskQuality
from sam2s.video import open_source
from sam2s.workspace import ObjectInfo, Workspace, to_record
from workspace_tools import VIDEO

FRAMES = (0, 1, 2, 3)
HEADER = ["frame", "object_id", "name", "expected_iou", "doubt", "alarms"]


def quality(frame, number):
    """Of object 1 alone; frames 1 and 2 are doubtful."""
    if number != 1:
        return None
    return MaskQuality(0.9, 0.05) if frame not in (1, 2) else MaskQuality(0.4, 0.6, (Alarm.LEAK, Alarm.LOST))


@pytest.fixture
def judged(tmp_path):
    with Workspace.create(tmp_path / "run", VIDEO) as workspace:
        for number, name in ((1, "grasper"), (2, "hook")):
            workspace.put_object(ObjectInfo(number, name))
        event = workspace.record("propagate").event_id
        for frame in FRAMES:
            result = make_result(frame)
            for number, tracked in result.objects.items():
                object.__setattr__(tracked, "quality", quality(frame, number))
            workspace.write_frame(to_record(result), event)
        yield workspace


def rows(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_tables_of_sav_and_yolo(judged):
    paths = write_exports(judged, None, ["sav", "yolo"])
    table = rows(paths["yolo"] / "quality.csv")
    assert table == rows(paths["sav"].with_name("sav_quality.csv"))
    assert table[0] == HEADER
    assert [row[:3] for row in table[1:]] == [[str(frame), "1", "grasper"] for frame in FRAMES]
    assert [float(row[3]) for row in table[1:]] == pytest.approx([0.9, 0.4, 0.4, 0.9], abs=1e-4)
    assert [row[5] for row in table[1:]] == ["", "leak lost", "leak lost", ""]
    assert "sav_quality.csv" in recorded(judged.folder)


def test_tables_without_a_judged_mask_have_a_head_alone(store):
    path = write_exports(store, None, ["sav"])["sav"]
    assert rows(path.with_name("sav_quality.csv")) == [HEADER]


def test_cvat_has_mutable_attributes_of_each_mask(judged):
    root = ET.parse(write_exports(judged, None, ["cvat"])["cvat"]).getroot()
    for label in root.iter("label"):
        declared = [(one.findtext("name"), one.findtext("mutable")) for one in label.iter("attribute")]
        assert declared == [("expected_iou", "True"), ("doubt", "True"), ("alarms", "True")]
    masks = {
        (track.get("id"), int(mask.get("frame"))): {one.get("name"): one.text for one in mask.iter("attribute")}
        for track in root.iter("track")
        for mask in track.iter("mask")
    }
    assert float(masks["1", 1]["expected_iou"]) == pytest.approx(0.4, abs=1e-4)
    assert float(masks["1", 1]["doubt"]) == pytest.approx(0.6, abs=1e-4)
    assert (masks["1", 1]["alarms"], masks["1", 0]["alarms"], masks["2", 0]) == ("leak lost", None, {})


def test_cvat_declares_no_attribute_where_nothing_was_judged(store):
    plain = write_exports(store, None, ["cvat"])["cvat"].read_text()
    assert "<attribute" not in plain.replace("<attributes>", "")


def test_labelme_has_a_description_and_flags(judged):
    folder = write_exports(judged, None, ["labelme"])["labelme"]
    shapes = {one["group_id"]: one for one in json.loads((folder / "00001.json").read_text())["shapes"]}
    assert shapes[1]["description"] == "expected IoU 0.400, doubt 0.600, alarms: leak lost"
    assert {name for name, is_set in shapes[1]["flags"].items() if is_set} == {"leak", "lost"}
    assert set(shapes[1]["flags"]) == {str(alarm) for alarm in Alarm}
    assert (shapes[2]["description"], shapes[2]["flags"]) == ("", {})


def test_a_segmentation_says_it_in_its_comments(judged, tmp_path):
    source = open_source(video_file(tmp_path / "case.dcm"))
    path = write_exports(judged, source, ["dicom-seg"])["dicom-seg"]
    first, second = highdicom.seg.segread(path).SegmentSequence
    assert first.SegmentDescription == (
        "Expected IoU of 4 masks: mean 0.650, lowest 0.400 on frame 1. Frames with alarms: leak on 2, lost on 2."
    )
    assert "SegmentDescription" not in second
    comments = {
        (
            int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber),
            group.FrameContentSequence[0].TemporalPositionIndex - 1,
        ): group.FrameContentSequence[0].get("FrameComments")
        for group in pydicom.dcmread(path).PerFrameFunctionalGroupsSequence
    }
    assert comments[1, 0] == "expected IoU 0.900, doubt 0.050"
    assert comments[1, 2] == "expected IoU 0.400, doubt 0.600, alarms: leak lost"
    assert comments[2, 0] is None


def test_every_form_that_holds_masks_names_alarms(judged):
    kinds = [kind for kind in KINDS if kind not in (*WITH_VIDEO, "cvat-zip")]
    for kind, path in write_exports(judged, None, kinds).items():
        files = [path, *path.parent.glob(f"{kind}_*"), *path.rglob("*")]
        assert any("leak" in file.read_text("latin-1") for file in files if file.is_file()), kind


def test_text():
    assert quality_text(MaskQuality(1.0, 0.0)) == "expected IoU 1.000, doubt 0.000"
    summary = QualitySummary()
    summary.add(7, MaskQuality(1.0, 0.0))
    assert summary.text() == "Expected IoU of 1 masks: mean 1.000, lowest 1.000 on frame 7. No alarm."
