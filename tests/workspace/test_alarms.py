"""Quality in the workspace: written, read back, checked, carried through edits, and its alarms as spans."""

from dataclasses import replace

import pytest

from result_tools import make_result
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
