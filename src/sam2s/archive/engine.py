"""What an engine is: something that has workers, takes tasks, and tells what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .faults import Fault
from .jobs import ArchiveJob


@dataclass(frozen=True)
class Attempt:
    """One attempt at one job, as it goes to a worker; small and picklable.

    Attributes:
        job: what to do.
        out: folder of its workspace and exports.
        attempt: number of the attempt, counted from 1.
    """

    job: ArchiveJob
    out: Path
    attempt: int


@dataclass(frozen=True)
class WorkerSettings:
    """What all workers of an archive have in common.

    Attributes:
        weights: for jobs that name none.
        exports: kinds of exports to make of each video.
        device: of the network: "auto", "cpu", "cuda", ...; an engine with several devices numbers them.
        threads: processor threads of each worker, or None for an equal share.
        memory: bytes that a worker may use, or None.
    """

    weights: str = "micro"
    exports: tuple[str, ...] = ()
    device: str = "auto"
    threads: int | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Progress:
    """A sign of life of a task: frames done, and frames in all or None."""

    name: str
    done: int
    total: int | None


@dataclass(frozen=True)
class Ended:
    """The end of an attempt.

    Attributes:
        name: of the job.
        place: machine and process that had it.
        seconds: it took.
        frames: of the result, where it was made.
        fault: why it failed, or None.
    """

    name: str
    place: str
    seconds: float
    frames: int | None = None
    fault: Fault | None = None


EngineEvent = Progress | Ended


class ArchiveEngine(Protocol):
    """Runs tasks on workers. No method blocks for long; all are called from one thread.

    An engine reports the end of every task exactly once, also that of a task whose worker died or was stopped.
    """

    @property
    def workers(self) -> int:
        """Number of tasks that can run at once now; it may change while machines come and go."""
        ...

    def submit(self, task: Attempt) -> None:
        """Take a task; it begins when a worker is free."""
        ...

    def events(self, timeout: float) -> list[EngineEvent]:
        """What happened since the last call; waits up to `timeout` seconds for the first."""
        ...

    def stop_task(self, name: str, fault: Fault) -> None:
        """End a task by force and replace its worker; its end is reported with this fault."""
        ...

    def close(self) -> None:
        """Stop all workers. Tasks that ran keep their checkpoints; idempotent."""
        ...
