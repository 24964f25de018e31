"""What became of every job of an archive: one SQLite file beside the results."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sam2s.errors import OutputError, WorkspaceError
from sam2s.processes import locked

from .jobs import ArchiveJob

T = TypeVar("T")

FILE = "archive.sqlite"
SCHEMA = 1
_TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    name TEXT PRIMARY KEY, position INTEGER NOT NULL, job TEXT NOT NULL, digest TEXT NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, reason TEXT, fault TEXT,
    seconds REAL NOT NULL DEFAULT 0, frames INTEGER, place TEXT, started TEXT, ended TEXT
) WITHOUT ROWID
"""


class JobState(StrEnum):
    """How far a job is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class JobStatus:
    """A row of the manifest.

    Attributes:
        job: what is to be done.
        state: how far it is.
        attempts: how often it was begun since it was last changed or retried.
        reason: why the last attempt failed, or None.
        fault: kind of that fault, see `sam2s.archive.faults`, or None.
        seconds: work that all attempts took.
        frames: frames of its result, or None.
        place: machine and process, or node, that had it last.
        started, ended: UTC times of the last attempt, ISO 8601.
    """

    job: ArchiveJob
    state: JobState
    attempts: int = 0
    reason: str | None = None
    fault: str | None = None
    seconds: float = 0.0
    frames: int | None = None
    place: str | None = None
    started: str | None = None
    ended: str | None = None


class Manifest:
    """The jobs of an archive and their state; one driver writes, anybody reads.

    Every change is one transaction. Where the folder cannot be written for a moment, a change is tried again for
    `patience` seconds before it is given up.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: ExitStack, patience: float) -> None:
        """Use `create` or `read`."""
        self.path, self._connection, self._lock, self._patience = path, connection, lock, patience

    @classmethod
    def create(cls, folder: Path, jobs: Iterable[ArchiveJob], *, patience: float = 60.0) -> Self:
        """Open the manifest of an archive to write, and bring it up to date with the jobs file.

        New jobs are added, changed ones become pending again, and those that the file no longer names are dropped from
        the manifest; their results stay. What a driver that was killed left running is pending again.

        Raises:
            OutputError: the folder cannot be written, another driver works on it, or the manifest is damaged.
        """
        path = folder / FILE
        lock = ExitStack()
        lock.enter_context(locked(folder, mend="wait for that `sam2s archive run`, stop it, or give another --out"))
        try:
            connection = _connect(path)
            manifest = cls(path, connection, lock, patience)
            manifest._write(lambda c: _update_jobs(c, list(jobs)))
            return manifest
        except BaseException as error:
            lock.close()
            if isinstance(error, sqlite3.Error):
                raise _damaged(path, error) from error
            raise

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Open the manifest of an archive to look at, also while a driver works on it.

        Raises:
            OutputError: there is none, or it is damaged.
        """
        path = folder / FILE
        if not path.is_file():
            raise OutputError(f"{folder} holds no archive ({FILE} is missing); give the --out of `sam2s archive run`")
        try:
            return cls(path, _connect(path), ExitStack(), 10.0)
        except sqlite3.Error as error:
            raise _damaged(path, error) from error

    def statuses(self) -> list[JobStatus]:
        """All jobs in the order of the jobs file."""
        try:
            rows = self._connection.execute("SELECT * FROM jobs ORDER BY position").fetchall()
            return [_status(row) for row in rows]
        except (sqlite3.Error, ValueError, TypeError, LookupError) as error:
            raise _damaged(self.path, error) from error

    def mark_running(self, name: str) -> int:
        """Note that an attempt begins; returns its number, counted from 1."""

        def change(connection: sqlite3.Connection) -> int:
            connection.execute(
                "UPDATE jobs SET state = 'running', attempts = attempts + 1, started = ?, ended = NULL WHERE name = ?",
                (_now(), name),
            )
            return int(connection.execute("SELECT attempts FROM jobs WHERE name = ?", (name,)).fetchone()[0])

        return self._write(change)

    def mark_done(self, name: str, *, seconds: float, frames: int | None, place: str) -> None:
        """Note that a job is finished."""
        self._end(name, JobState.DONE, None, None, seconds, frames, place)

    def mark_failed(self, name: str, *, fault: str, reason: str, seconds: float, place: str) -> None:
        """Set a job aside."""
        self._end(name, JobState.FAILED, fault, reason, seconds, None, place)

    def mark_pending(self, name: str, *, fault: str, reason: str, seconds: float, place: str) -> None:
        """Note that an attempt failed and another will follow."""
        self._end(name, JobState.PENDING, fault, reason, seconds, None, place)

    def retry(self, names: Iterable[str] | None = None) -> int:
        """Make failed jobs pending again, all or some; returns how many.

        Raises:
            OutputError: a name is not that of a failed job.
        """
        failed = {status.job.name for status in self.statuses() if status.state is JobState.FAILED}
        wanted = failed if names is None else set(names)
        if unknown := sorted(wanted - failed):
            listed = ", ".join(sorted(failed)) or "none"
            raise OutputError(f"{unknown[0]!r} is not a failed job of {self.path.parent}; failed jobs: {listed}")
        self._write(
            lambda c: c.executemany(
                "UPDATE jobs SET state = 'pending', attempts = 0 WHERE name = ?", [(name,) for name in wanted]
            )
        )
        return len(wanted)

    def close(self) -> None:
        """Let go of the archive; idempotent."""
        self._connection.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end(
        self,
        name: str,
        state: JobState,
        fault: str | None,
        reason: str | None,
        seconds: float,
        frames: int | None,
        place: str,
    ) -> None:
        self._write(
            lambda c: c.execute(
                "UPDATE jobs SET state = ?, fault = ?, reason = ?, seconds = seconds + ?, "
                "frames = COALESCE(?, frames), place = ?, ended = ? WHERE name = ?",
                (state, fault, reason, seconds, frames, place, _now(), name),
            )
        )

    def _write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Do a change as one transaction, again and again while the folder cannot be written."""
        deadline = time.monotonic() + self._patience
        pause = 0.05
        while True:
            try:
                with self._connection:
                    return change(self._connection)
            except sqlite3.OperationalError as error:
                if time.monotonic() >= deadline:
                    raise OutputError(
                        f"cannot write {self.path}: {error}; all finished videos are safe. Free space there, or bring "
                        "the folder back, and start the same command again"
                    ) from error
                time.sleep(pause)
                pause = min(2.0, 2 * pause)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10.0, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        with connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, SCHEMA):
                raise OutputError(
                    f"{path} has schema {version}, this version of sam2s reads {SCHEMA}; update sam2s or give "
                    "another --out"
                )
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
    except BaseException:
        connection.close()
        raise
    return connection


