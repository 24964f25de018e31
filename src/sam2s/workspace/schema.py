"""The tables of a workspace, and migrations of older formats."""

from __future__ import annotations

import re
import sqlite3

from sam2s.errors import WorkspaceError
from sam2s.tracking.results import ObjectState

from .merging import Layer

APPLICATION_ID = 0x53324D53
"""Marks the file as a workspace: the letters S2MS."""
VERSION = 3
"""Of the tables, also in `PRAGMA user_version`."""
SCALE = 100_000
"""Predicted IoU, presence and category probability are stored as whole numbers of this part."""
STATES = {state: code for code, state in enumerate(ObjectState)}
"""Number of each state in the tables."""

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE writer (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  token TEXT, holder TEXT, seen REAL,  -- who may write, and when that process last did
  changes INTEGER NOT NULL             -- transactions so far
);
INSERT INTO writer VALUES (1, NULL, NULL, NULL, 0);
CREATE TABLE layers (layer INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE states (state INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE runs (
  run_id INTEGER PRIMARY KEY,
  event_id INTEGER NOT NULL,           -- under which the run writes its masks
  settings TEXT NOT NULL, weights TEXT NOT NULL, weights_hash TEXT NOT NULL,
  frames INTEGER NOT NULL DEFAULT 0,   -- that had masks when the run was saved last
  state TEXT NOT NULL, started TEXT NOT NULL, ended TEXT, machine TEXT NOT NULL
);
CREATE TABLE events (
  event_id INTEGER PRIMARY KEY AUTOINCREMENT,
  time TEXT NOT NULL, author TEXT, kind TEXT NOT NULL,
  frame INTEGER, object_id INTEGER, payload TEXT, run_id INTEGER,
  undone INTEGER NOT NULL DEFAULT 0    -- the event that took this one back, or 0
);
CREATE TABLE object_edits (            -- the newest value whose event was not taken back holds
  event_id INTEGER, object_id INTEGER, field TEXT, value,
  PRIMARY KEY (event_id, object_id, field)
) WITHOUT ROWID;
CREATE TABLE frames (frame INTEGER PRIMARY KEY, pts TEXT);  -- seconds as "num/den"
CREATE TABLE masks (
  mask_id INTEGER PRIMARY KEY,
  rle BLOB NOT NULL,                   -- COCO's compressed counts
  crc INTEGER NOT NULL                 -- CRC-32 of rle
);
CREATE TABLE categories (category_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE versions (                -- what each event said of an object on a frame; never changed but for `shown`
  object_id INTEGER, frame INTEGER, event_id INTEGER,
  layer INTEGER NOT NULL,
  barrier INTEGER NOT NULL,            -- 1: all older versions of (object_id, frame) are gone
  shown INTEGER NOT NULL,              -- 1 for the one of (object_id, frame) that holds, by the merging rule
  mask_id INTEGER,                     -- NULL in marks: deleted, cleared, unaccepted
  area INTEGER, state INTEGER,
  iou INTEGER, presence INTEGER,       -- in 1/100000
  prompted INTEGER NOT NULL,
  prompt_distance INTEGER,             -- 1 on the prompt's own frame, 2 on the next; in reverse -1, -2
  category_id INTEGER, category_probability INTEGER,
  crc INTEGER NOT NULL,                -- CRC-32 of all of the row but `shown`, and of the mask
  expected_iou INTEGER, doubt INTEGER, -- in 1/100000: calibrated IoU, probability that the true one is under 0.5
  alarms INTEGER,                      -- a bit for each kind, by its place in `sam2s.tracking.Alarm`
  PRIMARY KEY (object_id, frame, event_id)
) WITHOUT ROWID;
CREATE TABLE extents (                 -- how much each event wrote
  event_id INTEGER, object_id INTEGER,
  first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (event_id, object_id)
) WITHOUT ROWID;
CREATE TABLE video_marks (
  mark_id INTEGER PRIMARY KEY, event_id INTEGER NOT NULL,
  kind TEXT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, score REAL
);
"""
NOTABLE = "(layer > 0 OR state > 2 OR prompted OR alarms > 0)"
"""Rows of versions that say more than that an object was tracked. Few they are in a long video, so those that are shown
have an index of their own; a statement that repeats this condition and `shown = 1` literally is answered from it."""
_INDEX = (
    "CREATE INDEX notable_versions ON versions (shown, object_id, frame, layer, state, prompted, alarms) "
    f"WHERE shown = 1 AND {NOTABLE};"
)
_VIEW = """
CREATE VIEW shown_masks AS
  SELECT object_id, frame, frames.pts, layers.name AS layer, states.name AS state, area, iou / 100000.0 AS iou,
    presence / 100000.0 AS presence, prompted, categories.name AS category, event_id, masks.rle,
    expected_iou / 100000.0 AS expected_iou, doubt / 100000.0 AS doubt, alarms
  FROM versions JOIN masks USING (mask_id) JOIN frames USING (frame) JOIN layers USING (layer)
    JOIN states USING (state) LEFT JOIN categories USING (category_id)
  WHERE shown = 1;
"""

TABLES = (
    *("meta", "writer", "layers", "states", "runs", "events", "object_edits", "frames", "masks", "categories"),
    *("versions", "extents", "video_marks"),
)
"""All tables, in the order in which they are recovered."""

_MIGRATIONS: dict[int, str] = {
    1: "INSERT OR IGNORE INTO states VALUES (3, 'not_judged'), (4, 'uncertain'), (5, 'searching'); "
    "ALTER TABLE versions ADD COLUMN expected_iou INTEGER; ALTER TABLE versions ADD COLUMN doubt INTEGER; "
    "ALTER TABLE versions ADD COLUMN alarms INTEGER;",
    2: _INDEX,
}
"""What makes a workspace of version N one of version N + 1."""

_OLDER_ROWS: dict[int, str] = {
    1: "CREATE TEMP VIEW versions AS SELECT object_id, frame, event_id, layer, barrier, shown, mask_id, area, state, "
    "iou, presence, prompted, prompt_distance, category_id, category_probability, crc, NULL AS expected_iou, "
    "NULL AS doubt, NULL AS alarms FROM main.versions",
}
"""What lets a reader, who may not change the file, see a workspace of version N as one of the newest."""


def create_tables(connection: sqlite3.Connection) -> None:
    """Make empty tables within the open transaction."""
    # Comments stay here: what a file says of its tables has to fit its first page, which damage rarely hits.
    for statement in split(re.sub(r" *--[^\n]*", "", _TABLES) + _INDEX + _VIEW):
        connection.execute(statement)
    connection.executemany("INSERT INTO layers VALUES (?, ?)", [(int(layer), layer.name.lower()) for layer in Layer])
    connection.executemany("INSERT INTO states VALUES (?, ?)", [(code, str(state)) for state, code in STATES.items()])
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def drop_tables(connection: sqlite3.Connection) -> None:
    """Remove all tables within the open transaction."""
    connection.execute("DROP VIEW IF EXISTS shown_masks")
    for table in TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def check_version(connection: sqlite3.Connection, name: str) -> int:
    """Version of a workspace's tables.

    Raises:
        WorkspaceError: the file is not a workspace, or one of a newer sam2s.
    """
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise WorkspaceError(f"{name} is a database but no workspace of sam2s; give another folder")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise WorkspaceError(f"{name} has format {version}, this sam2s reads up to {VERSION}; install a newer sam2s")
    return version


def read_as_newest(connection: sqlite3.Connection, version: int) -> None:
    """Let a connection that only reads see a workspace of an older version as one of the newest."""
    if version in _OLDER_ROWS:
        connection.execute("PRAGMA query_only = OFF")
        connection.execute(_OLDER_ROWS[version])
        connection.execute("PRAGMA query_only = ON")


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring the tables from a version to the newest, within the open transaction."""
    for old in range(version, VERSION):
        for statement in split(_MIGRATIONS[old]):
            connection.execute(statement)
    connection.execute("DROP VIEW IF EXISTS shown_masks")
    connection.execute(_VIEW)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def split(script: str) -> list[str]:
    """Statements of a script; `executescript` would end the open transaction."""
    statements, start = [], 0
    for end in range(len(script)):
        if script[end] == ";" and sqlite3.complete_statement(script[start : end + 1]):
            statements.append(script[start : end + 1])
            start = end + 1
    return statements
