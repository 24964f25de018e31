"""Workers that are actors of a Ray cluster, on one machine or many."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sam2s.errors import ClusterError, missing_extra

from .engine import Attempt, Ended, EngineEvent, Progress, WorkerSettings
from .faults import Fault, fault_of
from .local_engine import Work, limit_memory

POLL_SECONDS = 0.5
OBJECT_STORE_BYTES = 150_000_000
"""Only small records travel between machines, so the object store of a cluster of our own can be small."""


@dataclass(frozen=True)
class RayResources:
    """What a worker asks of a node.

    Attributes:
        cpus: processor cores.
        gpus: devices; a fraction shares one between workers. 0 hides all devices from the worker.
        max_workers: at most so many at once, or None for as many as the cluster has room for.
    """

    cpus: float = 1.0
    gpus: float = 0.0
    max_workers: int | None = None


@dataclass
class _Actor:
    handle: Any
    task: Attempt | None = None
    call: Any = None  # reference to the result of its task
    sign: Any = None  # reference to its answer about progress
    began: float = 0.0
    fault: Fault | None = None


class RayEngine:
    """Actors that load the network once and do one video after another; results go where the job says.

    Ray repeats nothing by itself: an actor that dies, or meets an error of its device, is replaced, and the driver
    decides what becomes of its job.

    Args:
        work: does a task; importable on all nodes.
        settings: what all workers have in common.
        resources: what each worker asks for.
        address: of a running cluster, "auto" for the one that this machine belongs to; None starts one here.
        spill: folder to which a cluster of our own writes objects that do not fit into memory.
    """

    def __init__(
        self,
        work: Work,
        settings: WorkerSettings,
        resources: RayResources,
        *,
        address: str | None = None,
        spill: Path | None = None,
    ) -> None:
        self._ray = _import_ray()
        self._work, self._settings, self._resources = work, settings, resources
        self._own = not self._ray.is_initialized()
        if self._own:
            _connect(self._ray, address, spill)
        environment = {} if resources.gpus else {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
        self._actor_class = self._ray.remote(ArchiveWorker).options(
            num_cpus=resources.cpus,
            num_gpus=resources.gpus,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=2,  # one thread works, the other tells of progress
            runtime_env={"env_vars": environment} if environment else None,
        )
        self._queue: deque[Attempt] = deque()
        self._actors: list[_Actor] = []

    @property
    def workers(self) -> int:
        """Number of workers that the cluster has room for now; at least one, so that work waits for a node."""
        with self._loss_told():
            total = self._ray.cluster_resources()
        room = total.get("CPU", 0.0) / self._resources.cpus if self._resources.cpus else float("inf")
        if self._resources.gpus:
            room = min(room, total.get("GPU", 0.0) / self._resources.gpus)
        limit = self._resources.max_workers
        return max(1, min(int(room), limit if limit is not None else 1_000_000))

    def submit(self, task: Attempt) -> None:
        """Take a task; it begins when a worker is free."""
        self._queue.append(task)
        with self._loss_told():
            self._fill()

    def events(self, timeout: float) -> list[EngineEvent]:
        """What happened since the last call; waits up to `timeout` seconds for the first end.

        Raises:
            ClusterError: the cluster is gone.
        """
        with self._loss_told():
            return self._events(timeout)

    def _events(self, timeout: float) -> list[EngineEvent]:
        calls = {actor.call: actor for actor in self._actors if actor.task is not None}
        if not calls:
            time.sleep(timeout)
            self._fill()
            return []
        ready, _ = self._ray.wait(list(calls), num_returns=1, timeout=max(0.01, min(timeout, POLL_SECONDS)))
        events: list[EngineEvent] = [self._end(calls[call]) for call in ready]
        events += [sign for actor in self._actors if (sign := self._progress(actor)) is not None]
        self._fill()
        return events

    def stop_task(self, name: str, fault: Fault) -> None:
        """End a task by force; its end is reported with this fault."""
        for actor in self._actors:
            if actor.task is not None and actor.task.job.name == name:
                actor.fault = fault
                self._ray.kill(actor.handle)

    def close(self) -> None:
        """Stop all workers, and the cluster if it is our own; idempotent."""
        with suppress(Exception):  # of a cluster that is gone already
            for actor in self._actors:
                self._ray.kill(actor.handle)
        self._actors.clear()
        self._queue.clear()
        if self._own and self._ray.is_initialized():
            self._ray.shutdown()

    def _fill(self) -> None:
        target = self.workers
        while self._queue:
            actor = next((actor for actor in self._actors if actor.task is None), None)
            if actor is None and len(self._actors) < target:
                actor = _Actor(self._actor_class.remote(self._work, self._settings))
                self._actors.append(actor)
            if actor is None:
                return
            actor.task, actor.began, actor.fault = self._queue.popleft(), time.monotonic(), None
            # The first sign is given before the work begins: a decoder that hangs at once would let none follow.
            actor.sign = actor.handle.begin.remote(actor.task.job.name)
            actor.call = actor.handle.run.remote(actor.task, actor.sign)

    def _end(self, actor: _Actor) -> Ended:
        task = actor.task
        assert task is not None, "only actors with a task have a call"
        try:
            ended: Ended = self._ray.get(actor.call)
        except self._lost:
            raise
        except self._ray.exceptions.RayError as error:
            self._discard(actor)
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            memory = isinstance(error, self._ray.exceptions.OutOfMemoryError)
            fault = Fault("memory" if memory else "worker died", f"its worker or node died: {reason}")
            return Ended(task.job.name, "ray", time.monotonic() - actor.began, fault=actor.fault or fault)
        actor.task = actor.call = actor.sign = None
        if ended.fault is not None and ended.fault.kind in ("device", "memory"):
            self._discard(actor)  # Ray would give the next task to the same broken process
        return ended

    def _progress(self, actor: _Actor) -> Progress | None:
        if actor.task is None or actor.sign is None:
            return None
        ready, _ = self._ray.wait([actor.sign], timeout=0)
        if not ready:
            return None
        try:
            sign: Progress | None = self._ray.get(actor.sign)
        except self._ray.exceptions.RayError:
            actor.sign = None  # its end is told by its call
            return None
        actor.sign = actor.handle.progress.remote()
        return sign if sign is not None and sign.name == actor.task.job.name else None

    @property
    def _lost(self) -> tuple[type[Exception], ...]:
        """What Ray raises where the cluster itself is gone."""
        errors = self._ray.exceptions
        return errors.RaySystemError, errors.RpcError, ConnectionError

    @contextmanager
    def _loss_told(self) -> Iterator[None]:
        try:
            yield
        except self._lost as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ClusterError(f"the Ray cluster is gone: {reason}") from error

    def _discard(self, actor: _Actor) -> None:
        self._actors.remove(actor)
        self._ray.kill(actor.handle)


class ArchiveWorker:
    """The actor: does a task in one thread while another tells of its progress."""

    def __init__(self, work: Work, settings: WorkerSettings) -> None:
        limit_memory(settings.memory)
        device = "cuda:0" if os.environ.get("CUDA_VISIBLE_DEVICES") else "cpu"
        self._work = work
        self._settings = replace(settings, device=device if settings.device == "auto" else settings.device)
        self._sign: Progress | None = None

    def begin(self, name: str) -> Progress:
        """The first sign of life of a task."""
        self._sign = Progress(name, 0, None)
        return self._sign

    def run(self, task: Attempt, begun: Progress) -> Ended:
        """Do a task that has begun; every fault of a job is told as a value, for Ray would wrap what is raised."""
        name, began = task.job.name, time.monotonic()

        def report(done: int, total: int | None) -> None:
            self._sign = Progress(name, done, total)

        frames, fault = None, None
        try:
            frames = self._work(task, self._settings, report)
        except Exception as error:  # every fault of a job is the driver's to judge
            fault = fault_of(error)
        return Ended(name, _place(), time.monotonic() - began, frames, fault)

    def progress(self) -> Progress | None:
        """The last sign of life, after a short wait, so that an answer is not asked for too often."""
        time.sleep(POLL_SECONDS)
        return self._sign


def _place() -> str:
    import socket

    return f"{socket.gethostname()}:{os.getpid()}"


def _import_ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise missing_extra("--engine ray needs Ray", "ray") from error
    return ray


def _connect(ray: Any, address: str | None, spill: Path | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    common = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
    if address is None:
        options = {"object_store_memory": OBJECT_STORE_BYTES, **common}
        if spill is not None:
            options["object_spilling_directory"] = str(spill)
        ray.init(**options)
        return
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        raise ClusterError(
            f"no Ray cluster answers at --address {address}: {reason}; start one with `ray start --head`, or omit "
            "--address to start one on this machine"
        ) from error
