"""Which files beside a workspace were made from it; others are never touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from sam2s.errors import OutputError

from .connection import Database


class ExportTable:
    """The exports of a workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self._database.path.parent

    def names(self) -> list[str]:
        """Files and folders that were made."""
        return [str(row[0]) for row in self._database.query("SELECT name FROM exports ORDER BY name")]

    def check_free(self, names: Sequence[str]) -> None:
        """Refuse to replace what was not made from the workspace.

        Raises:
            OutputError: naming the file.
        """
        check_free(self.folder, names, self.names())

    def claim(self, kind: str, names: Sequence[str]) -> None:
        """Note files before they are made, so that a later export may replace them.

        Raises:
            OutputError: one is there and was not made from the workspace.
        """
        self.check_free(names)
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO exports VALUES (?, ?)", [(name, kind) for name in names])

    def remove(self) -> None:
        """Remove all that were made.

        Raises:
            OutputError: one cannot be removed.
        """
        for name in self.names():
            path = self.folder / name
            try:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(f"cannot remove {path}: {error.strerror or error}; give another --out") from error


def check_free(folder: Path, names: Sequence[str], ours: Sequence[str] = ()) -> None:
    """Refuse to replace files in a folder that are not ours.

    Raises:
        OutputError: naming the file.
    """
    for name in names:
        if os.path.lexists(folder / name) and name not in ours:
            raise OutputError(
                f"{folder / name} is there and is no export of the workspace in {folder}; move it or give another --out"
            )
