"""Integrity checks and copies of a workspace."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from sam2s.errors import DamagedWorkspaceError, WorkspaceError
from sam2s.files import replacing

from .connection import Database, translated
from .mask_table import MaskTable
from .merging import Claim, choose
from .version import Version


@dataclass
class WorkspaceReport:
    """Result of an integrity check or a repair.

    Attributes:
        problems: descriptions of what is wrong; empty if the workspace is intact.
        masks: number of intact masks.
        events: number of events.
        frames: number of frames.
        recovered: after a repair, number of recovered rows by table; otherwise empty.
        copy: after a repair, path of the copy of the damaged file.
    """

    problems: list[str] = field(default_factory=list)
    masks: int = 0
    events: int = 0
    frames: int = 0
    recovered: dict[str, int] = field(default_factory=dict)
    copy: Path | None = None

    @property
    def whole(self) -> bool:
        """Whether the workspace is intact."""
        return not self.problems


def check_workspace(database: Database, masks: MaskTable) -> WorkspaceReport:
    """Check the structure of the file, all checksums and counts, and the masks that are shown."""
    report = WorkspaceReport()
    with database.lock:
        connection = database.connection
        try:
            for (text,) in connection.execute("PRAGMA integrity_check(100)").fetchall():
                if text != "ok":
                    report.problems.append(f"structure: {text}")
            report.events = count_rows(connection, "events")
            report.frames = count_rows(connection, "frames")
            _check_masks(connection, masks, report)
            _check_counts(connection, report)
            _check_shown(connection, report)
        except sqlite3.Error as error:
            report.problems.append(f"structure: {error}")
    return report


def copy_database(database: Database, path: Path) -> None:
    """Copy a database atomically, while others may write to it.

    Raises:
        WorkspaceError: the path exists.
        OutputError: it cannot be written.
    """
    if path.exists():
        raise WorkspaceError(f"{path} exists already; give a new name for the copy")
    with database.lock, translated(path), replacing(path) as partial:
        target = sqlite3.connect(partial, isolation_level=None)
        try:
            database.connection.backup(target)
            target.execute("UPDATE writer SET token = NULL, holder = NULL")
        finally:
            target.close()


def check_event(database: Database, masks: MaskTable, event_id: int) -> None:
    """Check that no mask of an event was lost or changed.

    Raises:
        DamagedWorkspaceError: masks were lost or changed; the message says which.
    """
    with database.lock, translated(database.path):
        report = WorkspaceReport()
        _check_counts(database.connection, report, event_id)
        damaged = [key for key in damaged_versions(database.connection, masks) if key[2] == event_id]
    if damaged:
        object_id, frame, _ = damaged[0]
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        report.problems.append(f"the mask of object {object_id} on frame {frame}{more} is damaged")
    if report.problems:
        raise DamagedWorkspaceError(f"{database.path} lost what was written: {'; '.join(report.problems)}")


def _check_masks(connection: sqlite3.Connection, masks: MaskTable, report: WorkspaceReport) -> None:
    damaged = 0
    for object_id, frame, _ in damaged_versions(connection, masks):
        damaged += 1
        report.problems.append(f"the mask of object {object_id} on frame {frame} is damaged")
    report.masks = count_rows(connection, "versions") - damaged


def damaged_versions(connection: sqlite3.Connection, masks: MaskTable) -> Iterator[tuple[int, int, int]]:
    """Yield (object id, frame, event id) of every row with a wrong checksum, of itself or of its mask."""
    for *row, crc, blob, mask_crc in connection.execute(
        "SELECT object_id, frame, event_id, layer, barrier, versions.mask_id, area, state, iou, presence, prompted, "
        "prompt_distance, category_id, category_probability, expected_iou, doubt, alarms, "
        "versions.crc, masks.rle, masks.crc "
        "FROM versions LEFT JOIN masks USING (mask_id)"
    ):
        version = Version(*row)
        if version.mask_id is None:
            blob, mask_crc = b"", 0
        try:
            masks.check_row(version, crc, blob, mask_crc)
        except DamagedWorkspaceError:
            yield version.object_id, version.frame, version.event_id


def _check_counts(connection: sqlite3.Connection, report: WorkspaceReport, event_id: int | None = None) -> None:
    rows = connection.execute(
        "SELECT extents.event_id, extents.object_id, extents.count, COUNT(versions.frame) FROM extents LEFT JOIN "
        "versions ON versions.object_id = extents.object_id AND versions.event_id = extents.event_id "
        "AND versions.frame BETWEEN extents.first AND extents.last WHERE ?1 IS NULL OR extents.event_id = ?1 "
        "GROUP BY extents.event_id, extents.object_id",
        (event_id,),
    )
    for event, object_id, count, present in rows:
        if count != present:
            report.problems.append(f"{present} of {count} masks are left of object {object_id}, event {event}")
    for number, frames, present in connection.execute(
        "SELECT run_id, runs.frames, (SELECT COUNT(*) FROM frames) FROM runs WHERE ?1 IS NULL OR event_id = ?1",
        (event_id,),
    ):
        if frames > present:
            report.problems.append(f"{present} of {frames} frames are left of run {number}")


def _check_shown(connection: sqlite3.Connection, report: WorkspaceReport) -> None:
    shown = {
        (object_id, frame): event_id
        for object_id, frame, event_id in connection.execute(
            "SELECT object_id, frame, event_id FROM versions WHERE shown = 1"
        )
    }
    wrong = sum(shown.get(key) != event_id for key, event_id in chosen_events(connection))
    if wrong:
        report.problems.append(f"on {wrong} frames of objects another mask is shown than the merging rule says")


def chosen_events(connection: sqlite3.Connection) -> Iterator[tuple[tuple[int, int], int | None]]:
    """Yield ((object id, frame), event id) of the mask that the merging rule shows."""
    rows = connection.execute(
        "SELECT versions.object_id, versions.frame, versions.event_id, layer, prompt_distance, barrier FROM versions "
        "JOIN events USING (event_id) WHERE undone = 0 ORDER BY versions.object_id, versions.frame, versions.event_id"
    ).fetchall()
    for key, group in groupby(rows, key=lambda row: (row[0], row[1])):
        yield key, choose([Claim(row[2], row[3], row[4], bool(row[5])) for row in group])


def count_rows(connection: sqlite3.Connection, table: str) -> int:
    """Number of rows of a table."""
    return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])
