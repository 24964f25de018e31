"""The server's side of teaching: starts the process, hears how far it is, pauses it while a click is answered."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sam2s.app.problems import ApiError

STOP_SECONDS = 20.0
"""How long a process may take to stop before it is ended."""
CAN_PAUSE = hasattr(signal, "SIGSTOP")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TeachingProgress:
    """How far teaching is.

    Attributes:
        state: "running", "done", "failed" or "stopped".
        stage: what it is at: "reading", "training", "measuring" or "drawing".
        done, total: steps of the stage; of training, seconds.
        number: of the attempt, once it is done.
        message: why it failed.
        author: who began it.
        videos: names of what it learns from.
        minutes: of training.
    """

    state: str
    stage: str = "starting"
    done: int = 0
    total: int = 0
    number: int | None = None
    message: str | None = None
    author: str | None = None
    videos: tuple[str, ...] = ()
    minutes: float = 0.0


class TeachingRunner:
    """Runs one teaching at a time, in a process of its own.

    Attributes:
        progress: of the present or the last one of this server's life, or None.
        changes: counts what happened, so that pages notice.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._hearing: threading.Thread | None = None
        self._pauses = 0
        self._stopping = False
        self.progress: TeachingProgress | None = None
        self.changes = 0

    @property
    def running(self) -> bool:
        """Whether a teaching is under way."""
        return self.progress is not None and self.progress.state == "running"

    @property
    def pid(self) -> int | None:
        """Number of the process, where one runs."""
        return self._process.pid if self._process is not None and self.running else None

    def start(
        self,
        workspaces: Sequence[Path],
        out: Path,
        *,
        weights: str,
        minutes: float,
        device: str,
        author: str,
        videos: Sequence[str],
    ) -> TeachingProgress:
        """Begin; see `sam2s.teaching.teach`.

        Raises:
            ApiError: another one is under way.
        """
        command = [sys.executable, "-m", "sam2s.app.teaching", *map(str, workspaces), "--out", str(out)]
        command += [f"--weights={weights}", f"--minutes={minutes}", f"--device={device}", f"--author={author}"]
        with self._lock:
            if self.running:
                assert self.progress is not None
                raise ApiError("too-many", f"{self.progress.author} teaches already; wait for the end, or stop it")
            # In a group of its own: should the server be killed while it is paused, the system wakes and ends it.
            extra: dict[str, Any] = {"process_group": 0} if CAN_PAUSE else {}
            if sys.platform == "win32":
                extra["creationflags"] = subprocess.BELOW_NORMAL_PRIORITY_CLASS
            self._stopping = False
            self.progress = TeachingProgress("running", author=author, videos=tuple(videos), minutes=minutes)
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **extra)
            self._hearing = threading.Thread(target=self._hear, args=(self._process,), daemon=True)
            self._hearing.start()
            return self.progress

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let teaching stand still inside the block, so that the device is free for somebody who waits."""
        with self._lock:
            self._pauses += 1
            if self._pauses == 1:
                self._signal("SIGSTOP")
        try:
            yield
        finally:
            with self._lock:
                self._pauses -= 1
                if self._pauses == 0:
                    self._signal("SIGCONT")

    def stop(self) -> None:
        """Stop what is under way and wait until it has; nothing of it comes into use."""
        with self._lock:
            process, self._stopping = self._process, True
            if process is None or not self.running:
                return
        self._end(process)

    def close(self) -> None:
        """End the process with the server."""
        self.stop()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        with self._lock:
            self._signal("SIGCONT")
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._hearing is not None:
            self._hearing.join(STOP_SECONDS)

    def _signal(self, name: str) -> None:
        process = self._process
        if not CAN_PAUSE or process is None or process.poll() is not None:
            return
        with suppress(OSError):
            os.kill(process.pid, getattr(signal, name))

    def _hear(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                report = json.loads(line)
                assert self.progress is not None
                self.progress = replace(self.progress, **report)
            except (ValueError, TypeError):
                _log.warning("the teaching process said what is not a report: %r", line[:200])
            self.changes += 1
        code = process.wait()
        with self._lock:
            if self.progress is not None and self.progress.state == "running":
                message = f"the teaching process ended with status {code}; the log says why"
                stopped = replace(self.progress, state="stopped")
                self.progress = stopped if self._stopping else replace(stopped, state="failed", message=message)
        self.changes += 1
