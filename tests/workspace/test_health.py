"""Checks of a workspace, and copies of it."""

import sqlite3

import pytest

from result_tools import make_result
from sam2s.errors import DamagedWorkspaceError, WorkspaceError
from sam2s.workspace import ObjectInfo, Workspace, to_record
from workspace_tools import VIDEO, fill, flip, masks_of


def test_another_mask_shown_than_the_rule_says_is_found_and_mended(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, range(3))
        workspace.accept([1], 1, 2)
        before = masks_of(workspace)
    flip(tmp_path, "versions", "shown", "object_id = 1 AND frame = 1 AND layer = 0")
    flip(tmp_path, "versions", "shown", "object_id = 1 AND frame = 1 AND layer = 4")
    with Workspace.open(tmp_path) as workspace:
        assert "on 1 frames of objects another mask is shown than the merging rule says" in workspace.check().problems
    Workspace.repair(tmp_path)
    with Workspace.open(tmp_path) as workspace:
        assert workspace.check().whole
        assert masks_of(workspace) == before


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("DELETE FROM versions WHERE frame IN (3, 4)", "5 of 7 masks are left of object 1, event"),
        ("DELETE FROM masks WHERE mask_id = 3", "the mask of object 1 on frame 1 is damaged"),
        ("DELETE FROM frames WHERE frame > 2", "3 of 7 frames are left of run 1"),
    ],
)
def test_lost_rows_are_noticed(tmp_path, loss, message):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        workspace.put_object(ObjectInfo(1))
        run = workspace.runs.begin({}, "micro", "")
        for index in range(7):
            workspace.write_frame(to_record(make_result(index)), run.event_id)
        workspace.runs.save(run.run_id, run.state, 7)
        workspace.check_event(run.event_id)
    connection = sqlite3.connect(tmp_path / "workspace.sqlite")
    connection.execute(loss)
    connection.commit()
    connection.close()
    with Workspace.open(tmp_path) as workspace:
        with pytest.raises(DamagedWorkspaceError, match=message):
            workspace.check_event(run.event_id)
        assert any(message.removesuffix(", event") in problem for problem in workspace.check().problems)


def test_a_backup_of_a_workspace_in_use_is_whole(tmp_path):
    with Workspace.create(tmp_path / "a", VIDEO) as workspace:
        event = fill(workspace, range(5))
        (tmp_path / "b").mkdir()
        workspace.backup(tmp_path / "b/workspace.sqlite")
        workspace.write_frame(to_record(make_result(5)), event)
        with pytest.raises(WorkspaceError, match="exists already; give a new name for the copy"):
            workspace.backup(tmp_path / "b/workspace.sqlite")
    with Workspace.open(tmp_path / "b", write=True) as copy:
        assert copy.frame_indices().tolist() == [0, 1, 2, 3, 4]
        assert copy.check().whole
        assert copy.video == VIDEO