def _update_jobs(connection: sqlite3.Connection, jobs: list[ArchiveJob]) -> None:
    digests = {row["name"]: row["digest"] for row in connection.execute("SELECT name, digest FROM jobs")}
    # A driver that was stopped is no fault of the job, so the attempt does not count.
    connection.execute("UPDATE jobs SET state = 'pending', attempts = MAX(0, attempts - 1) WHERE state = 'running'")
    for position, job in enumerate(jobs):
        digest, text = _digest(job), json.dumps(job.to_json())
        if job.name not in digests:
            connection.execute(
                "INSERT INTO jobs (name, position, job, digest, state) VALUES (?, ?, ?, ?, 'pending')",
                (job.name, position, text, digest),
            )
        elif digests[job.name] != digest:
            connection.execute(
                "UPDATE jobs SET position = ?, job = ?, digest = ?, state = 'pending', attempts = 0, reason = NULL, "
                "fault = NULL WHERE name = ?",
                (position, text, digest, job.name),
            )
        else:
            connection.execute("UPDATE jobs SET position = ? WHERE name = ?", (position, job.name))
    kept = {job.name for job in jobs}
    connection.executemany("DELETE FROM jobs WHERE name = ?", [(name,) for name in digests if name not in kept])


def _digest(job: ArchiveJob) -> str:
    """The digest of a job; one whose prompts cannot be read gets one all the same, and fails when it is done."""
    try:
        return job.digest()
    except (OSError, WorkspaceError):
        return f"unreadable {json.dumps(job.to_json(), sort_keys=True)}"


def _status(row: sqlite3.Row) -> JobStatus:
    fields: dict[str, Any] = {key: row[key] for key in row.keys() if key not in ("name", "position", "job", "digest")}  # noqa: SIM118
    return JobStatus(job=ArchiveJob.from_json(json.loads(row["job"])), **{**fields, "state": JobState(row["state"])})


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _damaged(path: Path, error: Exception) -> OutputError:
    return OutputError(
        f"{path} is damaged ({error}); move it away and start again: finished videos are found and not tracked again"
    )
