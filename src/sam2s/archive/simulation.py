"""The scheduler in simulated time, on nodes that fail: what share of the work is lost, and how much longer it takes."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .faults import Fault
from .scheduler import Decision, JobScheduler


@dataclass(frozen=True)
class ClusterModel:
    """A cluster for the simulation.

    Attributes:
        nodes: machines.
        workers: workers of each.
        failures: mean hours between two failures of a node.
        repair: hours until a failed node is back.
        checkpoint: seconds between two snapshots of a running video; what was done since is lost with the node.
        startup: seconds a worker needs before the first frame of each attempt (process, network, opening the video).
        spare: tasks the engine takes beyond its workers.
    """

    nodes: int = 20
    workers: int = 4
    failures: float = 200.0
    repair: float = 1.0
    checkpoint: float = 60.0
    startup: float = 10.0
    spare: int = 2


@dataclass(frozen=True)
class SimulationResult:
    """What came out.

    Attributes:
        hours: from the first task to the last end.
        ideal: hours that the same work takes without failures and starting times, if it could be split evenly.
        lost: share of all the workers' working time that was spent on frames done again, or on starting again.
        failures: node failures while the archive ran.
        attempts: attempts in all.
        set_aside: jobs given up.
    """

    hours: float
    ideal: float
    lost: float
    failures: int
    attempts: int
    set_aside: int


def simulate(seconds: Sequence[float], cluster: ClusterModel, *, seed: int = 0) -> SimulationResult:
    """Run jobs of given lengths through the scheduler on failing nodes, in simulated time.

    Args:
        seconds: work of each job, in seconds of one worker.
        cluster: the machines.
        seed: decides when nodes fail (exponentially distributed times, as for independent failures).
    """
    run = _Simulation(seconds, cluster, np.random.default_rng(seed))
    while not run.scheduler.finished:
        run.advance()
    ideal = sum(seconds) / (cluster.nodes * cluster.workers) / 3600
    return SimulationResult(
        run.now / 3600, ideal, run.lost / max(run.spent, 1e-9), run.failures, sum(run.attempts.values()), run.set_aside
    )


class _Simulation:
    """The state of a simulation: a queue of events (time, order, kind, node, job)."""

    def __init__(self, seconds: Sequence[float], cluster: ClusterModel, rng: np.random.Generator) -> None:
        self.cluster, self._rng, self.now = cluster, rng, 0.0
        self._left = {str(i): float(length) for i, length in enumerate(seconds)}
        slots = cluster.nodes * cluster.workers
        self.scheduler = JobScheduler(self._left, slots=slots + cluster.spare)
        self.attempts = dict.fromkeys(self._left, 0)
        self.lost = self.spent = 0.0
        self.failures = self.set_aside = 0
        self._queued: list[str] = []  # handed out, waiting for a worker
        self._running: dict[int, dict[str, float]] = {node: {} for node in range(cluster.nodes)}  # job -> began at
        self._up = set(range(cluster.nodes))
        self._ticket: dict[str, int] = {}  # tells an end that is due from one that a failure overtook
        self._events: list[tuple[float, int, str, int, str]] = []
        self._order = 0
        for node in range(cluster.nodes):
            self._push(self._life(), "fails", node)

    def advance(self) -> None:
        """Hand out what can be handed out, then go to the next event."""
        while (name := self.scheduler.next_job(self.now)) is not None:
            self._queued.append(name)
        self._place()
        due = self.scheduler.next_due()
        if due is not None and (not self._events or due < self._events[0][0]):
            self.now = max(self.now, due)
            return
        self.now, ticket, kind, node, name = heapq.heappop(self._events)
        if kind == "ends" and self._ticket.get(name) == ticket:
            self._end(node, name, None)
        elif kind == "fails":
            self._fail(node)
        elif kind == "returns":
            self._up.add(node)
            self._push(self.now + self._life(), "fails", node)

    def _place(self) -> None:
        for node in sorted(self._up):
            running = self._running[node]
            while self._queued and len(running) < self.cluster.workers:
                name = self._queued.pop(0)
                running[name] = self.now
                self.attempts[name] += 1
                self._ticket[name] = self._push(self.now + self.cluster.startup + self._left[name], "ends", node, name)

    def _end(self, node: int, name: str, fault: Fault | None) -> None:
        began = self._running[node].pop(name)
        self._ticket.pop(name, None)
        spent = self.now - began
        worked = max(0.0, spent - self.cluster.startup)
        saved = self._left[name] if fault is None else worked - worked % self.cluster.checkpoint
        self._left[name] -= saved
        self.spent += spent
        self.lost += spent - saved - (self.cluster.startup if self.attempts[name] == 1 and fault is None else 0.0)
        decision = self.scheduler.ended(name, fault, self.now, progressed=saved > 0)
        self.set_aside += decision is Decision.SET_ASIDE

    def _fail(self, node: int) -> None:
        self.failures += 1
        self._up.discard(node)
        for name in list(self._running[node]):
            self._end(node, name, Fault("worker died", "its node failed"))
        self._push(self.now + 3600 * self.cluster.repair, "returns", node)

    def _life(self) -> float:
        return float(self._rng.exponential(3600 * self.cluster.failures))

    def _push(self, at: float, kind: str, node: int, name: str = "") -> int:
        self._order += 1
        heapq.heappush(self._events, (at, self._order, kind, node, name))
        return self._order
