"""The connection to the database of a workspace: opening, locking and transactions."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sam2s.errors import DamagedWorkspaceError, OutputError, WorkspaceError, WorkspaceInUseError

from .schema import VERSION, check_version, create_tables, migrate, read_as_newest
from .writer_lock import OPEN, claim, release, say_holder

FILE = "workspace.sqlite"
BUSY_SECONDS = 30.0
"""Time that a transaction waits for one of another process; each takes milliseconds."""
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_READ", "SQLITE_IOERR_SHORT_READ", "SQLITE_IOERR_CORRUPTFS")


class Database:
    """One connection, which threads may share: statements and transactions are serialised.

    Attributes:
        path: path of the file.
        token: identifies the writer; processes with the same token write together. None when reading.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, token: str | None) -> None:
        """Use `open_database` or `create_database`."""
        self.path, self.token = path, token
        self.connection = connection
        self.lock = threading.RLock()
        self._depth = 0
        self._owns = False
        self._file = _identity(path)

    def query(self, sql: str, values: tuple[object, ...] | dict[str, object] = ()) -> list[tuple[object, ...]]:
        """Return all rows of a SELECT statement."""
        with self.lock, translated(self.path):
            return self.connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """Commit everything inside the block, or nothing; a nested transaction becomes part of the outer one.

        Args:
            durable: wait until this and all earlier transactions would survive a power cut.

        Raises:
            WorkspaceInUseError: another process has taken the workspace over.
            OutputError: the disk is full, read-only or gone.
        """
        if self.token is None:
            raise WorkspaceError(f"{self.path} is open for reading only; open it with write=True")
        with self.lock, translated(self.path):
            if self._depth:
                self._depth += 1
                try:
                    yield self.connection
                finally:
                    self._depth -= 1
                return
            self._check_there()
            if durable:
                self.connection.execute("PRAGMA synchronous = FULL")
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                self._depth = 1
                self._fence()
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self.connection.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0
                if durable:
                    with suppress(sqlite3.Error):
                        self.connection.execute("PRAGMA synchronous = NORMAL")

    def claim(self, *, take_over: bool) -> None:
        """Take the writer lock, and migrate an older format.

        Raises:
            WorkspaceInUseError: another process has it; the message names it.
        """
        assert self.token is not None
        with self.lock, translated(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                self._owns = claim(self.connection, self.token, self.path, take_over=take_over)
                OPEN.add(self.token)
                version = check_version(self.connection, str(self.path))
                if version < VERSION:
                    migrate(self.connection, version)
                self.connection.execute("COMMIT")
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Release the lock and close the file; idempotent."""
        with self.lock:
            try:
                if self.token is not None and self.path.exists():
                    with suppress(sqlite3.Error, OutputError):
                        if self._owns:
                            release(self.connection, self.token)
                        self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                if self._owns and self.token is not None:
                    OPEN.discard(self.token)
                self._owns = False
                self.connection.close()

    def shrink(self) -> None:
        """Give the space of removed rows back to the disk, if possible."""
        with self.lock, suppress(sqlite3.Error):
            self.connection.execute("VACUUM")

    def _fence(self) -> None:
        """Count the transaction; raises an error if another process took the writer lock."""
        ours = self.connection.execute(
            "UPDATE writer SET changes = changes + 1, seen = ? WHERE token = ?", (time.time(), self.token)
        )
        if ours.rowcount != 1:
            holder = self.connection.execute("SELECT holder, seen FROM writer").fetchone()
            raise WorkspaceInUseError(
                f"{self.path.parent} was taken over by {say_holder(*holder)}; nothing more is written from here"
            )

    def _check_there(self) -> None:
        """Raise an error if the file was removed or replaced, which SQLite does not notice."""
        if _identity(self.path) != self._file:
            raise OutputError(
                f"cannot write {self.path}: it was removed, moved or replaced while it was written to; "
                "put it back or choose another --out"
            )


def open_database(path: Path, *, token: str | None = None, take_over: bool = False) -> Database:
    """Open an existing workspace, to write if a token is given.

    Raises:
        WorkspaceError: there is none, or it is not one that this sam2s reads.
        WorkspaceInUseError: another process writes to it.
        DamagedWorkspaceError: the file is damaged.
    """
    if not path.is_file():
        raise WorkspaceError(f"{path.parent} holds no workspace: {path.name} is missing")
    with translated(path):
        connection = _connect(path, write=token is not None)
        try:
            version = check_version(connection, str(path))
            database = Database(path, connection, token)
            if token is None:
                read_as_newest(connection, version)
            else:
                database.claim(take_over=take_over)
            return database
        except BaseException:
            connection.close()
            raise


def create_database(path: Path, token: str) -> Database:
    """Create a new workspace at a path where there is none.

    Raises:
        OutputError: it cannot be written.
    """
    with translated(path):
        connection = _connect(path, write=True, create=True)
        try:
            connection.execute("BEGIN IMMEDIATE")
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():  # another process may have been first
                create_tables(connection)
            connection.execute("COMMIT")
            database = Database(path, connection, token)
            database.claim(take_over=False)
            return database
        except BaseException:
            connection.close()
            raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Convert errors of SQLite to those of sam2s.

    Raises:
        DamagedWorkspaceError: the file is damaged.
        WorkspaceInUseError: another process kept it for too long.
        OutputError: the disk is full, read-only or gone.
    """
    try:
        yield
    except sqlite3.Error as error:
        text, name = str(error), getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise WorkspaceInUseError(f"{path} is kept busy by another process ({text}); end it or wait") from error
        if name.startswith(_DAMAGE) and path.exists():
            raise DamagedWorkspaceError(
                f"{path} is damaged ({text}); `sam2s workspace repair {path.parent}` keeps a copy and recovers the rest"
            ) from error
        if isinstance(error, sqlite3.OperationalError):
            raise OutputError(f"cannot write {path}: {text}; free space there or choose another --out") from error
        raise
    except UnicodeDecodeError as error:  # a message of SQLite that quotes a damaged name
        raise DamagedWorkspaceError(
            f"{path} is damaged ({error.reason}); `sam2s workspace repair {path.parent}` keeps a copy and recovers "
            "the rest"
        ) from error
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; free space there or choose another --out"
        ) from error


