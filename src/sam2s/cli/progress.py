"""Progress of long work on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from sam2s.progress import ProgressCallback, ignore_progress

LINE_EVERY = 30.0
"""Seconds between two lines where standard error is not a terminal."""


class ProgressReport(Protocol):
    """Shows how far the work is."""

    def __call__(self, done: int, total: int | None, name: str = "") -> None:
        """Show that `done` of `total` units are done (None if the total is unknown), the last one called `name`."""
        ...


@contextmanager
def progress(unit: str, *, quiet: bool = False, refresh_thread: bool = True) -> Iterator[ProgressReport]:
    """Show the progress of one task: a bar in a terminal, elsewhere a line every 30 seconds.

    Args:
        unit: what is counted, such as "videos".
        quiet: show nothing.
        refresh_thread: whether the bar may refresh itself from a thread; without, worker processes may be forked.
    """
    if quiet:
        yield lambda done, total, name="": None
    elif sys.stderr.isatty():
        yield from _bar(unit, refresh_thread)
    else:
        yield _Lines(unit).report


@contextmanager
def stage_progress(*, quiet: bool = False) -> Iterator[ProgressCallback]:
    """Show the progress of work in several stages: a bar for each, with frames per second and time left."""
    if quiet:
        yield ignore_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate_column = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate_column, TimeRemainingColumn())
    bars = Progress(*columns, console=Console(stderr=True))
    tasks: dict[str, int] = {}

    def report_progress(stage: str, done: int, total: int | None) -> None:
        bars.start()  # not before there is something to show: an error may come first
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total, rate="")
        task = next(task for task in bars.tasks if task.id == tasks[stage])
        rate = f"{task.speed:.1f} frames/s" if task.speed else ""
        bars.update(task.id, completed=done, total=total, rate=rate)

    try:
        yield report_progress
    finally:
        if tasks:
            bars.stop()


def _bar(unit: str, refresh_thread: bool) -> Iterator[ProgressReport]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(unit), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, TextColumn("{task.description}"), console=console, transient=True, auto_refresh=refresh_thread
    ) as bar:
        task, refreshed = bar.add_task("", total=None), 0.0

        def report(done: int, total: int | None, name: str = "") -> None:
            nonlocal refreshed
            bar.update(task, completed=done, total=total, description=name)
            if not refresh_thread and (done == total or time.monotonic() - refreshed > 0.2):
                bar.refresh()
                refreshed = time.monotonic()

        yield report


class _Lines:
    """Progress as lines: one every `LINE_EVERY` seconds, and a last one if any was printed before."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.began = self.last = time.monotonic()
        self.done_before: int | None = None
        self.lines = 0

    def report(self, done: int, total: int | None, name: str = "") -> None:
        now = time.monotonic()
        if self.done_before is None:
            self.done_before = done
        if now - self.last < LINE_EVERY and not (done == total and self.lines):
            return
        self.last = now
        self.lines += 1
        passed, new = now - self.began, done - self.done_before
        left = f", about {_duration(passed / new * (total - done))} left" if total and new and done < total else ""
        count = f"{done} of {total}" if total else f"{done}"
        what = f" ({name})" if name else ""
        print(f"{count} {self.unit} after {_duration(passed)}{left}{what}", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
