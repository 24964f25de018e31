"""What long work tells its caller: the type of progress callbacks, for every package."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[str, int, int | None], None]
"""Called with the name of the stage, the number of units done, and their total, or None where it is not known."""


def ignore_progress(stage: str, done: int, total: int | None) -> None:
    """Ignore progress: the default of functions that take a `ProgressCallback`."""
