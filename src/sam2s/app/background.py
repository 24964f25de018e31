"""What the background processes of the app do alike: report to the server, yield to it, and end with it."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

NICENESS = 10
"""Priority by which a background process yields to the server and to tracking."""

Report = Callable[..., None]
"""Writes its keyword arguments as one line of JSON."""


def open_reports() -> Report:
    """A writer of reports to standard output; whatever else is printed goes to standard error from then on.

    A server that is gone hears nothing, which is no error.
    """
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not look like a report

    def report(**values: object) -> None:
        with suppress(BrokenPipeError):
            out.write(json.dumps(values).encode() + b"\n")

    return report


def lower_priority() -> None:
    """Yield to others by `NICENESS`; no more than that where the server itself was started with less priority."""
    if hasattr(os, "nice"):
        os.nice(max(0, NICENESS - os.nice(0)))


def when_input_ends(act: Callable[[], None]) -> None:
    """Call `act` from a thread once standard input ends, which it does when the server stops or lets go."""

    def watch() -> None:
        while sys.stdin.buffer.read(1 << 10):
            pass
        act()

    threading.Thread(target=watch, daemon=True).start()


def leave(code: int) -> NoReturn:
    """End the process although a thread may be in the middle of a read, which a usual exit would trip over."""
    sys.stderr.flush()
    os._exit(code)
