"""Quality in the workspace: written, read back, checked, carried through edits, and its alarms as spans."""

import pytest

from sam2s.tracking import Alarm, MaskQuality
from sam2s.workspace import AlarmSpan, Workspace
from workspace_tools import VIDEO, write_alarms


@pytest.fixture
def workspace(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as opened:
        yield opened


def test_alarms_are_told_as_spans(workspace):
    leak, both = (Alarm.LEAK,), (Alarm.LEAK, Alarm.SWITCH)
    write_alarms(workspace, {0: (), 4: leak, 5: both, 6: leak, 7: (), 30: leak})
    write_alarms(workspace, {5: (Alarm.LOST,)}, object_id=2)
    assert workspace.alarms() == [
        AlarmSpan(1, Alarm.LEAK, 4, 7),
        AlarmSpan(1, Alarm.SWITCH, 5, 6),
        AlarmSpan(2, Alarm.LOST, 5, 6),
        AlarmSpan(1, Alarm.LEAK, 30, 31),
    ]
    assert workspace.alarms(gap=30)[0] == AlarmSpan(1, Alarm.LEAK, 4, 31)


def test_what_a_person_accepted_or_undid_raises_no_alarm(workspace):
    event = write_alarms(workspace, {4: (Alarm.LEAK,), 60: (Alarm.LEAK,)})
    workspace.accept([1], 0, 10)
    assert workspace.alarms() == [AlarmSpan(1, Alarm.LEAK, 60, 61)]
    assert workspace.read_frame(4).objects[1].quality == MaskQuality(0.8, 0.1, (Alarm.LEAK,))
    workspace.undo(event.event_id)
    assert workspace.alarms() == []


def test_masks_of_removed_and_ended_objects_raise_none(workspace):
    write_alarms(workspace, {4: (Alarm.LEAK,), 60: (Alarm.LEAK,)})
    workspace.end_object(1, 50)
    assert workspace.alarms() == [AlarmSpan(1, Alarm.LEAK, 4, 5)]
    workspace.remove_object(1)
    assert workspace.alarms() == []


def test_confidence_of_the_timeline_is_one_minus_doubt(workspace):
    write_alarms(workspace, {0: (), 1: (Alarm.LEAK,)})
    row = workspace.timeline(1, 0, 2, 1)[0]
    assert row["min_confidence"] == pytest.approx(0.9)
    assert row["alarms"] == 1
