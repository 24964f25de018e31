"""A workspace keeps what it is given: frames, objects, acts; written by one, read by many."""

import json

import pytest

from sam2s.errors import OutputError, WorkspaceError
from sam2s.workspace import (
    ObjectInfo,
    Workspace,
)
from workspace_tools import VIDEO, fill


def test_objects_are_what_was_said_last_and_come_back_after_undo(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, range(10))
        workspace.put_object(ObjectInfo(2, "hook", 1, (1, 2, 3), hidden=True, locked=True))
        workspace.put_object(ObjectInfo(2, "clip applier", 1, (1, 2, 3), hidden=True))
        assert workspace.objects()[1] == ObjectInfo(2, "clip applier", 1, (1, 2, 3), hidden=True)
        assert workspace.events()[-1].payload == {"name": "clip applier", "locked": False}
        workspace.undo()
        assert workspace.objects()[1].name == "hook"
        workspace.end_object(2, 6, author="ana")
        assert [index for index in range(10) if 2 in workspace.read_frame(index).objects] == list(range(6))
        assert workspace.events()[-1].author == "ana"
        workspace.remove_object(2)
        assert [info.object_id for info in workspace.objects()] == [1]
        assert [info.object_id for info in workspace.objects(removed=True)] == [1, 2]
        assert all(2 not in record.objects for record in workspace.frames())
        assert workspace.next_object_id() == 3
        workspace.undo()
        workspace.undo()
        assert all(2 in record.objects for record in workspace.frames())
        with pytest.raises(WorkspaceError, match="there is no object 7; objects: 1, 2"):
            workspace.remove_object(7)
        with pytest.raises(WorkspaceError, match="object id 0 is not allowed; ids begin at 1"):
            workspace.put_object(ObjectInfo(0))


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(WorkspaceError, match=r"holds no workspace: workspace\.sqlite is missing"):
        Workspace.open(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*file"):
        Workspace.create(tmp_path / "file" / "in", VIDEO)
    Workspace.create(tmp_path, VIDEO).close()
    with pytest.raises(WorkspaceError, match="holds a workspace already; open it"):
        Workspace.create(tmp_path, VIDEO)
    assert Workspace.exists(tmp_path)
    assert not Workspace.exists(tmp_path / "file")


def test_video_marks_of_a_kind_replace_older_ones(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        workspace.put_video_marks({"cut": [(5, 6, 0.5), (2, 3, None)]})
        workspace.put_video_marks({"blur": [(1, 9, 0.1)]})
        workspace.put_video_marks({"cut": [(7, 8, 1.0)]})
        assert workspace.video_marks("cut") == [(7, 8, 1.0)]
        workspace.undo()
        assert workspace.video_marks("cut") == [(2, 3, None), (5, 6, 0.5)]
        assert workspace.video_marks("blur") == [(1, 9, 0.1)]


def test_video_marks_of_several_kinds_are_one_act(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        workspace.put_video_marks({"cut": [(5, 6, None)]})
        act = workspace.put_video_marks({"cut": [], "black": [(1, 2, 0.5)]}, author="Ada")
        assert [event.event_id for event in workspace.events()][-1] == act.event_id
        assert (workspace.video_marks("cut"), workspace.video_marks("black")) == ([], [(1, 2, 0.5)])
        workspace.undo()
        assert (workspace.video_marks("cut"), workspace.video_marks("black")) == ([(5, 6, None)], [])
        workspace.record("video_mark", payload={"kind": "smoke"})  # as written before marks of kinds were one act
        assert workspace.video_marks("cut") == [(5, 6, None)]


def test_what_lies_in_the_file_can_be_read_by_any_sqlite(tmp_path):
    import sqlite3

    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, [0])
    connection = sqlite3.connect(tmp_path / "workspace.sqlite")
    row = connection.execute("SELECT object_id, frame, pts, layer, state, iou, category FROM shown_masks").fetchone()
    assert row == (1, 0, "0/1", "propagated", "visible", 0.9, "grasper")
    assert json.loads(connection.execute("SELECT value FROM meta").fetchone()[0])["fps"] == "30000/1001"
    connection.close()
