"""Noticing that reading hangs: a call into FFmpeg or the file system that does not come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

WARN_SECONDS = 15.0
"""Seconds that one call may take before a message says what is waited for."""
GIVE_UP_SECONDS = 120.0
"""Seconds after which the call is given up: whoever waits for frames gets an error instead."""

LOOK_SECONDS = 1.0
"""How often whoever waits looks at what keeps it."""

_calls: dict[int, tuple[float, str]] = {}  # by thread: since when it is in a call, and what for


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Note that this thread reads from a file or decodes, for a block of one call."""
    _calls[threading.get_ident()] = time.monotonic(), name
    try:
        yield
    finally:
        _calls.pop(threading.get_ident(), None)


def stalled(thread: int | None) -> tuple[float, str]:
    """For how many seconds a thread has been in one such call, and what it reads; 0 seconds if it is in none."""
    since, name = _calls.get(thread or 0, (time.monotonic(), ""))
    return time.monotonic() - since, name
