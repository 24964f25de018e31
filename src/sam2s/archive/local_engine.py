"""Workers that are processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Self

from sam2s.processes import watch_parent

from .engine import Attempt, Ended, EngineEvent, Progress, WorkerSettings
from .faults import Fault, fault_of

Work = Callable[[Attempt, WorkerSettings, Callable[[int, int | None], None]], int]
"""Does a task and returns the number of frames of its result; calls back with frames done and frames in all."""

PROGRESS_SECONDS = 0.2
"""A worker tells of its progress no more often than this; it sends each task's first sign at once."""


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    device: str
    task: Attempt | None = None
    began: float = 0.0
    fault: Fault | None = None  # why it was ended by force


class LocalEngine:
    """One process for each device, each of which does one task after another.

    A worker that dies, is stopped, or meets an error of its graphics device is replaced by a new process. Workers end
    with the driver, however it ends.

    Args:
        work: does a task; importable, since it is sent to other processes.
        settings: what all workers have in common.
        devices: device of each worker, for example ["cuda:0", "cuda:1"] or ["cpu", "cpu"].
    """

    def __init__(self, work: Work, settings: WorkerSettings, devices: list[str]) -> None:
        self._work, self._settings, self._devices = work, settings, devices
        self._context = multiprocessing.get_context("spawn")
        self._queue: deque[Attempt] = deque()
        self._workers: list[_Worker] = []

    @property
    def workers(self) -> int:
        """Number of processes that can work at once."""
        return len(self._devices)

    def submit(self, task: Attempt) -> None:
        """Take a task: a free worker begins at once, else the next that becomes free."""
        self._queue.append(task)
        self._fill()

    def events(self, timeout: float) -> list[EngineEvent]:
        """What happened since the last call; waits up to `timeout` seconds for the first."""
        busy = {worker.pipe: worker for worker in self._workers if worker.task is not None}
        if not busy:
            time.sleep(timeout)
            return []
        events: list[EngineEvent] = []
        ready = wait(list(busy), timeout)
        for pipe, worker in busy.items():
            if pipe in ready:
                events += self._drain(worker)
        self._fill()
        return events

    def stop_task(self, name: str, fault: Fault) -> None:
        """End a task by force; its end is reported with this fault by the next call of `events`."""
        for worker in self._workers:
            if worker.task is not None and worker.task.job.name == name:
                worker.fault = fault
                worker.process.kill()

    def close(self) -> None:
        """Stop all workers; idempotent."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
        self._workers.clear()
        self._queue.clear()

    def _drain(self, worker: _Worker) -> list[EngineEvent]:
        """Read all that a worker sent; where it sent its last, note its end."""
        events: list[EngineEvent] = []
        try:
            while worker.task is not None and worker.pipe.poll():
                message = worker.pipe.recv()
                if isinstance(message, Ended):
                    worker.task = None
                    if message.fault is not None and message.fault.kind in ("device", "memory"):
                        self._discard(worker)
                    return [message]
                events = [message]  # of several signs of life the last says all
        except (EOFError, OSError):
            return [*events, self._died(worker)]
        return events

    def _died(self, worker: _Worker) -> Ended:
        task = worker.task
        assert task is not None, "only workers with a task are listened to"
        worker.process.join()
        code = worker.process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        memory = " (often the system's answer to too little memory)" if code == -9 else ""
        fault = worker.fault or Fault("worker died", f"the worker process died with {how}{memory}")
        place = f"{socket.gethostname()}:{worker.process.pid}"
        self._discard(worker)
        return Ended(task.job.name, place, time.monotonic() - worker.began, fault=fault)

    def _discard(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()

    def _fill(self) -> None:
        """Give queued tasks to free workers; start workers that are missing."""
        while self._queue:
            worker = next((worker for worker in self._workers if worker.task is None), None)
            if worker is None and len(self._workers) < len(self._devices):
                worker = self._start()
            if worker is None:
                return
            worker.task, worker.began, worker.fault = self._queue.popleft(), time.monotonic(), None
            try:
                worker.pipe.send(worker.task)
            except OSError:  # it died while it had nothing to do
                self._queue.appendleft(worker.task)
                self._discard(worker)

    def _start(self) -> _Worker:
        taken = [worker.device for worker in self._workers]
        device = next(device for device in self._devices if taken.count(device) < self._devices.count(device))
        ours, theirs = self._context.Pipe()
        settings = replace(self._settings, device=device)
        process = self._context.Process(
            target=worker_main, args=(theirs, self._work, settings, os.getpid()), daemon=True
        )
        process.start()
        theirs.close()
        worker = _Worker(process, ours, device)
        self._workers.append(worker)
        return worker


def worker_main(pipe: Connection, work: Work, settings: WorkerSettings, parent: int) -> None:
    """What a worker process does: one task after another until its pipe or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver, which stops its workers
    watch_parent(parent)
    limit_memory(settings.memory)
    place = f"{socket.gethostname()}:{os.getpid()}"
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        began = time.monotonic()
        frames, fault = None, None
        with _Reporter(pipe, task.job.name) as reporter:
            try:
                frames = work(task, settings, reporter.report)
            except Exception as error:  # every fault of a job is the driver's to judge
                fault = fault_of(error)
        pipe.send(Ended(task.job.name, place, time.monotonic() - began, frames, fault))


class _Reporter:
    """Sends the latest progress of a task now and then from a thread, so that none is lost and few are sent.

    The first sign is sent before the work begins: a decoder that hangs at once, and keeps the interpreter's lock, would
    let no thread send it, and without it nobody would count the time.
    """

    def __init__(self, pipe: Connection, name: str) -> None:
        self._pipe, self._name = pipe, name
        self._latest: tuple[int, int | None] = (0, None)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def report(self, done: int, total: int | None) -> None:
        """Note how far the task is."""
        self._latest = done, total

    def __enter__(self) -> Self:
        self._pipe.send(Progress(self._name, *self._latest))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _send(self) -> None:
        sent = self._latest
        while not self._ended.wait(PROGRESS_SECONDS):
            if self._latest != sent:
                sent = self._latest
                self._pipe.send(Progress(self._name, *sent))


def limit_memory(limit: int | None) -> None:
    """Let this process allocate no more than so many bytes; further allocations raise MemoryError."""
    if limit is None:
        return
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
