"""What a run needs to know of how its frames are gone over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from sam2s.tracking import FrameResult


class FrameLoop(Protocol):
    """Goes over the frames of a video: one that can be read anywhere, or one that passes by.

    Attributes:
        resumed_at: frame at which an earlier start of the run is taken up again, or None.
        total: frames that are left, or None if nobody knows.
    """

    resumed_at: int | None
    total: int | None

    def results(self) -> Iterator[FrameResult]:
        """Track, frame by frame."""
        ...

    def writing(self) -> AbstractContextManager[Callable[[FrameResult], None]]:
        """Take results to the disk."""
        ...

    def checkpoint(self) -> None:
        """Save what is needed to go on from here after a kill."""
        ...

    def finish(self) -> None:
        """Note that nothing is left to track."""
        ...

    def latency(self) -> dict[str, float] | None:
        """Milliseconds from a frame's arrival to its written masks, by percentile, where somebody waits for it."""
        ...
