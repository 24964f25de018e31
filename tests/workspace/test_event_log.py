"""Events: appended in order, undone and redone."""

import pytest

from sam2s.errors import WorkspaceError
from sam2s.workspace import (
    Workspace,
)
from workspace_tools import VIDEO


def test_events_are_noted_in_order_and_survive(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        first = workspace.record("prompt", frame=3, object_id=1, payload={"points": [[1, 2]]}, author="ana")
        workspace.record("note", payload={"text": "ü"})
        with pytest.raises(WorkspaceError, match="event kind 'dance' is not known; allowed are prompt, clear"):
            workspace.record("dance")
        with pytest.raises(WorkspaceError, match="payload of a note event is not JSON"):
            workspace.record("note", payload={"x": float("nan")})
    with Workspace.open(tmp_path) as workspace:
        events = workspace.events()
        assert events[0] == first
        assert [event.kind for event in events] == ["prompt", "note"]
        assert [event.kind for event in workspace.events(since=first.event_id)] == ["note"]
        assert [event.kind for event in workspace.events(kinds=["prompt"])] == ["prompt"]


def test_undo_and_redo_go_back_and_forth_until_something_new_is_done(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        assert workspace.undo() is None
        assert workspace.redo() is None
        acts = [workspace.record("prompt", frame=i).event_id for i in range(3)]
        workspace.record("note")
        assert [workspace.undo().event_id for _ in range(2)] == [acts[2], acts[1]]
    with Workspace.open(tmp_path, write=True) as workspace:
        assert workspace.redo().event_id == acts[1]
        assert workspace.redo().event_id == acts[2]
        assert workspace.redo() is None
        assert workspace.undo(acts[0]).event_id == acts[0]
        with pytest.raises(WorkspaceError, match=rf"event {acts[0]} was taken back before; redo\({acts[0]}\)"):
            workspace.undo(acts[0])
        workspace.record("clear", frame=1)
        assert workspace.redo() is None, "something new was done"
        assert workspace.redo(acts[0]).undone == 0
        with pytest.raises(WorkspaceError, match="was not taken back; there is nothing to do again"):
            workspace.redo(acts[0])
        with pytest.raises(WorkspaceError, match="there is no event 99"):
            workspace.undo(99)
        note = workspace.events(kinds=["note"])[0].event_id
        with pytest.raises(WorkspaceError, match="is of kind note, which is not taken back"):
            workspace.undo(note)
