"""Watches that reading goes on: a word after some seconds without a frame, and an end to it after some minutes."""

from __future__ import annotations

import ctypes
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from sam2s.errors import SourceError, TruncatedSourceError
from sam2s.video import Frame, VideoSource

log = logging.getLogger(__name__)

HINT_SECONDS = 10.0
"""A single frame that takes longer to read is worth a word."""
GRACE_SECONDS = 2.0
"""After a request to stop, a read that takes longer is broken off."""
_TICK_SECONDS = 0.25


class StalledReadError(TruncatedSourceError):
    """Raised inside a thread that reads for too long."""


class Watchdog:
    """Breaks off reads that take too long, in whichever thread they are made.

    Args:
        seconds: how long a single read may take; 0: for ever.
        stop_requests: not empty once somebody asked the run to stop; then reads may not take long.
    """

    def __init__(self, seconds: float, stop_requests: list[int]) -> None:
        self._seconds, self._stop_requests = seconds, stop_requests
        self._lock = threading.Lock()
        self._reads: dict[int, tuple[float, str]] = {}
        self._broken_off: set[int] = set()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sam2s-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Watch a read; `what` names it.

        Raises:
            TruncatedSourceError: it took too long.
        """
        thread = threading.get_ident()
        with self._lock:
            self._reads[thread] = time.monotonic(), what
        try:
            try:
                yield
            finally:
                sent = self._end(thread)
                if sent and not isinstance(sys.exc_info()[1], StalledReadError):
                    for _ in range(100):  # the exception is on its way, and must not arrive later
                        time.sleep(0.01)
        except StalledReadError:
            self._end(thread)
            raise TruncatedSourceError(
                f"{what} was given up, as nothing could be read for too long; the input is damaged or sends nothing "
                "(--stall-seconds says how long to wait)"
            ) from None

    def _end(self, thread: int) -> bool:
        """Watch the read no longer; whether it was broken off."""
        with self._lock:
            self._reads.pop(thread, None)
            sent = thread in self._broken_off
            self._broken_off.discard(thread)
            return sent

    def _watch(self) -> None:
        hinted: dict[int, float] = {}
        while not self._closed.wait(_TICK_SECONDS):
            with self._lock:
                for thread, (since, what) in self._reads.items():
                    spent = time.monotonic() - since
                    if spent > HINT_SECONDS and hinted.get(thread) != since:
                        hinted[thread] = since
                        log.warning("%s: nothing was read for %.0f s; Ctrl-C stops", what, spent)
                    limit = GRACE_SECONDS if self._stop_requests else self._seconds
                    if limit and spent > limit and thread not in self._broken_off:
                        self._broken_off.add(thread)
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(
                            ctypes.c_ulong(thread), ctypes.py_object(StalledReadError)
                        )


class WatchedSource:
    """A video whose reads are watched; in all else the video itself."""

    def __init__(self, source: VideoSource, watchdog: Watchdog) -> None:
        self._source, self._watchdog = source, watchdog

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """Yield frames as the video does."""
        frames = self._source.frames(start, stop, step)
        at = start
        try:
            while True:
                with self._watchdog.reading(f"{self._source.name}, frame {at} or the next"):
                    frame = next(frames, None)
                if frame is None:
                    return
                at = frame.index + step
                yield frame
        finally:
            frames.close()  # type: ignore[attr-defined]

    def frame(self, index: int) -> Frame:
        """Read one frame as the video does."""
        try:
            with self._watchdog.reading(f"{self._source.name}, frame {index}"):
                return self._source.frame(index)
        except TruncatedSourceError as error:
            raise SourceError(str(error)) from error
