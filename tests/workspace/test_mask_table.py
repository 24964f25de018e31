"""Masks in the database: written, replaced and read back."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from result_tools import FPS, make_result, wandering
from sam2s.errors import DamagedWorkspaceError, OutputError
from sam2s.masks import rle
from sam2s.tracking import Alarm, MaskQuality
from sam2s.tracking.results import ObjectState
from sam2s.workspace import (
    FrameRecord,
    Layer,
    ObjectRecord,
    Workspace,
    to_record,
)
from workspace_tools import VIDEO, fill, put, write_alarms


def test_frames_come_back_as_they_were_written(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        event = fill(workspace, range(0, 200, 3))
        assert workspace.frame_indices().tolist() == list(range(0, 200, 3))
    with Workspace.open(tmp_path) as workspace:
        assert workspace.video == VIDEO
        records = list(workspace.frames())
        assert [record.index for record in records] == list(range(0, 200, 3))
        for record in records:
            expected = to_record(make_result(record.index))
            assert record.pts == Fraction(record.index) / FPS
            assert list(record.objects) == [1, 2]
            for object_id, entry in record.objects.items():
                assert np.array_equal(entry.mask, wandering(record.index, object_id))
                assert entry.iou == round(expected.objects[object_id].iou, 5)
                assert entry.presence == expected.objects[object_id].presence
                assert entry.state is expected.objects[object_id].state
                assert (entry.category, entry.category_probability) == ("grasper", 0.7)
                assert (entry.prompted, entry.layer) == (record.index == 0, Layer.PROPAGATED)
                assert entry.event_id == event
        assert list(workspace.read_frame(3).objects) == [1, 2]
        assert workspace.read_frame(4) == FrameRecord(4, None)
        assert [record.index for record in workspace.frames(7, 13)] == [9, 12]
        assert {i for record in workspace.frames(object_ids=[2]) for i in record.objects} == {2}


def test_a_frame_written_again_under_its_event_is_replaced_and_under_another_is_kept(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        event = fill(workspace, [5])
        put(workspace, 5, 1, [[0, 0, 3, 3]], event)
        assert workspace.read_frame(5).objects[1].mask.sum() == 9
        assert workspace.extents(event) == {1: (5, 5, 1), 2: (5, 5, 1)}
        later = workspace.record("propagate")
        put(workspace, 5, 1, [[0, 0, 2, 2]], later.event_id)
        assert workspace.read_frame(5).objects[1].mask.sum() == 4
        workspace.undo()
        assert workspace.read_frame(5).objects[1].mask.sum() == 9
        assert workspace.check().whole


def test_masks_of_another_size_and_values_that_are_no_numbers_are_refused(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        event = fill(workspace, [0])
        entry = ObjectRecord(1, rle.encode(np.ones((4, 4), bool)), 1.0, 1.0, ObjectState.VISIBLE)
        with pytest.raises(OutputError, match=r"mask of object 1 on frame 2 has size \[4, 4\], frames of clip have"):
            workspace.write_frame(FrameRecord(2, None, {1: entry}), event)
        entry = ObjectRecord(1, rle.encode(wandering(0, 1)), float("nan"), 1.0, ObjectState.VISIBLE)
        with pytest.raises(OutputError, match="object 1 on frame 2: predicted IoU is nan, which is not a number"):
            workspace.write_frame(FrameRecord(2, None, {1: entry}), event)
        assert workspace.frame_indices().tolist() == [0]


QUALITY = MaskQuality(0.87654, 0.03, (Alarm.LEAK, Alarm.PROMPT))


@pytest.fixture
def workspace(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as opened:
        yield opened


def test_quality_comes_back_as_it_was_written(workspace):
    result = make_result(3)
    judged = replace(result, objects={1: replace(result.objects[1], quality=QUALITY), 2: result.objects[2]})
    event = workspace.record("propagate")
    workspace.write_frame(to_record(judged), event.event_id)
    read = workspace.read_frame(3).objects
    assert read[1].quality == QUALITY
    assert read[2].quality is None
    assert workspace.check().problems == []
    rows = workspace._database.query("SELECT expected_iou, doubt, alarms FROM shown_masks WHERE object_id = 1")
    assert rows == [(0.87654, 0.03, 20)]


def test_a_changed_doubt_is_damage(workspace):
    write_alarms(workspace, {0: ()})
    workspace._database.connection.execute("UPDATE versions SET doubt = 1")
    assert len(workspace.check().problems) == 1
    with pytest.raises(DamagedWorkspaceError, match="the mask of object 1 on frame 0 is damaged"):
        workspace.read_frame(0)


def test_a_quality_that_is_no_number_is_refused(workspace):
    result = make_result(0, (1,))
    item = replace(result.objects[1], quality=MaskQuality(float("nan"), 0.1))
    event = workspace.record("propagate")
    with pytest.raises(OutputError, match="object 1 on frame 0: expected IoU is nan, which is not a number"):
        workspace.write_frame(to_record(replace(result, objects={1: item})), event.event_id)
