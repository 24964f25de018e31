"""Ctrl-C and SIGTERM as a request to stop at the next good place."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def signals(first: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
    """Collect the first Ctrl-C or SIGTERM in a list, and call `first`, instead of dying of it.

    A second one ends the process at once, whatever the signals did before: a process that was started in the
    background of a script ignores Ctrl-C. Signals belong to the main thread: in any other, nothing is collected.
    """
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    deadly: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}

    def note(number: int, _: object) -> None:
        for each, handler in deadly.items():
            signal.signal(each, handler)
        caught.append(number)
        os.write(2, b"\nstopping; Ctrl-C again ends at once\n")  # print() may be busy with another line
        first()

    before = {number: signal.signal(number, note) for number in deadly}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
