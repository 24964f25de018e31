"""How long a run still takes, in words."""

from __future__ import annotations

import time


class Pace:
    """Time left, from how fast the run has gone since it was started or gone on with.

    Args:
        done: what is done already of `total`: steps, or seconds where the length is given in minutes.
        total: what there is to do.
        by_clock: whether it is seconds.
    """

    def __init__(self, done: float, total: float, *, by_clock: bool) -> None:
        self.start, self.total, self.by_clock = done, total, by_clock
        self._began = time.monotonic()

    def seconds_left(self, done: float) -> float | None:
        """Seconds until the end, None where nothing has been done yet that could tell."""
        if self.by_clock:
            return max(0.0, self.total - done)
        if done <= self.start:
            return None
        return (time.monotonic() - self._began) / (done - self.start) * max(0.0, self.total - done)

    def describe(self, step: int, done: float) -> str:
        """Where the run is: "step 20 of 300, 4 min left"."""
        of = "" if self.by_clock else f" of {self.total:g}"
        left = self.seconds_left(done)
        return f"step {step}{of}" + ("" if left is None else f", {duration(left)} left")


def duration(seconds: float) -> str:
    """A time in words of at most two units: "45 s", "4 min", "2 h 05 min", "3 d 4 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} d {hours % 24} h"
