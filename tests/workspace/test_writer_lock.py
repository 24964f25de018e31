"""Who may write to a workspace: whose lock is respected, whose is void, and how its holder is named."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sam2s.errors import WorkspaceInUseError
from sam2s.workspace import writer_lock
from sam2s.workspace.schema import create_tables
from sam2s.workspace.writer_lock import claim, release, say_holder


@pytest.fixture
def connection():
    """A workspace that nobody writes to."""
    connection = sqlite3.connect(":memory:")
    create_tables(connection)
    yield connection
    connection.close()


@pytest.fixture
def take(connection, tmp_path):
    """Take the lock with a token, and note it as open in this process: `take("a")`."""

    def claimed(token, *, take_over=False):
        return claim(connection, token, tmp_path / "case" / "masks.db", take_over=take_over)

    yield claimed
    writer_lock.OPEN.clear()


def row(connection):
    token, holder, seen = connection.execute("SELECT token, holder, seen FROM writer").fetchone()
    return token, None if holder is None else json.loads(holder), seen


def start_of(pid):
    """When a process began, in ticks of the system, as `man proc` says; None where there is no such file."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.read_text().rpartition(")")[2].split()[19] if stat.exists() else None


def held_by(connection, **changes):
    """Let the process that holds the lock be another one in some respects."""
    holder = {**row(connection)[1], **changes}
    connection.execute("UPDATE writer SET holder = ?", (json.dumps(holder),))


def test_a_free_lock_is_taken_by_this_process(connection, take):
    assert row(connection) == (None, None, None)
    assert take("a")
    token, holder, seen = row(connection)
    assert (token, holder["pid"], holder["host"]) == ("a", os.getpid(), socket.gethostname())
    assert seen > 1.7e9


def test_the_same_token_shares_the_lock_without_taking_it(connection, take):
    take("a")
    held_by(connection, program="the first of them")
    assert not take("a")
    assert row(connection)[1]["program"] == "the first of them"


def test_another_token_of_this_process_is_refused_only_while_it_is_open(connection, take, tmp_path):
    take("a")
    writer_lock.OPEN.add("a")
    with pytest.raises(WorkspaceInUseError) as caught:
        take("b")
    text = str(caught.value)
    assert text.startswith(f"another process is writing to {tmp_path / 'case'}: ")
    assert f"process {os.getpid()}, last seen 20" in text
    assert text.endswith(" UTC; wait for it, end it, or take the folder over with --take-over (take_over=True)")
    assert row(connection)[0] == "a"
    writer_lock.OPEN.discard("a")
    assert take("b"), "what could not be let go of, on a full disk, holds nothing"


def test_another_process_that_runs_is_respected(connection, take):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        take("a")
        held_by(connection, pid=process.pid, start=start_of(process.pid))
        with pytest.raises(WorkspaceInUseError, match=f"process {process.pid}, last seen"):
            take("b")
        assert take("b", take_over=True)
        assert row(connection)[0] == "b"
    finally:
        process.communicate(b"\n")


def test_a_process_that_has_ended_holds_nothing(connection, take):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    take("a")
    held_by(connection, pid=process.pid, start="1")
    assert take("b")
    held_by(connection, pid=process.pid)
    assert take("b"), "its own token of a process that ended is taken anew"
    assert row(connection)[1]["pid"] == os.getpid()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there it is known when a process began")
def test_a_number_that_is_used_again_is_another_process(connection, take):
    take("a")
    held_by(connection, pid=os.getppid(), start="a time long ago")
    assert take("b")


def test_a_process_on_another_machine_is_taken_to_run(connection, take):
    take("a")
    held_by(connection, host="elsewhere", pid=1)
    with pytest.raises(WorkspaceInUseError, match="on elsewhere, process 1"):
        take("b")
    assert take("b", take_over=True)


@pytest.mark.parametrize("holder", [None, "", "no JSON", "[1]", "{}"])
def test_a_holder_that_says_nothing_of_itself_holds_nothing(connection, take, holder):
    connection.execute("UPDATE writer SET token = 'a', holder = ?", (holder,))
    assert take("b")


def test_a_damaged_number_of_a_process_holds_nothing(connection, take):
    take("a")
    held_by(connection, pid=10**30, start="1")  # larger than any that the system can be asked about
    assert take("b")


def test_letting_go_frees_only_ones_own_lock(connection, take):
    take("a")
    release(connection, "b")
    assert row(connection)[0] == "a"
    release(connection, "a")
    assert row(connection)[:2] == (None, None)
    assert row(connection)[2] is not None, "when it was seen last is kept"


@pytest.mark.parametrize(
    ("holder", "seen", "text"),
    [
        (None, None, "a process that did not say who it is"),
        ("broken", 0.0, "a process that did not say who it is, last seen 1970-01-01 00:00:00 UTC"),
        (
            '{"program": "sam2s track", "user": "ann", "host": "or-3", "pid": 7}',
            86_461.0,
            "sam2s track of ann on or-3, process 7, last seen 1970-01-02 00:01:01 UTC",
        ),
    ],
)
def test_how_a_holder_is_named(holder, seen, text):
    assert say_holder(holder, seen) == text
