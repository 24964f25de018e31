"""Which propagation tracked a frame last, and its snapshots."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any


@dataclass(slots=True, eq=False)
class Propagation:
    """One propagation over a span of frames, during which no prompt changed.

    Attributes:
        number: counted from 0.
        start: time of its first frame.
        reverse: whether it ran backward in time.
        last: time of the frame it has reached, None before the first.
        joined: first time of each object, by id.
        snapshots: times after which the state was saved, in the order of tracking; the first is the time before
            `start`.
        unjudged: spans of times that were not judged, [first, last] each, in the order of tracking.
    """

    number: int
    start: int
    reverse: bool
    last: int | None = None
    joined: dict[int, int] = field(default_factory=dict)
    snapshots: list[int] = field(default_factory=list)
    unjudged: list[list[int]] = field(default_factory=list)

    @property
    def step(self) -> int:
        """Direction in time, 1 or -1."""
        return -1 if self.reverse else 1

    def covers(self, time: int, object_id: int) -> bool:
        """Whether the propagation tracked an object at a time."""
        begin = self.joined.get(object_id)
        return (
            begin is not None
            and self.last is not None
            and (time - begin) * self.step >= 0
            and (self.last - time) * self.step >= 0
        )

    def nearest_snapshot(self, time: int) -> int:
        """Time of the latest snapshot at or before a time, in the order of tracking."""
        return [at for at in self.snapshots if (time - at) * self.step >= 0][-1]

    def release(self, later: list[Propagation], object_ids: Iterable[int]) -> list[int]:
        """Drop the snapshots past the last frame that no later propagation tracked; returns their times."""
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

    def _last_own(self, later: list[Propagation], object_id: int) -> int | None:
        time = self.last
        while time is not None and self.covers(time, object_id):
            over = covering(later, time, object_id)
            if over is None or over.last is None:
                return time
            ends = over.joined[object_id], over.last
            time = max(ends) + 1 if self.reverse else min(ends) - 1
        return None

    def detour(self, earlier: list[Propagation], later: list[Propagation]) -> int | None:
        """Longest replay with which an earlier propagation could reach what only this one reaches; None if none can."""
        longest = 0
        for object_id, begin in self.joined.items():
            end, other = self._last_own(later, object_id), covering(earlier, begin, object_id)
            if end is None:
                continue
            if other is None or not other.covers(end, object_id):
                return None
            base = other.nearest_snapshot(begin if other.reverse == self.reverse else end)
            longest = max(longest, abs(begin - base), abs(end - base))
        return longest

    def snapshot_path(self, folder: Path, time: int) -> Path:
        """Path of the snapshot after a time."""
        return folder / f"p{self.number}-after{time}.snapshot"

    @property
    def next_time(self) -> int:
        """Time of its next frame."""
        return self.start if self.last is None else self.last + self.step

    def judged(self, time: int) -> bool:
        """Whether the frame at a time was judged."""
        return not any(min(span) <= time <= max(span) for span in self.unjudged)

    def reach(self, time: int, object_ids: Iterable[int], *, judged: bool = True) -> None:
        """Record that these objects were tracked at a time, and whether the frame was judged."""
        if not judged and self.unjudged and self.unjudged[-1][1] == time - self.step:
            self.unjudged[-1][1] = time
        elif not judged:
            self.unjudged.append([time, time])
        self.last = time
        for object_id in object_ids:
            self.joined.setdefault(object_id, time)

    def keep_snapshot(self, time: int) -> None:
        """Record that the state after a time was saved."""
        if time not in self.snapshots:
            self.snapshots.append(time)

    def saved(self) -> Propagation:
        """A copy that ends at the last snapshot."""
        last = self.snapshots[-1] if len(self.snapshots) > 1 else None
        joined = {i: t for i, t in self.joined.items() if last is not None and (last - t) * self.step >= 0}
        end = self.start - self.step if last is None else last
        begun = [span for span in self.unjudged if (end - span[0]) * self.step >= 0]
        unjudged = [[a, b if (end - b) * self.step >= 0 else end] for a, b in begun]
        return replace(self, last=last, joined=joined, unjudged=unjudged)

    def lose(self, times: Iterable[int]) -> None:
        """Drop snapshots; frames before the first remaining one are no longer covered."""
        self.snapshots = [at for at in self.snapshots if at not in set(times)]
        if not self.snapshots:
            self.joined = {}
        else:
            first = self.snapshots[0] + self.step
            self.joined = {i: max(t, first) if self.step > 0 else min(t, first) for i, t in self.joined.items()}

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self) | {"joined": list(self.joined.items())}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Propagation:
        """Read what `to_json` wrote."""
        return cls(**{**data, "joined": dict(data["joined"])})


def covering(propagations: Iterable[Propagation], time: int, object_id: int) -> Propagation | None:
    """The latest propagation that tracked an object at a time, or None."""
    return next((p for p in reversed(list(propagations)) if p.covers(time, object_id)), None)


def thin_snapshots(propagations: list[Propagation], most: int) -> list[tuple[Propagation, int]]:
    """Drop snapshots until `most` are left, first those whose loss costs the shortest replay; returns the dropped ones.

    A snapshot inside or at the end of a propagation can be dropped, or all snapshots of a propagation whose frames an
    earlier one covers too and can replace. Only if nothing else is left, a propagation without such a replacement is
    dropped, the oldest first. Both ends of the latest propagation are kept.
    """
    gone: list[tuple[Propagation, int]] = []
    while sum(len(propagation.snapshots) for propagation in propagations) > most:
        options: list[tuple[float, Propagation, list[int]]] = []
        for propagation in propagations:
            at = propagation.snapshots
            options += [
                (abs(after - before), propagation, [t]) for before, t, after in zip(at, at[1:], at[2:], strict=False)
            ]
            if at and propagation is not propagations[-1]:
                if len(at) > 1 and propagation.last is not None:
                    options.append((abs(propagation.last - at[-2]), propagation, at[-1:]))
                detour = propagation.detour(propagations[: propagation.number], propagations[propagation.number + 1 :])
                options.append((math.inf if detour is None else detour, propagation, at))
        if not options:
            break
        _, propagation, lost = min(options, key=lambda option: option[0])
        gone += [(propagation, t) for t in lost]
        propagation.lose(lost)
    return gone
