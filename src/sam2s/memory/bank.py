"""The memory bank of one object: conditioning frames, recent frames, long-term memory; never more than its budget."""

from __future__ import annotations

from collections import deque
from copy import copy
from typing import Any

from torch import Tensor

from .divemem import DiveMemFilter
from .entry import CONDITIONING_SLOT, LONG_TERM_SLOT, MemoryEntry, Recall
from .policy import MemoryPolicy


class MemoryBank:
    """The memory of one object, indexed by the time of the frame.

    Three stores, each bounded. `conditioning`: prompted frames. `recent`: tracked frames behind the current one in the
    direction of tracking; the last `short_term` and the current one have maps, the last `pointer_limit` have pointers.
    `long_term`: the queue filled by the DiveMem filter. "Behind" depends on the direction of tracking, so one bank
    serves both directions.
    """

    def __init__(self, policy: MemoryPolicy, *, pointer_limit: int = 16) -> None:
        self.policy = policy
        self.pointer_limit = pointer_limit
        self.conditioning: dict[int, MemoryEntry] = {}  # in the order they were given; the first is l_0
        self.recent: dict[int, MemoryEntry] = {}
        self.long_term: deque[MemoryEntry] = deque(maxlen=policy.places)
        self.filter = DiveMemFilter(policy)
        self._before: tuple[deque[MemoryEntry], DiveMemFilter] | None = (
            None  # long-term memory before the last `add_tracked`
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the complete state, in plain containers; entries and tensors are immutable and shared."""
        before = self._before and {"long_term": list(self._before[0]), "filter": self._before[1].state_dict()}
        return {
            "conditioning": list(self.conditioning.values()),
            "recent": list(self.recent.values()),
            "long_term": list(self.long_term),
            "filter": self.filter.state_dict(),
            "before": before,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from `state_dict`."""
        self.conditioning = {entry.time: entry for entry in state["conditioning"]}
        self.recent = {entry.time: entry for entry in state["recent"]}
        self.long_term = deque(state["long_term"], self.policy.places)
        self.filter.load_state_dict(state["filter"])
        self._before = None
        if before := state["before"]:
            earlier = DiveMemFilter(self.policy)
            earlier.load_state_dict(before["filter"])
            self._before = deque(before["long_term"], self.policy.places), earlier

    def add_conditioning(self, entry: MemoryEntry, feature: Tensor) -> None:
        """Add a prompted frame; `feature` is its image embedding [1, C, h, w].

        The candidates of the filter are kept, since the frame may be anywhere; they are cleared when it is tracked.
        """
        first = not self.conditioning or next(iter(self.conditioning)) == entry.time
        self._before = None
        self.conditioning[entry.time] = entry
        self.recent.pop(entry.time, None)
        self.long_term = deque((e for e in self.long_term if e.time != entry.time), self.long_term.maxlen)
        if len(self.conditioning) > self.policy.max_conditioning:
            others = list(self.conditioning)[1:]
            del self.conditioning[max(others, key=lambda time: abs(time - entry.time))]
        self.filter.drop(self.conditioning)
        if self.policy.places and (first or self.policy.first_reference == "latest"):
            self.filter.set_anchor(self._compared(entry, feature))

    def forget(self, time: int) -> None:
        """Remove a conditioning frame, because its prompt was removed."""
        if self._is_reference(time):
            self.filter.set_anchor(None)  # until the frame that takes its place is seen again
            if self._before:
                self._before[1].set_anchor(None)
        self.conditioning.pop(time, None)

    def drop_long_term(self, time: int) -> None:
        """Remove a frame from long-term memory; its place is free until the filter chooses another."""
        self.long_term = deque((entry for entry in self.long_term if entry.time != time), self.long_term.maxlen)

    @property
    def missing_reference(self) -> int | None:
        """Time of the conditioning frame that `set_reference` needs; None if the filter has its reference."""
        if not self.policy.places or self.filter.anchor is not None:
            return None
        return next((time for time in self.conditioning if self._is_reference(time)), None)

    def set_reference(self, time: int, feature: Tensor) -> None:
        """Set the feature of a conditioning frame as the reference of the filter, if it is the missing one."""
        if self.policy.places and self.filter.anchor is None and self._is_reference(time):
            self.filter.set_anchor(self._compared(self.conditioning[time], feature))

    def add_tracked(self, entry: MemoryEntry, feature: Tensor, *, reverse: bool = False) -> None:
        """Add a tracked frame with its image embedding [1, C, h, w], and drop what is out of the windows."""
        self._before = self.long_term.copy(), copy(self.filter)
        self.recent[entry.time] = entry
        self.trim(entry.time, reverse=reverse)
        if self.policy.places and (chosen := self.filter.observe(entry, self._compared(entry, feature))):
            self.long_term.append(chosen)

    def keep_long_term(self, entry: MemoryEntry) -> None:
        """Add a frame to long-term memory without the filter, as training does with its clips."""
        self.recent[entry.time] = entry.without_map()  # for the pointer
        self.long_term.append(entry)

    def trim(self, time: int, *, reverse: bool = False) -> None:
        """Drop recent maps and pointers that the frame at `time` and later ones cannot read."""
        kept = {}
        for entry in self.recent.values():
            behind = _behind(time, entry.time, reverse)
            if 0 <= behind <= self.policy.short_term:
                kept[entry.time] = entry
            elif 0 <= behind < self.pointer_limit:
                kept[entry.time] = entry.without_map()
        self.recent = kept

    def put_recent(self, entry: MemoryEntry) -> None:
        """Add a recent frame that was tracked elsewhere; long-term memory is unchanged."""
        self.recent[entry.time] = entry

    def interrupt(self) -> None:
        """Clear the candidates of the filter, as stepping over a prompted frame does."""
        self.filter.interrupt()

    def replace(self, entry: MemoryEntry) -> None:
        """Replace the entry of a recent frame, if there is one; long-term memory is unchanged."""
        if entry.time in self.recent:
            self.recent[entry.time] = entry

    def undo(self, time: int) -> None:
        """Undo the last `add_tracked` if it added the frame at `time`, so that the frame can be segmented again."""
        if self._before is not None and time in self.recent:
            self.recent = {at: entry for at, entry in self.recent.items() if at != time}
            self.long_term, self.filter = self._before
            self._before = None

    def restart(self) -> None:
        """Clear recent and long-term memory to start a propagation; conditioning frames are kept."""
        self.recent, self.long_term = {}, deque(maxlen=self.policy.places)
        self.filter.restart()
        self._before = None

    def take_long_term(self, other: MemoryBank) -> None:
        """Copy another bank's long-term memory and candidates, except frames that are conditioning frames here."""
        kept = (entry for entry in other.long_term if entry.time not in self.conditioning)
        self.long_term = deque(kept, self.policy.places)
        anchor = self.filter.anchor
        self.filter = copy(other.filter)
        self.filter.set_anchor(anchor)
        self.filter.drop(self.conditioning)

    def recall(
        self, time: int, *, reverse: bool = False, pointer_limit: int | None = None, future_pointers: bool = False
    ) -> Recall:
        """Collect what the frame at `time` reads: conditioning frames, recent ones (oldest first), long-term ones.

        Args:
            time: time of the current frame.
            reverse: tracking runs backward in time, so "behind" means later frames.
            pointer_limit: read fewer pointers (SAM 2.1 caps them at the length of the video).
            future_pointers: also read the pointers of conditioning frames ahead, as SAM 2.1 does in training.
        """
        step = 1 if reverse else -1
        limit = min(self.pointer_limit, pointer_limit or self.pointer_limit)
        read = [(CONDITIONING_SLOT, entry) for entry in self.conditioning.values()]
        window = {time + step * distance: distance for distance in range(self.policy.short_term, 0, -1)}
        for at, distance in window.items():
            recent = self.recent.get(at)
            if recent is not None and recent.map is not None:
                read.append((distance - 1, recent))
        once = {at for at in window if (e := self.recent.get(at)) and e.map is not None and self.policy.skip_recent}
        far = [entry for entry in self.long_term if entry.time not in once]
        read += [(LONG_TERM_SLOT, entry) for entry in far]

        given = [(_behind(time, at, reverse), entry) for at, entry in self.conditioning.items()]
        pointers = [(b, entry) for b, entry in given if b >= 0 or future_pointers]
        near = [(d, self.recent.get(time + step * d)) for d in range(1, limit)]
        pointers += [(distance, entry) for distance, entry in near if entry is not None]
        if self.policy.long_term_pointers:
            behind = [(_behind(time, entry.time, reverse), entry) for entry in far]
            pointers += [(b, entry) for b, entry in behind if b >= limit]
        return Recall(
            tuple(_map(entry) for _, entry in read),
            tuple(slot for slot, _ in read),
            tuple(entry.pointer for _, entry in pointers),
            tuple(distance for distance, _ in pointers),
            tuple(entry.time for _, entry in read),
            tuple(entry.time for _, entry in pointers),
        )

    def _is_reference(self, time: int) -> bool:
        """Whether a conditioning frame is the reference of the first candidates."""
        order = list(self.conditioning)
        return bool(order) and time == order[0 if self.policy.first_reference == "first" else -1]

    def _compared(self, entry: MemoryEntry, feature: Tensor) -> Tensor:
        return feature if self.policy.similarity == "image" else _map(entry)


def _behind(time: int, other: int, reverse: bool) -> int:
    """Distance in frames of `other` behind `time` in the direction of tracking."""
    return other - time if reverse else time - other


def _map(entry: MemoryEntry) -> Tensor:
    assert entry.map is not None, "conditioning and long-term entries keep their maps"
    return entry.map
