"""What became of an archive, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .manifest import JobState, JobStatus


@dataclass(frozen=True)
class ArchiveReport:
    """An archive in numbers.

    Attributes:
        statuses: every job.
        counts: jobs by state.
        frames: of all results.
        seconds: work of all attempts.
    """

    statuses: tuple[JobStatus, ...]
    counts: dict[JobState, int]
    frames: int
    seconds: float

    @classmethod
    def of(cls, statuses: Sequence[JobStatus]) -> ArchiveReport:
        """Count the jobs of a manifest."""
        counts = Counter(status.state for status in statuses)
        return cls(
            tuple(statuses),
            {state: counts[state] for state in JobState},
            sum(status.frames or 0 for status in statuses),
            sum(status.seconds for status in statuses),
        )

    @property
    def exit_status(self) -> int:
        """1 if a job failed, else 0."""
        return int(self.counts[JobState.FAILED] > 0)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        jobs = [
            {
                "name": status.job.name,
                "video": status.job.video,
                "state": status.state.value,
                "attempts": status.attempts,
                "fault": status.fault,
                "reason": status.reason,
                "seconds": round(status.seconds, 3),
                "frames": status.frames,
                "place": status.place,
                "started": status.started,
                "ended": status.ended,
            }
            for status in self.statuses
        ]
        counts = {state.value: count for state, count in self.counts.items()}
        return {"jobs": jobs, "counts": counts, "frames": self.frames, "seconds": round(self.seconds, 3)}

    def lines(self, *, failed_only: bool = False) -> list[str]:
        """As lines of text: one for each job, the reasons of those that failed below, and the sum."""
        chosen = [s for s in self.statuses if not failed_only or s.state is JobState.FAILED]
        width = max([4, *(len(status.job.name) for status in chosen)])
        lines = [f"{'name':<{width}}  {'state':<8} {'attempts':>8} {'frames':>9} {'seconds':>9}  where"]
        for status in chosen:
            frames = "-" if status.frames is None else f"{status.frames:,}"
            numbers = f"{status.attempts:>8} {frames:>9} {status.seconds:>9.1f}"
            lines.append(f"{status.job.name:<{width}}  {status.state:<8} {numbers}  {status.place or '-'}")
            if status.reason and status.state is not JobState.DONE:
                lines.append(f"    {status.reason}")
        counts = ", ".join(f"{count} {state}" for state, count in self.counts.items())
        lines.append(f"{counts}; {self.frames:,} frames in {self.seconds:,.1f} s of work")
        return lines
