"""Recovering what can be read from a damaged workspace."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sam2s.errors import DamagedWorkspaceError, WorkspaceError

from .connection import FILE, create_database, remove_database, translated
from .event_log import EVENT_COLUMNS, object_info, to_event
from .health import WorkspaceReport, chosen_events, count_rows, damaged_versions
from .mask_table import MaskTable
from .records import to_fraction
from .runs import RUN_COLUMNS, to_run
from .schema import TABLES

_KEPT = ("writer", "layers", "states")
"""Tables that are created anew."""


def repair_workspace(folder: Path) -> WorkspaceReport:
    """Recover what can be read into a new workspace, and keep a copy of the damaged one, see `Workspace.repair`.

    Raises:
        WorkspaceError: there is none, or too little of it is left.
    """
    path = folder if folder.name == FILE else folder / FILE
    if not path.is_file():
        raise WorkspaceError(f"{path.parent} holds no workspace: {path.name} is missing")
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    kept = path.with_name(f"{path.stem}.damaged-{stamp}.sqlite")
    while kept.exists():
        kept = kept.with_name(f"{kept.stem}-again.sqlite")
    with translated(path):
        for suffix in ("", "-wal"):
            if path.with_name(path.name + suffix).exists():
                shutil.copyfile(path.with_name(path.name + suffix), kept.with_name(kept.name + suffix))
        fresh = path.with_name(f".repaired-{path.name}")
        remove_database(fresh)
        report = _recover(kept, fresh)
        report.copy = kept
        remove_database(path)
        fresh.replace(path)
    return report


def _recover(damaged: Path, fresh: Path) -> WorkspaceReport:
    report = WorkspaceReport()
    target = create_database(fresh, uuid.uuid4().hex)
    source = sqlite3.connect(damaged, isolation_level=None)
    try:
        with target.transaction() as connection:
            for table in TABLES:
                if table in _KEPT:
                    continue
                count = 0
                for row in _readable_rows(source, connection, table, report):
                    places = ", ".join("?" * len(row))
                    try:
                        connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({places})", row)
                        count += 1
                    except sqlite3.Error as error:
                        report.problems.append(f"{table}: a row was damaged ({error})")
                report.recovered[table] = count
            if not connection.execute("SELECT 1 FROM meta WHERE key = 'video'").fetchone():
                raise DamagedWorkspaceError(
                    f"{damaged} does not say any more which video it belongs to; the copy is kept, track anew"
                )
            _drop_damaged(connection, MaskTable(target), report)
            _recount(connection)
        return report
    except BaseException:
        target.close()
        remove_database(fresh)
        raise
    finally:
        source.close()
        target.close()


def _readable_rows(
    source: sqlite3.Connection, target: sqlite3.Connection, table: str, report: WorkspaceReport
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table from both ends up to the damage."""
    columns = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
    keys = [row[1] for row in sorted(target.execute(f"PRAGMA table_info({table})"), key=lambda row: row[5]) if row[5]]
    wanted = ", ".join(_wanted(source, table, columns))
    last: tuple[Any, ...] | None = None
    for direction, sign in (("ASC", ">"), ("DESC", "<")):
        key = ", ".join(keys)
        order = ", ".join(f"{name} {direction}" for name in keys)
        end = last if direction == "DESC" else None
        at: tuple[Any, ...] | None = None
        while True:
            bounds, values = [], list[Any]()
            if at is not None:
                bounds.append(f"({key}) {sign} ({', '.join('?' * len(keys))})")
                values += at
            if end is not None:
                bounds.append(f"({key}) > ({', '.join('?' * len(keys))})")
                values += end
            where = f"WHERE {' AND '.join(bounds)} " if bounds else ""
            try:
                rows = source.execute(
                    f"SELECT {wanted} FROM {table} {where}ORDER BY {order} LIMIT 1", values
                ).fetchall()
            except sqlite3.Error as error:
                report.problems.append(f"{table}: cannot be read beyond {at} ({error})")
                break
            if not rows:
                return
            key_of_row = tuple(rows[0][columns.index(name)] for name in keys)
            if at is not None and not _comes_after(key_of_row, at, direction):
                report.problems.append(f"{table}: out of order at {at}")
                break
            at = key_of_row
            if direction == "ASC":
                last = at
            yield rows[0]


