"""Quality in the workspace: written, read back, checked, carried through edits, and its alarms as spans."""

from dataclasses import replace

import pytest

from result_tools import make_result
from sam2s.errors import DamagedWorkspaceError, OutputError
from sam2s.tracking import Alarm, MaskQuality
from sam2s.workspace import AlarmSpan, ObjectInfo, Workspace, to_record
from workspace_tools import VIDEO

QUALITY = MaskQuality(0.87654, 0.03, (Alarm.LEAK, Alarm.PROMPT))


def write(workspace, alarms, object_id=1):
    """Frames of one object with the alarms given by frame; returns the event."""
    workspace.put_object(ObjectInfo(object_id, "grasper"))
    event = workspace.record("propagate")
    for frame, raised in alarms.items():
        result = make_result(frame, (object_id,))
        item = replace(result.objects[object_id], quality=MaskQuality(0.8, 0.1, raised))
        workspace.write_frame(to_record(replace(result, objects={object_id: item})), event.event_id)
    return event


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
    write(workspace, {0: ()})
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


def test_alarms_are_told_as_spans(workspace):
    leak, both = (Alarm.LEAK,), (Alarm.LEAK, Alarm.SWITCH)
    write(workspace, {0: (), 4: leak, 5: both, 6: leak, 7: (), 30: leak})
    write(workspace, {5: (Alarm.LOST,)}, object_id=2)
    assert workspace.alarms() == [
        AlarmSpan(1, Alarm.LEAK, 4, 7),
        AlarmSpan(1, Alarm.SWITCH, 5, 6),
        AlarmSpan(2, Alarm.LOST, 5, 6),
        AlarmSpan(1, Alarm.LEAK, 30, 31),
    ]
    assert workspace.alarms(gap=30)[0] == AlarmSpan(1, Alarm.LEAK, 4, 31)


def test_what_a_person_accepted_or_undid_raises_no_alarm(workspace):
    event = write(workspace, {4: (Alarm.LEAK,), 60: (Alarm.LEAK,)})
    workspace.accept([1], 0, 10)
    assert workspace.alarms() == [AlarmSpan(1, Alarm.LEAK, 60, 61)]
    assert workspace.read_frame(4).objects[1].quality == MaskQuality(0.8, 0.1, (Alarm.LEAK,))
    workspace.undo(event.event_id)
    assert workspace.alarms() == []


def test_masks_of_removed_and_ended_objects_raise_none(workspace):
    write(workspace, {4: (Alarm.LEAK,), 60: (Alarm.LEAK,)})
    workspace.end_object(1, 50)
    assert workspace.alarms() == [AlarmSpan(1, Alarm.LEAK, 4, 5)]
    workspace.remove_object(1)
    assert workspace.alarms() == []


def test_confidence_of_the_timeline_is_one_minus_doubt(workspace):
    write(workspace, {0: (), 1: (Alarm.LEAK,)})
    row = workspace.timeline(1, 0, 2, 1)[0]
    assert row["min_confidence"] == pytest.approx(0.9)
    assert row["alarms"] == 1
