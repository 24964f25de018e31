"""The database under faults: kills, torn logs, full disks; one writer and many readers."""

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
from sam2s.errors import DamagedWorkspaceError, OutputError, WorkspaceError, WorkspaceInUseError
from sam2s.workspace import (
    FrameSpan,
    Workspace,
    to_record,
)
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


def test_a_transaction_is_written_whole_or_not_at_all(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace, Workspace.open(tmp_path) as reader:
        event = fill(workspace, [0])
        counter = reader.change_counter()

        def fail():
            with workspace.transaction():
                workspace.write_frame(to_record(make_result(1)), event)
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        assert reader.frame_indices().tolist() == [0]
        assert reader.change_counter() == counter
        with workspace.transaction():
            for index in (1, 2):
                workspace.write_frame(to_record(make_result(index)), event)
            assert reader.frame_indices().tolist() == [0]
        assert reader.frame_indices().tolist() == [0, 1, 2]
        assert reader.change_counter() == counter + 1


def test_one_writes_and_many_read(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, range(3))
        with pytest.raises(WorkspaceInUseError, match=r"another process is writing to .*, process \d+, last seen"):
            Workspace.open(tmp_path, write=True)
        with Workspace.open(tmp_path) as reader, pytest.raises(WorkspaceError, match="open for reading only"):
            reader.record("note")
        with Workspace.open(tmp_path, write=True, owner=workspace.owner) as partner:
            partner.record("note")
            workspace.record("note")
        with Workspace.open(tmp_path, write=True, take_over=True) as thief:
            with pytest.raises(WorkspaceInUseError, match=r"was taken over by .*; nothing more is written from here"):
                workspace.record("note")
            thief.record("note")
    with Workspace.open(tmp_path, write=True) as workspace:
        assert len(workspace.events(kinds=["note"])) == 3


def test_a_process_that_died_holds_nothing(tmp_path):
    script = (
        "import os, sys; from sam2s.workspace import *; "
        "w = Workspace.create(sys.argv[1], VideoIdentity('clip', 'f', (48, 64))); w.record('note'); "
        "print(w.owner, flush=True); sys.stdin.readline(); os._exit(9)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        with pytest.raises(WorkspaceInUseError, match=f"process {process.pid}"):
            Workspace.open(tmp_path, write=True)
        process.stdin.write("\n")
        process.stdin.flush()
        process.wait()
    with Workspace.open(tmp_path, write=True) as workspace:
        assert len(workspace.events()) == 1


def test_a_read_only_folder_can_be_read(tmp_path):
    with Workspace.create(tmp_path, VIDEO) as workspace:
        fill(workspace, [0])
        workspace.accept([1], 0, 1)
    tmp_path.chmod(0o500)
    try:
        with Workspace.open(tmp_path) as workspace:
            assert workspace.accepted(1) == [FrameSpan(0, 1)]
            assert masks_of(workspace)
    finally:
        tmp_path.chmod(0o700)
