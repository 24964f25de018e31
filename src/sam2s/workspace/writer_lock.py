"""The writer lock of a workspace, held by one process, or by several with the same token.

The lock is a row of the workspace and is checked in each transaction, so that a process whose lock was taken over
cannot write another row. The lock of a process that has ended is void.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import sqlite3
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sam2s.errors import WorkspaceInUseError
from sam2s.files import is_alive

OPEN: set[str] = set()
"""Tokens of workspaces that this process has open; not those whose release failed, as on a full disk."""


def claim(connection: sqlite3.Connection, token: str, path: Path, *, take_over: bool) -> bool:
    """Take the lock within the open transaction; False if another process holds it with the same token.

    Raises:
        WorkspaceInUseError: another process holds it and runs.
    """
    held, holder, seen = connection.execute("SELECT token, holder, seen FROM writer").fetchone()
    if held == token and _runs(_read(holder)):
        return False
    ours = _read(holder).get("pid") == os.getpid() and held not in OPEN
    if held is not None and held != token and not take_over and not ours and _runs(_read(holder)):
        raise WorkspaceInUseError(
            f"another process is writing to {path.parent}: {say_holder(holder, seen)}; wait for it, end it, or take "
            "the folder over with --take-over (take_over=True)"
        )
    row = (token, json.dumps(_this_process()), time.time())
    connection.execute("UPDATE writer SET token = ?, holder = ?, seen = ?", row)
    return True


def release(connection: sqlite3.Connection, token: str) -> None:
    """Release the lock, if this token holds it."""
    connection.execute("UPDATE writer SET token = NULL, holder = NULL WHERE token = ?", (token,))


def say_holder(holder: str | None, seen: float | None) -> str:
    """Describe the process that holds the lock."""
    data = _read(holder)
    when = "" if seen is None else f", last seen {datetime.fromtimestamp(seen, UTC):%Y-%m-%d %H:%M:%S} UTC"
    if not data:
        return f"a process that did not say who it is{when}"
    return f"{data.get('program')} of {data.get('user')} on {data.get('host')}, process {data.get('pid')}{when}"


def _this_process() -> dict[str, Any]:
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user without a name, as in containers
        user = "an unnamed user"
    pid = os.getpid()
    program = " ".join([Path(sys.argv[0]).name or "python", *sys.argv[1:2]])[:80]
    return {"pid": pid, "start": _start_of(pid), "host": socket.gethostname(), "user": user, "program": program}


def _read(holder: str | None) -> dict[str, Any]:
    try:
        data = json.loads(holder or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _runs(holder: dict[str, Any]) -> bool:
    """Whether the holder still runs; assumed if it is on another machine."""
    pid = holder.get("pid")
    if not isinstance(pid, int) or holder.get("host") != socket.gethostname():
        return bool(holder)
    return is_alive(pid) and holder.get("start") == _start_of(pid)


def _start_of(pid: int) -> str | None:
    """Start time of a process, if the system provides it, to recognise reused process ids."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] == "Z":  # a zombie has ended, and is only not yet waited for
        return None
    return fields[19]
