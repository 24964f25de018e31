"""Whether a workspace is whole, copies of it, and what can be saved of one that is not."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from sam2s.errors import DamagedWorkspaceError, WorkspaceError

from .connection import FILE, Database, create_database, remove_database, translated
from .mask_table import MaskTable, Version
from .merging import Claim, choose
from .schema import TABLES

_KEPT = ("writer", "layers", "states")
"""Tables that are made anew."""
_ROWS = 500


@dataclass
class WorkspaceReport:
    """What was found in a workspace.

    Attributes:
        problems: what is wrong, in words; empty when it is whole.
        masks: masks that are whole.
        events: acts.
        frames: frames.
        recovered: after a repair, rows by table that were saved; empty else.
        copy: after a repair, where the damaged file is kept.
    """

    problems: list[str] = field(default_factory=list)
    masks: int = 0
    events: int = 0
    frames: int = 0
    recovered: dict[str, int] = field(default_factory=dict)
    copy: Path | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check_workspace(database: Database, masks: MaskTable) -> WorkspaceReport:
    """Look at the file's structure, every checksum, every count, and what is shown."""
    report = WorkspaceReport()
    with database.lock:
        connection = database.connection
        try:
            for (text,) in connection.execute("PRAGMA integrity_check(100)").fetchall():
                if text != "ok":
                    report.problems.append(f"structure: {text}")
            report.events = _count(connection, "events")
            report.frames = _count(connection, "frames")
            _check_masks(connection, masks, report)
            _check_counts(connection, report)
            _check_shown(connection, report)
        except sqlite3.Error as error:
            report.problems.append(f"structure: {error}")
    return report


def copy_database(database: Database, path: Path) -> None:
    """Copy a database that others may write to; the copy is whole or not there.

    Raises:
        WorkspaceError: something is at the path already.
        OutputError: it cannot be written.
    """
    if path.exists():
        raise WorkspaceError(f"{path} is there already; give a new name for the copy")
    partial = path.with_name(f".partial-{path.name}")
    with database.lock, translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        target = sqlite3.connect(partial, isolation_level=None)
        try:
            database.connection.backup(target)
            target.execute("UPDATE writer SET token = NULL, holder = NULL")
        finally:
            target.close()
        partial.replace(path)


def repair_workspace(folder: Path) -> WorkspaceReport:
    """Keep a copy of a damaged workspace and make a new one of what can be read, see `Workspace.repair`.

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
    """Rows of a table from both ends up to where it is damaged."""
    columns = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
    keys = [row[1] for row in sorted(target.execute(f"PRAGMA table_info({table})"), key=lambda row: row[5]) if row[5]]
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
                    f"SELECT {', '.join(columns)} FROM {table} {where}ORDER BY {order} LIMIT 1", values
                ).fetchall()
            except sqlite3.Error as error:
                report.problems.append(f"{table}: cannot be read beyond {at} ({error})")
                break
            if not rows:
                return
            at = tuple(rows[0][columns.index(name)] for name in keys)
            if direction == "ASC":
                last = at
            yield rows[0]


def _drop_damaged(connection: sqlite3.Connection, masks: MaskTable, report: WorkspaceReport) -> None:
    """Remove versions whose mask or checksum is wrong, or whose act is lost."""
    bad = [key for key, _ in _damaged_versions(connection, masks, report)]
    connection.executemany("DELETE FROM versions WHERE object_id = ? AND frame = ? AND event_id = ?", bad)
    lost = connection.execute("DELETE FROM versions WHERE event_id NOT IN (SELECT event_id FROM events)").rowcount
    if lost:
        report.problems.append(f"{lost} masks belonged to acts that are lost")
    connection.execute(
        "INSERT OR IGNORE INTO categories SELECT DISTINCT category_id, 'category ' || category_id FROM versions "
        "WHERE category_id IS NOT NULL"
    )
    connection.execute("INSERT OR IGNORE INTO frames SELECT DISTINCT frame, NULL FROM versions")
    report.masks = _count(connection, "versions")
    report.events, report.frames = _count(connection, "events"), _count(connection, "frames")


def _recount(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM extents")
    connection.execute(
        "INSERT INTO extents SELECT event_id, object_id, MIN(frame), MAX(frame), COUNT(*) FROM versions "
        "GROUP BY event_id, object_id"
    )
    connection.execute("UPDATE versions SET shown = 0")
    chosen = [(*key, event_id) for key, event_id in _chosen(connection) if event_id is not None]
    connection.executemany("UPDATE versions SET shown = 1 WHERE object_id = ? AND frame = ? AND event_id = ?", chosen)


def _check_masks(connection: sqlite3.Connection, masks: MaskTable, report: WorkspaceReport) -> None:
    damaged = 0
    for key, text in _damaged_versions(connection, masks, report):
        damaged += 1
        report.problems.append(f"object {key[0]} on frame {key[1]}: {text}")
    report.masks = _count(connection, "versions") - damaged


def _damaged_versions(
    connection: sqlite3.Connection, masks: MaskTable, report: WorkspaceReport
) -> Iterator[tuple[tuple[int, int, int], str]]:
    for *row, crc, blob, mask_crc in connection.execute(
        "SELECT object_id, frame, event_id, layer, barrier, versions.mask_id, area, state, iou, presence, prompted, "
        "prompt_distance, category_id, category_probability, versions.crc, masks.rle, masks.crc "
        "FROM versions LEFT JOIN masks USING (mask_id)"
    ):
        version = Version(*row)
        if version.mask_id is None:
            blob, mask_crc = b"", 0
        try:
            masks.check_row(version, crc, blob, mask_crc)
        except DamagedWorkspaceError:
            yield (version.object_id, version.frame, version.event_id), "the mask is damaged"


def _check_counts(connection: sqlite3.Connection, report: WorkspaceReport) -> None:
    rows = connection.execute(
        "SELECT extents.event_id, extents.object_id, extents.count, COUNT(versions.frame) FROM extents LEFT JOIN "
        "versions ON versions.object_id = extents.object_id AND versions.event_id = extents.event_id "
        "AND versions.frame BETWEEN extents.first AND extents.last GROUP BY extents.event_id, extents.object_id"
    )
    for event_id, object_id, count, present in rows:
        if count != present:
            report.problems.append(f"object {object_id}: event {event_id} wrote {count} masks, {present} are there")
    for number, frames, present in connection.execute(
        "SELECT run_id, runs.frames, (SELECT COUNT(*) FROM frames) FROM runs"
    ):
        if frames > present:
            report.problems.append(f"run {number} wrote {frames} frames, {present} are there")


def _check_shown(connection: sqlite3.Connection, report: WorkspaceReport) -> None:
    shown = {
        (object_id, frame): event_id
        for object_id, frame, event_id in connection.execute(
            "SELECT object_id, frame, event_id FROM versions WHERE shown = 1"
        )
    }
    wrong = sum(shown.get(key) != event_id for key, event_id in _chosen(connection))
    if wrong:
        report.problems.append(f"on {wrong} frames of objects another mask is shown than the merging rule says")


def _chosen(connection: sqlite3.Connection) -> Iterator[tuple[tuple[int, int], int | None]]:
    rows = connection.execute(
        "SELECT versions.object_id, versions.frame, versions.event_id, layer, prompt_distance, barrier FROM versions "
        "JOIN events USING (event_id) WHERE undone = 0 ORDER BY versions.object_id, versions.frame, versions.event_id"
    ).fetchall()
    for key, group in groupby(rows, key=lambda row: (row[0], row[1])):
        yield key, choose([Claim(row[2], row[3], row[4], bool(row[5])) for row in group])


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])
