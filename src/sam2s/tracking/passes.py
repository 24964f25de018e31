"""Which propagation last went over a frame, and where its snapshots lie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Pass:
    """One propagation over a span of frames, during which no prompt changed.

    Attributes:
        number: counted from 0.
        start: time of its first frame.
        reverse: whether it ran backward in time.
        last: time of the frame it has reached, None before the first.
        joined: time at which each object came into it.
        snapshots: times after which the state was saved, in the order of the pass; the first is the time before
            `start`.
    """

    number: int
    start: int
    reverse: bool
    last: int | None = None
    joined: dict[int, int] = field(default_factory=dict)
    snapshots: list[int] = field(default_factory=list)

    @property
    def step(self) -> int:
        """Direction in time, 1 or -1."""
        return -1 if self.reverse else 1

    def covers(self, time: int, object_id: int) -> bool:
        """Whether the pass went over a time with an object."""
        begin = self.joined.get(object_id)
        return (
            begin is not None
            and self.last is not None
            and (time - begin) * self.step >= 0
            and (self.last - time) * self.step >= 0
        )

    def nearest_snapshot(self, time: int) -> int:
        """The latest snapshot at or before a time, in the order of the pass."""
        return [at for at in self.snapshots if (time - at) * self.step >= 0][-1]

    def thin(self, most: int) -> list[int]:
        """When there are more than `most` snapshots drop every second one but the first and the last; return those."""
        if len(self.snapshots) <= max(2, most):
            return []
        inner = self.snapshots[1:-1]
        self.snapshots = [self.snapshots[0], *inner[1::2], self.snapshots[-1]]
        return inner[::2]

    def release(self, later: list[Pass], object_ids: Iterable[int]) -> list[int]:
        """Drop the snapshots past the last frame that no later pass went over with an object; return those."""
        needed = [t for i in object_ids if (t := self._last_own(later, i)) is not None]
        kept: list[int] = []
        if needed:
            end = max(needed, key=lambda t: t * self.step)
            beyond = [at for at in self.snapshots if (at - end) * self.step >= 0][:1]  # vouches for the end
            kept = [at for at in self.snapshots if (at - end) * self.step < 0] + beyond
        else:
            self.joined = {}
        gone, self.snapshots = [at for at in self.snapshots if at not in kept], kept
        return gone

    def _last_own(self, later: list[Pass], object_id: int) -> int | None:
        time = self.last
        while time is not None and self.covers(time, object_id):
            over = covering(later, time, object_id)
            if over is None or over.last is None:
                return time
            ends = over.joined[object_id], over.last
            time = max(ends) + 1 if self.reverse else min(ends) - 1
        return None

    def snapshot_path(self, folder: Path, time: int) -> Path:
        """File of the snapshot after a time."""
        return folder / f"pass{self.number}-after{time}.safetensors"

    def to_json(self) -> dict[str, Any]:
        """The record as far as a snapshot vouches for it: it ends at the last one."""
        last = self.snapshots[-1] if len(self.snapshots) > 1 else None
        joined = [[i, t] for i, t in self.joined.items() if last is not None and (last - t) * self.step >= 0]
        return {
            "number": self.number,
            "start": self.start,
            "reverse": self.reverse,
            "last": last,
            "joined": joined,
            "snapshots": self.snapshots,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Pass:
        """Read what `to_json` wrote."""
        return cls(**{**data, "joined": dict(data["joined"])})


def covering(passes: Iterable[Pass], time: int, object_id: int) -> Pass | None:
    """The latest pass that went over a time with an object."""
    return next((run for run in reversed(list(passes)) if run.covers(time, object_id)), None)