@contextmanager
def decoded(path: Path) -> Iterator[None]:
    """Convert errors of decoding stored values to those of sam2s.

    Raises:
        DamagedWorkspaceError: a value cannot be decoded.
    """
    try:
        yield
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        raise DamagedWorkspaceError(
            f"{path} is damaged ({error}); `sam2s workspace repair {path.parent}` keeps a copy and recovers the rest"
        ) from error


def is_blank(path: Path) -> bool:
    """Whether nothing lies at the path, or what a process left that was killed before it made the first table."""
    try:
        if not path.stat().st_size:
            return True
        connection = _open(f"{path.resolve().as_uri()}?mode=ro")
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    try:
        return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
    except sqlite3.Error:  # damage, of which opening it will tell more
        return False
    finally:
        connection.close()


def remove_database(path: Path) -> None:
    """Remove the file and what SQLite keeps beside it; the file first, so that no log without it is ever taken in."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def _connect(path: Path, *, write: bool, create: bool = False) -> sqlite3.Connection:
    mode = "rwc" if create else "rw"  # a reader too, else it would leave the index of the log behind
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    connection = _open(uri)
    if not write:
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:  # a read-only folder has no room for the index of the write-ahead log
            wal = path.with_name(f"{path.name}-wal")
            connection.close()
            if wal.exists() and wal.stat().st_size:
                raise
            connection = _open(f"{path.resolve().as_uri()}?mode=ro&immutable=1")
        connection.execute("PRAGMA query_only = ON")
    else:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _open(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=True)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
