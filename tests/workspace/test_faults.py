"""Bad days of a workspace: kills, torn files, flipped bits, full disks; a named error, and what is left is kept."""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import result_tools
from result_tools import make_result, wandering
from sam2s.errors import DamagedWorkspaceError, OutputError, WorkspaceError
from sam2s.workspace import ObjectInfo, Workspace, schema, to_record
from sam2s.workspace import connection as connection_module
from workspace_tools import VIDEO, fill, masks_of


def test_a_kill_in_mid_write_loses_at_most_the_frame_in_work(tmp_path):
    script = f"""
import sys; sys.path.insert(0, {str(Path(result_tools.__file__).parent)!r})
from workspace_tools import *
with Workspace.create({str(tmp_path)!r}, VIDEO) as workspace:
    event = fill(workspace, [])
    for index in range(10**6):
        workspace.write_frame(to_record(make_result(index)), event)
        print(index, flush=True)
"""
    rng = random.Random(0)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        for _ in range(rng.randint(20, 60)):
            said = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    with Workspace.open(tmp_path, write=True) as workspace:
        indices = workspace.frame_indices()
        assert indices.tolist() == list(range(len(indices)))
        assert indices[-1] >= said
        assert all(np.array_equal(r.objects[1].mask, wandering(r.index, 1)) for r in workspace.frames())
        assert workspace.check().problems == []


def test_a_torn_log_loses_frames_from_its_end_only(tmp_path):
    """The write-ahead log cut anywhere, as after a power cut: whole transactions are left, in order."""
    workspace = Workspace.create(tmp_path / "a", VIDEO)
    fill(workspace, range(12))
    names = ("workspace.sqlite", "workspace.sqlite-wal")
    whole = {name: (tmp_path / "a" / name).read_bytes() for name in names}
    workspace.close()
    rng = random.Random(1)
    for number in range(12):
        folder = tmp_path / f"b{number}"
        folder.mkdir()
        log = whole["workspace.sqlite-wal"]
        cut = rng.randrange(len(log) // 2, len(log))
        torn = log[:cut] + bytes(rng.choice([0, 4096]))
        (folder / names[0]).write_bytes(whole[names[0]])
        (folder / names[1]).write_bytes(torn)
        with Workspace.open(folder, write=True, take_over=True) as workspace:
            indices = workspace.frame_indices().tolist()
            assert indices == list(range(len(indices)))
            assert len(indices) < 12
            assert workspace.check().problems == []


def flip(path, table, column, where):
    """Change one bit of a value behind the workspace's back."""
    connection = sqlite3.connect(path / "workspace.sqlite")
    value = connection.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()[0]
    changed = value ^ 4 if isinstance(value, int) else value[:3] + bytes([value[3] ^ 1]) + value[4:]
    connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (changed,))
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("table", "column", "where"),
    [
        ("masks", "rle", "mask_id = 9"),  # objects 1 and 2 alternate, so this is object 1 on frame 4
        ("masks", "crc", "mask_id = 9"),
        *(
            ("versions", column, "object_id = 1 AND frame = 4")
            for column in ("mask_id", "area", "state", "iou", "presence", "prompted", "layer", "crc")
        ),
    ],
)
def test_a_flipped_bit_is_named_and_repair_drops_only_that_mask(tmp_path, table, column, where):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        event = fill(workspace, range(8))
        before = masks_of(workspace)
    flip(tmp_path, table, column, where)
    with Workspace.open(tmp_path) as workspace:
        with pytest.raises(DamagedWorkspaceError, match=r"the mask of object 1 on frame 4 is damaged; .*repair"):
            list(workspace.frames())
        assert len(list(workspace.frames(object_ids=[2]))) == 8, "what is whole can be read"
        assert any("object 1 on frame 4 is damaged" in problem for problem in workspace.check().problems)
        with pytest.raises(DamagedWorkspaceError, match="lost what was written: the mask of object 1 on frame 4"):
            workspace.check_event(event)
    report = Workspace.repair(tmp_path)
    assert report.copy.exists()
    assert "1 masks were damaged" in report.problems
    with Workspace.open(tmp_path, write=True) as workspace:
        assert workspace.check().problems == []
        assert masks_of(workspace) == {key: value for key, value in before.items() if key != (1, 4)}


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


