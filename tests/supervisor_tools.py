"""Drivers that are lost in the ways that drivers are lost; each notes in a file that it was started."""

import os
import signal
import time
from pathlib import Path

from sam2s.errors import ClusterError, OutputError


def drive(report_alive, notes, *courses):
    """Go the way that the number of this start chooses from `courses`; the last one is gone from then on."""
    notes = Path(notes)
    starts = len(notes.read_text().splitlines()) if notes.exists() else 0
    with notes.open("a") as file:
        file.write(f"{os.getpid()}\n")
    course = courses[min(starts, len(courses) - 1)]
    if "unreachable" in course:
        raise ClusterError("no Ray cluster answers at --address here")
    if "alive" in course:
        report_alive()
    if "killed" in course:
        os.kill(os.getpid(), signal.SIGKILL)
    if "ended by Ray" in course:
        os._exit(1)
    if "hung" in course:
        time.sleep(600)
    if "locked" in course:
        raise OutputError("another process is writing it")
    if "bug" in course:
        raise ZeroDivisionError("division by zero")
    if "waits for Ctrl-C" in course:
        from sam2s.signals import signals

        with signals() as caught:
            Path(f"{notes}.ready").touch()
            while not caught:
                time.sleep(0.05)
        return caught[0]
    return starts + 1
