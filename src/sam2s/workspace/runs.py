"""Tracking runs in the database: their settings and progress."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sam2s.errors import WorkspaceError

from .connection import Database, decoded
from .event_log import EventLog

RUN_COLUMNS = "run_id, event_id, settings, weights, weights_hash, frames, state, started, ended, machine"
"""Columns for `to_run`."""


class RunState(StrEnum):
    """State of a run."""

    TRACKING = "tracking"
    FINISHED = "finished"


@dataclass(frozen=True)
class RunRecord:
    """One tracking run.

    Attributes:
        run_id: from 1 up.
        event_id: the event under which its masks are written.
        settings: all settings that affect masks, as plain JSON.
        weights: name of the weights.
        weights_hash: hash of the weights.
        frames: number of frames that it had written when it was saved last.
        state: whether it has finished.
        started, ended: in UTC, in ISO 8601; `ended` is None before the end.
        machine: host and system on which it ran.
    """

    run_id: int
    event_id: int
    settings: dict[str, Any]
    weights: str
    weights_hash: str
    frames: int
    state: RunState
    started: str
    ended: str | None
    machine: str


class RunTable:
    """The runs of a workspace."""

    def __init__(self, database: Database, events: EventLog) -> None:
        self._database, self._events = database, events

    def all(self) -> list[RunRecord]:
        """All runs, the oldest first."""
        rows = self._database.query(f"SELECT {RUN_COLUMNS} FROM runs ORDER BY run_id")
        with decoded(self._database.path):
            return [to_run(row) for row in rows]

    def get(self, run_id: int) -> RunRecord:
        """Return one run.

        Raises:
            WorkspaceError: there is none with this id.
        """
        for run in self.all():
            if run.run_id == run_id:
                return run
        raise WorkspaceError(f"there is no run {run_id} in {self._database.path}")

    def begin(self, settings: Mapping[str, Any], weights: str, weights_hash: str) -> RunRecord:
        """Record a run before its first frame, and the event under which its masks are written."""
        with self._database.transaction(durable=True) as connection:
            run_id = int(connection.execute("SELECT COALESCE(MAX(run_id), 0) + 1 FROM runs").fetchone()[0])
            event = self._events.append("propagate", run_id=run_id)
            machine = f"{platform.node()}, {platform.system()} {platform.machine()}"
            connection.execute(
                "INSERT INTO runs (run_id, event_id, settings, weights, weights_hash, state, started, machine) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(run_id, event.event_id, json.dumps(dict(settings)), weights, weights_hash),
                    *(str(RunState.TRACKING), _now(), machine),
                ),
            )
        return self.get(run_id)

    def save(self, run_id: int, state: RunState, frames: int) -> None:
        """Record the progress of a run, and make everything written so far durable."""
        ended = _now() if state is RunState.FINISHED else None
        with self._database.transaction(durable=True) as connection:
            connection.execute(
                "UPDATE runs SET state = ?, frames = ?, ended = ? WHERE run_id = ?", (str(state), frames, ended, run_id)
            )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def to_run(row: tuple[Any, ...]) -> RunRecord:
    """Build a run from its row.

    Raises:
        ValueError, TypeError: a value is damaged.
    """
    run_id, event_id, settings, weights, weights_hash, frames, state, started, ended, machine = row
    return RunRecord(
        *(run_id, event_id, json.loads(settings), weights, weights_hash, frames, RunState(state)),
        *(started, ended, machine),
    )
