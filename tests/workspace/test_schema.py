"""Formats of workspaces: older ones are read, repaired and migrated, newer ones are refused."""

import pytest

from sam2s.errors import WorkspaceError
from sam2s.workspace import Workspace, schema
from sam2s.workspace import connection as connection_module
from workspace_tools import VIDEO, fill, masks_of


def make_first_format(folder):
    """A workspace as the first version of the tables held it."""
    with Workspace.create(folder, VIDEO) as workspace:
        fill(workspace, [0, 1])
        database = workspace._database
        with database.lock, database.connection as connection:
            connection.execute("DELETE FROM states WHERE state > 2")
            connection.execute("DROP VIEW shown_masks")
            connection.execute("DROP INDEX notable_versions")
            for column in ("expected_iou", "doubt", "alarms"):
                connection.execute(f"ALTER TABLE versions DROP COLUMN {column}")
            connection.execute("PRAGMA user_version = 1")
            return masks_of_rows(connection)


def masks_of_rows(connection):
    return connection.execute("SELECT object_id, frame, crc FROM versions ORDER BY 1, 2").fetchall()


def make_second_format(folder):
    """A workspace as the second version of the tables held it; returns its given frames."""
    with Workspace.create(folder, VIDEO) as workspace:
        fill(workspace, range(6))
        workspace.accept([1], 2, 4)
        given = workspace.given_frames(1)
        database = workspace._database
        with database.lock, database.connection as connection:
            connection.execute("DROP INDEX notable_versions")
            connection.execute("PRAGMA user_version = 2")
        return given


def test_one_of_a_newer_sam2s_is_refused_and_an_older_one_migrated(tmp_path, monkeypatch):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, [0])
    monkeypatch.setattr(schema, "VERSION", 0)
    with pytest.raises(WorkspaceError, match="has format 3, this sam2s reads up to 0; install a newer sam2s"):
        Workspace.open(tmp_path)
    for module in (schema, connection_module):
        monkeypatch.setattr(module, "VERSION", 5)
    steps = {3: "CREATE TABLE extra (a); INSERT INTO extra VALUES (';');", 4: "ALTER TABLE extra ADD COLUMN b;"}
    monkeypatch.setattr(schema, "_MIGRATIONS", steps)
    with Workspace.open(tmp_path, write=True) as workspace:
        assert workspace._database.query("SELECT a, b FROM extra") == [(";", None)]
        assert workspace._database.query("PRAGMA user_version") == [(5,)]
        assert len(masks_of(workspace)) == 2


def test_one_of_the_first_format_learns_the_states_and_columns_that_came_later(tmp_path):
    rows = make_first_format(tmp_path)
    with Workspace.open(tmp_path, write=True) as workspace:
        names = workspace._database.query("SELECT name FROM states ORDER BY state")
        assert names == [("visible",), ("occluded",), ("absent",), ("not_judged",), ("uncertain",), ("searching",)]
        assert workspace.check().problems == []  # checksums of rows without the later columns hold
        assert masks_of_rows(workspace._database.connection) == rows
        assert all(entry.quality is None for record in workspace.frames() for entry in record.objects.values())
        assert workspace._database.query("SELECT doubt, alarms FROM shown_masks LIMIT 1") == [(None, None)]


def test_one_of_the_first_format_can_be_read_and_repaired_without_being_changed(tmp_path):
    make_first_format(tmp_path)
    before = (tmp_path / "workspace.sqlite").read_bytes()
    with Workspace.open(tmp_path) as workspace:
        assert len(masks_of(workspace)) == 4
        assert workspace.check().problems == []
        assert workspace.timeline(1, 0, 2, 1)["frames"][0] == 2
    assert (tmp_path / "workspace.sqlite").read_bytes() == before
    report = Workspace.repair(tmp_path)
    assert (report.masks, report.problems) == (4, [])
    with Workspace.open(tmp_path) as workspace:
        assert len(masks_of(workspace)) == 4


def test_one_of_the_second_format_gets_the_index_when_it_is_opened_to_write(tmp_path):
    given = make_second_format(tmp_path)
    with Workspace.open(tmp_path, write=True) as workspace:
        assert [frame for frame, _, _ in given] == [2, 3]
        assert workspace.given_frames(1) == given
        assert workspace.check().problems == []  # SQLite compares the index with its table
        assert workspace._database.query("PRAGMA user_version") == [(schema.VERSION,)]
        asked = []
        workspace._database.connection.set_trace_callback(asked.append)
        workspace.given_frames(1)
        workspace.timeline(1, 0, 6, 2)
        workspace.alarms()
        workspace._database.connection.set_trace_callback(None)
        plans = [str(workspace._database.query(f"EXPLAIN QUERY PLAN {statement}")) for statement in asked]
        assert [("USING COVERING INDEX notable_versions" in plan) for plan in plans] == [
            *(True, False, True),  # given frames; tracked frames and notable ones of the timeline
            *(False, True),  # objects, alarms
        ]


def test_one_of_the_second_format_can_be_read_and_repaired_without_being_changed(tmp_path):
    given = make_second_format(tmp_path)
    before = (tmp_path / "workspace.sqlite").read_bytes()
    with Workspace.open(tmp_path) as workspace:
        assert workspace.given_frames(1) == given
        assert workspace.timeline(1, 0, 6, 1)["accepted"][0] == 2
    assert (tmp_path / "workspace.sqlite").read_bytes() == before
    Workspace.repair(tmp_path)
    with Workspace.open(tmp_path) as workspace:
        assert workspace.given_frames(1) == given
        assert workspace._database.query("PRAGMA index_list(versions)")[0][1] == "notable_versions"
