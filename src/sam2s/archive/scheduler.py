"""Which job begins next, and what follows the end of an attempt: rules that both engines and the simulation share."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .faults import Fault, pause_before


class Decision(StrEnum):
    """What becomes of a job after an attempt."""

    DONE = "done"
    RETRY = "retry"
    SET_ASIDE = "set aside"


@dataclass(frozen=True)
class RetryPolicy:
    """When failed attempts are repeated.

    Attributes:
        first_pause: seconds before the second attempt; each further pause is twice as long.
        longest_pause: seconds no pause exceeds.
    """

    first_pause: float = 10.0
    longest_pause: float = 600.0


class JobScheduler:
    """Jobs that wait, in the order of the jobs file, and jobs that rest before another attempt.

    Time is whatever monotonic clock the caller reads, in seconds, so a jump of the wall clock changes nothing. At most
    `slots` jobs are out at once: the engine's workers and a few more, so that no worker waits for the next video and
    no engine holds the whole archive in its queue.
    """

    def __init__(self, names: Iterable[str], *, slots: int, policy: RetryPolicy | None = None) -> None:
        self.slots, self.policy = slots, policy or RetryPolicy()
        self._waiting = deque(names)
        self._resting: list[tuple[float, str]] = []
        self._out: set[str] = set()
        self._failures: dict[str, int] = {}  # in a row, without a saved frame between them

    @property
    def finished(self) -> bool:
        """Whether nothing waits, rests or is out."""
        return not (self._waiting or self._resting or self._out)

    @property
    def out(self) -> frozenset[str]:
        """Jobs that an engine has."""
        return frozenset(self._out)

    def next_job(self, now: float) -> str | None:
        """Hand a job out, or None if none is due or all slots are taken."""
        if len(self._out) >= self.slots:
            return None
        due = [item for item in self._resting if item[0] <= now]
        if due:
            item = min(due)
            self._resting.remove(item)
            name = item[1]
        elif self._waiting:
            name = self._waiting.popleft()
        else:
            return None
        self._out.add(name)
        return name

    def next_due(self) -> float | None:
        """Time at which the next resting job can be handed out, or None: none rests, or all slots are taken."""
        if len(self._out) >= self.slots or not self._resting:
            return None
        return min(self._resting)[0]

    def ended(self, name: str, fault: Fault | None, now: float, *, progressed: bool = False) -> Decision:
        """Take a job back after its attempt; one that is to be repeated rests first.

        Args:
            name: of the job.
            fault: why the attempt failed, or None.
            now: the time.
            progressed: the attempt saved frames that no earlier one had. Then failures before it do not count: a long
                video on machines that come and go is not given up while it comes forward.
        """
        self._out.remove(name)
        if fault is None:
            self._failures.pop(name, None)
            return Decision.DONE
        failures = 1 if progressed else self._failures.get(name, 0) + 1
        self._failures[name] = failures
        if fault.lasts(failures):
            return Decision.SET_ASIDE
        pause = pause_before(failures + 1, first=self.policy.first_pause, longest=self.policy.longest_pause)
        self._resting.append((now + pause, name))
        return Decision.RETRY