def test_damaged_pages_are_found_and_the_rest_is_saved(tmp_path):
    """Bytes overwritten anywhere: a result or a named error, and after a repair a whole workspace."""
    with Workspace.create(tmp_path / "good", VIDEO) as workspace:
        fill(workspace, range(120))
        before = masks_of(workspace)
    whole = (tmp_path / "good/workspace.sqlite").read_bytes()
    rng, saved, refused = random.Random(2), 0, 0
    for number in range(25):
        folder = tmp_path / f"bad{number}"
        folder.mkdir()
        data = bytearray(whole)
        for _ in range(rng.choice([1, 1, 3])):
            start = rng.randrange(100, len(data) - 200)
            data[start : start + rng.choice([1, 16, 200])] = rng.randbytes(rng.choice([1, 16, 200]))
        (folder / "workspace.sqlite").write_bytes(data[: len(whole)])
        try:
            with Workspace.open(folder) as workspace:
                shown = masks_of(workspace)
                problems = workspace.check().problems
            assert problems or all(before[key] == value for key, value in shown.items())
        except WorkspaceError:
            pass
        try:
            Workspace.repair(folder)
        except WorkspaceError:
            refused += 1
            assert list(folder.glob("workspace.damaged-*.sqlite")), "the copy is kept"
            continue
        with Workspace.open(folder, write=True) as workspace:
            assert workspace.check().problems == []
            after = masks_of(workspace)
            assert all(before[key] == value for key, value in after.items() if key in before)
            saved += len(after)
    assert saved > 0.3 * len(before) * (25 - refused)
    assert refused <= 5


def test_a_file_that_is_no_database_and_one_of_another_program(tmp_path):
    (tmp_path / "workspace.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(DamagedWorkspaceError, match=r"is damaged \(file is not a database\); `sam2s workspace repair"):
        Workspace.open(tmp_path)
    with Workspace.create(tmp_path, VIDEO, overwrite=True) as workspace:
        assert workspace.events() == []
    other = tmp_path / "other"
    other.mkdir()
    connection = sqlite3.connect(other / "workspace.sqlite")
    connection.execute("CREATE TABLE patients (name)")
    connection.close()
    for write in (False, True):
        with pytest.raises(WorkspaceError, match="is a database but no workspace of sam2s"):
            Workspace.open(other, write=write)
    with pytest.raises(WorkspaceError, match="is a database but no workspace of sam2s"):
        Workspace.create(other, VIDEO, overwrite=True)


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


def test_what_a_kill_left_of_a_workspace_that_was_being_made_is_in_nobodys_way(tmp_path):
    for content in (b"", None):
        path = tmp_path / "workspace.sqlite"
        if content is None:
            path.unlink()
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.close()
        else:
            path.write_bytes(content)
        assert not Workspace.exists(tmp_path)
        with Workspace.create(tmp_path, VIDEO) as workspace:
            fill(workspace, [0])
        connection_module.remove_database(path)
        path.touch()


def test_a_full_disk_is_said_and_what_is_saved_stays(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Workspace.create(tmp_path, VIDEO) as workspace:
        event = fill(workspace, [0])
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(f"{workspace.path}-wal"), limits[1]))
            with pytest.raises(OutputError, match=r"cannot write .*workspace.sqlite: .*; free space there or choose"):
                workspace.write_frame(to_record(make_result(1)), event)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        workspace.write_frame(to_record(make_result(2)), event)
        assert workspace.frame_indices().tolist() == [0, 2]
        assert workspace.check().whole


def test_a_folder_that_vanishes_is_noticed_at_once(tmp_path):
    workspace = Workspace.create(tmp_path / "a", VIDEO)
    event = fill(workspace, [0])
    (tmp_path / "a").rename(tmp_path / "b")
    with pytest.raises(OutputError, match="it was removed, moved or replaced while it was written to"):
        workspace.write_frame(to_record(make_result(1)), event)
    workspace.close()
    workspace.close()


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
