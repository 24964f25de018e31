"""Progress of long work on stderr: a bar in a terminal, a line every so often elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LINE_EVERY = 30.0
"""Seconds between two lines where stderr is not a terminal."""


@contextmanager
def progress(unit: str, *, refresh_thread: bool = True) -> Iterator[Callable[[int, int, str], None]]:
    """Give a function of (done, total, what was done last) that shows how far the work is.

    Args:
        unit: what is counted, such as "videos".
        refresh_thread: whether the bar may refresh itself from a thread; without, worker processes may be forked.
    """
    if sys.stderr.isatty():
        yield from _bar(unit, refresh_thread)
    else:
        yield _Lines(unit).report


def _bar(unit: str, refresh_thread: bool) -> Iterator[Callable[[int, int, str], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(unit), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, TextColumn("{task.description}"), console=console, transient=True, auto_refresh=refresh_thread
    ) as bar:
        task, refreshed = bar.add_task(""), 0.0

        def report(done: int, total: int, name: str = "") -> None:
            nonlocal refreshed
            bar.update(task, completed=done, total=total, description=name)
            if not refresh_thread and (done == total or time.monotonic() - refreshed > 0.2):
                bar.refresh()
                refreshed = time.monotonic()

        yield report


class _Lines:
    """Progress as lines: the first call, then one every `LINE_EVERY` seconds, and the end if any line was due."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.began = self.last = time.monotonic()
        self.done_before: int | None = None
        self.lines = 0

    def report(self, done: int, total: int, name: str = "") -> None:
        now = time.monotonic()
        if self.done_before is None:
            self.done_before = done
        if now - self.last < LINE_EVERY and not (done == total and self.lines):
            return
        self.last = now
        self.lines += 1
        passed, new = now - self.began, done - self.done_before
        left = f", about {_duration(passed / new * (total - done))} left" if new and done < total else ""
        what = f" ({name})" if name else ""
        print(f"{done} of {total} {self.unit} after {_duration(passed)}{left}{what}", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
