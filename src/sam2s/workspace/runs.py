"""Tracking runs in the database: what each was asked to do and how far it is."""

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
"""What `to_run` reads."""


class RunState(StrEnum):
    """How far a run is."""

    TRACKING = "tracking"
    FINISHED = "finished"


@dataclass(frozen=True)
class RunRecord:
    """One tracking run.

    Attributes:
        run_id: counted from 1.
        event_id: the event under which it writes its masks.
        settings: all that changes masks, as plain JSON.
        weights: name of the weights.
        weights_hash: hash of the weights.
        frames: how many frames it had written when it was saved last.
        state: how far it is.
        started, ended: in UTC, in ISO 8601; None before the end.
        machine: where it ran.
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
        """One run.

        Raises:
            WorkspaceError: there is none of this number.
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
        """Note how far a run is, and make all that was written so far durable."""
        ended = _now() if state is RunState.FINISHED else None
        with self._database.transaction(durable=True) as connection:
            connection.execute(
                "UPDATE runs SET state = ?, frames = ?, ended = ? WHERE run_id = ?", (str(state), frames, ended, run_id)
            )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def to_run(row: tuple[Any, ...]) -> RunRecord:
    """A run from its row.

    Raises:
        ValueError, TypeError: a value is damaged.
    """
    run_id, event_id, settings, weights, weights_hash, frames, state, started, ended, machine = row
    return RunRecord(
        *(run_id, event_id, json.loads(settings), weights, weights_hash, frames, RunState(state)),
        *(started, ended, machine),
    )
