"""A driver in a process of its own, started again where it was lost together with its Ray cluster.

Ray ends a driver's process when the head does not answer for a minute, and no code in that process can keep it. So the
command stays outside, and goes on with a new driver once the head is back. All that counts is in the manifest.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from sam2s.errors import ClusterError, Sam2sError
from sam2s.processes import watch_parent
from sam2s.signals import signals

ReportAlive = Callable[[], None]
Drive = Callable[..., Any]
"""`drive(report_alive, *arguments)`: the driver's work; calls `report_alive` at least every few seconds."""

LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Patience:
    """How long a cluster may be away.

    Attributes:
        away: seconds without a driver that gave a sign of life, after which nothing more is tried.
        silence: seconds without a sign after which a driver counts as hung.
        pause: seconds between two drivers.
    """

    away: float = 600.0
    silence: float = 180.0
    pause: float = 5.0


@dataclass(frozen=True)
class _Lost:
    """A driver that ended without an answer."""

    reason: str
    lived: bool


def supervise(
    drive: Drive, arguments: tuple[Any, ...], *, patience: Patience | None = None, note: Callable[[str], None] = print
) -> Any:
    """Do a driver's work in a child process, again and again while it is lost with its cluster; returns its answer.

    Ctrl-C and SIGTERM are handed on to the child, which lets go of the cluster and answers.

    Args:
        drive: importable, since it runs in another process; what it returns is returned.
        arguments: of `drive`, behind the callback.
        patience: how long a cluster may be away.
        note: is told of every loss.

    Raises:
        ClusterError: no cluster answered to the first driver, or it stayed away for longer than `patience.away`.
    """
    patience = patience or Patience()
    lost_since: float | None = None
    with signals() as caught:
        while True:
            answer = _attempt(drive, arguments, patience.silence, caught)
            if not isinstance(answer, _Lost):
                return answer
            now = time.monotonic()
            if lost_since is None and not answer.lived:
                raise ClusterError(answer.reason)
            lost_since = now if answer.lived or lost_since is None else lost_since
            if caught or now - lost_since > patience.away:
                raise ClusterError(
                    f"the Ray cluster was lost ({answer.reason}); all finished videos are safe, and the same command "
                    "goes on once `ray start --head` has run"
                )
            note(f"the Ray cluster was lost ({answer.reason}); looking for it again in {patience.pause:g} s")
            time.sleep(patience.pause)


def _attempt(drive: Drive, arguments: tuple[Any, ...], silence: float, caught: list[int]) -> Any:
    """One driver: its answer, or how it was lost; raises what it raised."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_child_main, args=(theirs, drive, arguments, os.getpid()), daemon=True)
    child.start()
    theirs.close()
    lived, handed_on, last = False, 0, time.monotonic()
    try:
        while True:
            for number in caught[handed_on:]:
                os.kill(child.pid or 0, number)
                handed_on += 1
            if not ours.poll(LOOK_SECONDS):
                if time.monotonic() - last > silence:
                    return _Lost(f"its driver gave no sign for {silence:g} s", lived)
                continue
            try:
                kind, value = ours.recv()
            except (EOFError, OSError):
                return _Lost(_death(child), lived)
            last = time.monotonic()
            if kind == "answer":
                return value
            if kind == "error":
                if isinstance(value, ClusterError):
                    return _Lost(str(value), lived)
                raise value
            lived = True
    finally:
        child.kill()
        child.join()
        ours.close()


def _death(child: SpawnProcess) -> str:
    child.join(10)
    code = child.exitcode
    how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
    return f"its driver process ended with {how}"


def _child_main(pipe: Connection, drive: Drive, arguments: tuple[Any, ...], parent: int) -> None:
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C reaches the parent alone, which hands it on
    signal.signal(signal.SIGINT, signal.default_int_handler)
    watch_parent(parent)
    try:
        answer = ("answer", drive(lambda: pipe.send(("alive", None)), *arguments))
    except Sam2sError as error:
        answer = ("error", error)
    except BaseException as error:
        traceback.print_exc(file=sys.stderr)
        answer = ("error", RuntimeError(f"the driver failed: {type(error).__name__}: {error}"))
    pipe.send(answer)
    pipe.close()