def _wanted(source: sqlite3.Connection, table: str, columns: list[str]) -> list[str]:
    """Expressions for the columns of a table, NULL for those that an older format does not have."""
    try:
        present = {row[1] for row in source.execute(f"PRAGMA table_info({table})")}
    except sqlite3.Error:  # reading will tell more
        return columns
    return [name if name in present or not present else "NULL" for name in columns]


def _comes_after(key: tuple[Any, ...], before: tuple[Any, ...], direction: str) -> bool:
    try:
        return key > before if direction == "ASC" else key < before
    except TypeError:  # a damaged key may be of any kind
        return False


def _drop_damaged(connection: sqlite3.Connection, masks: MaskTable, report: WorkspaceReport) -> None:
    """Remove rows that cannot be decoded, and versions with a wrong mask or checksum."""
    _drop_unreadable(connection, report)
    bad = list(damaged_versions(connection, masks))
    if bad:
        report.problems.append(f"{len(bad)} masks were damaged")
    connection.executemany("DELETE FROM versions WHERE object_id = ? AND frame = ? AND event_id = ?", bad)
    _replace_lost_acts(connection, report)
    connection.execute(
        "INSERT OR IGNORE INTO categories SELECT DISTINCT category_id, 'category ' || category_id FROM versions "
        "WHERE category_id IS NOT NULL"
    )
    connection.execute("INSERT OR IGNORE INTO frames SELECT DISTINCT frame, NULL FROM versions")
    report.masks = count_rows(connection, "versions")
    report.events, report.frames = count_rows(connection, "events"), count_rows(connection, "frames")


def _replace_lost_acts(connection: sqlite3.Connection, report: WorkspaceReport) -> None:
    """Insert an event for each lost one that wrote masks, and an object for each without fields."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    statement = (
        "INSERT OR IGNORE INTO events (event_id, time, kind, payload) "
        "SELECT DISTINCT event_id, ?, 'propagate', '{\"recovered\": true}' FROM "
    )
    lost = sum(connection.execute(statement + table, (now,)).rowcount for table in ("versions", "object_edits"))
    if lost:
        report.problems.append(f"{lost} acts are lost of which masks are left")
    nameless = connection.execute(
        "INSERT INTO object_edits SELECT MIN(event_id), object_id, 'hidden', 0 FROM versions "
        "WHERE object_id NOT IN (SELECT object_id FROM object_edits) GROUP BY object_id"
    ).rowcount
    if nameless:
        report.problems.append(f"the names of {nameless} objects are lost")


def _drop_unreadable(connection: sqlite3.Connection, report: WorkspaceReport) -> None:
    checks: tuple[tuple[str, str, Callable[[tuple[Any, ...]], object], str], ...] = (
        ("frames", "frame, pts", lambda row: to_fraction(row[1]), "UPDATE frames SET pts = NULL WHERE frame = ?"),
        ("events", EVENT_COLUMNS, to_event, "DELETE FROM events WHERE event_id = ?"),
        ("runs", RUN_COLUMNS, to_run, "DELETE FROM runs WHERE run_id = ?"),
        ("object_edits", "event_id, field, value", _check_edit, "DELETE FROM object_edits WHERE event_id = ?"),
    )
    for table, columns, check, mend in checks:
        for row in connection.execute(f"SELECT {columns} FROM {table}").fetchall():
            try:
                check(row)
            except (ValueError, TypeError, LookupError, OverflowError):
                connection.execute(mend, row[:1])
                report.problems.append(f"{table}: {row[0]} was damaged")


def _check_edit(row: tuple[Any, ...]) -> None:
    object_info(1, {row[1]: row[2]})


def _recount(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM extents")
    connection.execute(
        "INSERT INTO extents SELECT event_id, object_id, MIN(frame), MAX(frame), COUNT(*) FROM versions "
        "GROUP BY event_id, object_id"
    )
    connection.execute("UPDATE versions SET shown = 0")
    chosen = [(*key, event_id) for key, event_id in chosen_events(connection) if event_id is not None]
    connection.executemany("UPDATE versions SET shown = 1 WHERE object_id = ? AND frame = ? AND event_id = ?", chosen)
