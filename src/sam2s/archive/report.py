"""What became of an archive, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sam2s.errors import OutputError
from sam2s.progress import ProgressCallback, ignore_progress

from .manifest import JobState, JobStatus

if TYPE_CHECKING:
    from sam2s.workspace import AlarmSpan


@dataclass(frozen=True)
class VideoAlarms:
    """What a person should look at in a finished video.

    Attributes:
        names: of its objects, by id.
        spans: alarms in the order of the video.
        problem: why its workspace cannot be read, or None.
    """

    names: dict[int, str] = field(default_factory=dict)
    spans: tuple[AlarmSpan, ...] = ()
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        spans = [
            {
                "object_id": span.object_id,
                "name": self.names.get(span.object_id),
                "alarm": str(span.alarm),
                "start": span.start,
                "stop": span.stop,
            }
            for span in self.spans
        ]
        return {"alarms": spans} | ({} if self.problem is None else {"alarms_problem": self.problem})

    def lines(self) -> list[str]:
        """As lines of text, one for each alarm."""
        from sam2s.quality import ALARM_TEXTS  # loads torch, which a report of the manifest does not need

        if self.problem is not None:
            return [f"    its alarms cannot be read: {self.problem}"]
        return [
            f"    {self.names.get(span.object_id, 'object')} ({span.object_id}), frames {span.start} to "
            f"{span.stop - 1}: {ALARM_TEXTS[span.alarm]}"
            for span in self.spans
        ]


def read_alarms(
    folder: Path, statuses: Sequence[JobStatus], report_progress: ProgressCallback = ignore_progress
) -> dict[str, VideoAlarms]:
    """Read the alarms of all finished videos of an archive, by name; no mask is read.

    Args:
        folder: of the archive.
        statuses: its jobs.
        report_progress: counts videos.
    """
    from sam2s.workspace import Workspace

    done = [status.job.name for status in statuses if status.state is JobState.DONE]
    alarms = {}
    for count, name in enumerate(done, 1):
        try:
            with Workspace.open(folder / name) as workspace:
                names = {info.object_id: info.name for info in workspace.objects() if info.name}
                alarms[name] = VideoAlarms(names, tuple(workspace.alarms()))
        except OutputError as error:
            alarms[name] = VideoAlarms(problem=str(error))
        report_progress("alarms", count, len(done))
    return alarms


@dataclass(frozen=True)
class ArchiveReport:
    """An archive in numbers.

    Attributes:
        statuses: every job.
        counts: jobs by state.
        frames: of all results.
        seconds: work of all attempts.
        alarms: of finished videos by name, where they were read.
    """

    statuses: tuple[JobStatus, ...]
    counts: dict[JobState, int]
    frames: int
    seconds: float
    alarms: dict[str, VideoAlarms] | None = None

    @classmethod
    def of(cls, statuses: Sequence[JobStatus], alarms: dict[str, VideoAlarms] | None = None) -> ArchiveReport:
        """Count the jobs of a manifest; `alarms` are of `read_alarms`."""
        counts = Counter(status.state for status in statuses)
        return cls(
            tuple(statuses),
            {state: counts[state] for state in JobState},
            sum(status.frames or 0 for status in statuses),
            sum(status.seconds for status in statuses),
            alarms,
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
                **(found.to_json() if (found := (self.alarms or {}).get(status.job.name)) else {}),
            }
            for status in self.statuses
        ]
        counts = {state.value: count for state, count in self.counts.items()}
        return {"jobs": jobs, "counts": counts, "frames": self.frames, "seconds": round(self.seconds, 3)}

    def lines(self, *, failed_only: bool = False) -> list[str]:
        """As lines of text: one for each job, the reasons of those that failed and the alarms below, and the sum.

        Args:
            failed_only: leave out what is neither failed nor to be looked at.
        """
        alarms = {name: found.lines() for name, found in (self.alarms or {}).items()}
        chosen = [s for s in self.statuses if not failed_only or s.state is JobState.FAILED or alarms.get(s.job.name)]
        width = max([4, *(len(status.job.name) for status in chosen)])
        lines = [f"{'name':<{width}}  {'state':<8} {'attempts':>8} {'frames':>9} {'seconds':>9}  where"]
        for status in chosen:
            frames = "-" if status.frames is None else f"{status.frames:,}"
            numbers = f"{status.attempts:>8} {frames:>9} {status.seconds:>9.1f}"
            lines.append(f"{status.job.name:<{width}}  {status.state:<8} {numbers}  {status.place or '-'}")
            if status.reason and status.state is not JobState.DONE:
                lines.append(f"    {status.reason}")
            lines += alarms.get(status.job.name, [])
        counts = ", ".join(f"{count} {state}" for state, count in self.counts.items())
        lines.append(f"{counts}; {self.frames:,} frames in {self.seconds:,.1f} s of work")
        if self.alarms is not None:
            spans = [span for found in self.alarms.values() for span in found.spans]
            videos = sum(bool(found.spans) for found in self.alarms.values())
            lines.append(f"{len(spans)} stretches to look at, in {videos} of {len(self.alarms)} finished videos")
        return lines
