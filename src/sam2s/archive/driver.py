"""The loop that brings an archive to its end: hands jobs to an engine, notes what becomes of them, watches progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .engine import ArchiveEngine, Attempt, Ended, Progress
from .faults import Fault
from .manifest import JobState, Manifest
from .scheduler import Decision, JobScheduler, RetryPolicy

SPARE_TASKS = 2
"""Tasks that an engine may have beyond its workers, so that none waits for the driver."""

POLL_SECONDS = 0.5


@dataclass
class ArchiveProgress:
    """How far an archive is, for whoever shows it.

    Attributes:
        total: jobs in all.
        done, failed: jobs that ended in this or an earlier start.
        running: frames done and frames in all (None: unknown) of each task that runs.
        seconds: since this start.
        finished_now: jobs finished since this start.
    """

    total: int
    done: int
    failed: int
    running: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    seconds: float = 0.0
    finished_now: int = 0

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at the pace of this start, or None before the first end."""
        shares = sum(done / total for done, total in self.running.values() if total)
        ended = self.finished_now + shares
        rest = self.total - self.done - self.failed - shares
        return None if ended <= 0 or self.seconds <= 0 else max(0.0, rest * self.seconds / ended)


ReportProgress = Callable[[ArchiveProgress], None]


def run_archive(
    manifest: Manifest,
    engine: ArchiveEngine,
    out: Path,
    *,
    stall_seconds: float = 300.0,
    policy: RetryPolicy | None = None,
    report_progress: ReportProgress = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> ArchiveProgress:
    """Do all pending jobs of a manifest on an engine; the engine is closed at the end.

    Args:
        manifest: open to write.
        engine: does the work.
        out: folder in which each job gets a folder of its name.
        stall_seconds: a task without a further frame for so long is ended by force, and its worker replaced.
        policy: when failed attempts are repeated.
        report_progress: called after each change and at least twice a second.
        stopped: asked often; once true, workers are stopped and what ran is pending again at the next start.

    Raises:
        OutputError: the manifest can no longer be written.
    """
    statuses = {status.job.name: status for status in manifest.statuses()}
    pending = [name for name, status in statuses.items() if status.state is JobState.PENDING]
    scheduler = JobScheduler(pending, slots=engine.workers + SPARE_TASKS, policy=policy)
    counts = {state: sum(s.state is state for s in statuses.values()) for state in JobState}
    progress = ArchiveProgress(len(statuses), counts[JobState.DONE], counts[JobState.FAILED])
    watch, began = _StallWatch(stall_seconds), time.monotonic()
    try:
        while not scheduler.finished and not stopped():
            scheduler.slots = engine.workers + SPARE_TASKS
            while (name := scheduler.next_job(time.monotonic())) is not None:
                engine.submit(Attempt(statuses[name].job, out / name, manifest.mark_running(name)))
                watch.began(name)
            for event in engine.events(_wait(scheduler)):
                if isinstance(event, Progress):
                    watch.progressed(event)
                    progress.running[event.name] = (event.done, event.total)
                    continue
                progressed = watch.progressed_since_last_attempt(event.name)
                decision = scheduler.ended(event.name, event.fault, time.monotonic(), progressed=progressed)
                _note(manifest, event, decision)
                watch.ended(event.name)
                progress.running.pop(event.name, None)
                progress.done += decision is Decision.DONE
                progress.failed += decision is Decision.SET_ASIDE
                progress.finished_now += decision is not Decision.RETRY
            for name, fault in watch.stalled():
                engine.stop_task(name, fault)
            progress.seconds = time.monotonic() - began
            report_progress(progress)
    finally:
        engine.close()
    return progress


class _StallWatch:
    """Notices tasks that came to no further frame for long. A task that waits for a worker has not begun to count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: dict[str, tuple[int, float]] = {}
        self._furthest: dict[str, list[int]] = {}  # frames done in the latest attempt, and in those before

    def began(self, name: str) -> None:
        self._last.pop(name, None)
        now, before = self._furthest.get(name, [0, 0])
        self._furthest[name] = [0, max(now, before)]

    def progressed(self, event: Progress) -> None:
        done, _ = self._last.get(event.name, (-1, 0.0))
        if event.done != done:
            self._last[event.name] = event.done, time.monotonic()
        self._furthest[event.name][0] = max(self._furthest[event.name][0], event.done)

    def progressed_since_last_attempt(self, name: str) -> bool:
        """Whether the attempt that ends came further than all before; the first has nothing to be compared with."""
        now, before = self._furthest[name]
        return 0 < before < now

    def ended(self, name: str) -> None:
        self._last.pop(name, None)

    def stalled(self) -> list[tuple[str, Fault]]:
        late = time.monotonic() - self._seconds
        names = [name for name, (_, at) in self._last.items() if at < late]
        faults = []
        for name in names:
            done, _ = self._last.pop(name)
            reason = (
                f"no frame after frame {done} for {self._seconds:g} s, so its worker was stopped; look at the video "
                "there, or allow more with --stall-seconds"
            )
            faults.append((name, Fault("no progress", reason)))
        return faults


def _wait(scheduler: JobScheduler) -> float:
    """How long to wait for the engine before there is something else to do."""
    due = scheduler.next_due()
    return POLL_SECONDS if due is None else min(POLL_SECONDS, max(0.0, due - time.monotonic()))


def _note(manifest: Manifest, ended: Ended, decision: Decision) -> None:
    if decision is Decision.DONE:
        manifest.mark_done(ended.name, seconds=ended.seconds, frames=ended.frames, place=ended.place)
        return
    assert ended.fault is not None, "only a fault leads to another decision"
    mark = manifest.mark_failed if decision is Decision.SET_ASIDE else manifest.mark_pending
    mark(ended.name, fault=ended.fault.kind, reason=ended.fault.reason, seconds=ended.seconds, place=ended.place)
