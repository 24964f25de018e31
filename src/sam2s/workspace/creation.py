"""Emptying and removing workspaces."""

from __future__ import annotations

from pathlib import Path

from sam2s.errors import DamagedWorkspaceError

from .connection import FILE, Database, create_database, open_database, remove_database, translated
from .schema import create_tables, drop_tables


def forget(folder: Path) -> None:
    """Remove the workspace in a folder, if there is one; other files are kept.

    Raises:
        OutputError: it cannot be removed.
    """
    with translated(folder / FILE):
        remove_database(folder / FILE)


def emptied_database(path: Path, token: str, take_over: bool) -> Database:
    """Open a workspace for writing and delete its content."""
    try:
        database = open_database(path, token=token, take_over=take_over)
    except DamagedWorkspaceError:
        remove_database(path)
        return create_database(path, token)
    try:
        with database.transaction(durable=True) as connection:
            lock = connection.execute("SELECT token, holder, seen, changes FROM writer").fetchone()
            drop_tables(connection)
            create_tables(connection)
            connection.execute("UPDATE writer SET token = ?, holder = ?, seen = ?, changes = ?", lock)
        database.shrink()
        return database
    except BaseException:
        database.close()
        raise
