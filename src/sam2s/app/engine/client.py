"""The server's side of the tracking process: starts it, sends orders, hears reports, starts it again should it die."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from sam2s.app.engine.messages import Do, Order, Report
from sam2s.app.problems import ApiError
from sam2s.app.settings import AppSettings

ANSWER_SECONDS = 180.0
"""How long a click may take; large weights on a slow processor need a minute for the first one."""
_END_SECONDS = 15.0
_log = logging.getLogger(__name__)


class Engine:
    """Runs the tracking process.

    Args:
        settings: of the server.
        weights: name or file; None for those of the settings.
        while_answering: entered for as long as somebody waits for an answer.

    Attributes:
        weights: name or file of the weights that are in use.
        detail: what the process said of its weights, or None until they are loaded.
        problem: why there is no process, or None.
    """

    def __init__(
        self,
        settings: AppSettings,
        weights: str | None = None,
        while_answering: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._settings, self._while_answering = settings, while_answering
        self.weights = weights or settings.weights
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._held: list[Order] | None = None  # orders that came while one process takes another's place
        self._answers: dict[tuple[str, int], tuple[Order, Future[Report]]] = {}
        self._runs: dict[tuple[str, int], Report] = {}
        self._closing = False
        self.detail: dict[str, Any] | None = None
        self.problem: str | None = None
        self.changes = 0

    @property
    def pid(self) -> int | None:
        """Number of the process, where one runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process, unless it runs; the weights load in the background."""
        with self._lock:
            if self._closing or (self._process is not None and self._process.poll() is None):
                return
            settings = self._settings
            command = [sys.executable, "-m", "sam2s.app.engine", "--weights", self.weights]
            command += ["--device", settings.device]
            if settings.image_size is not None:
                command += ["--image-size", str(settings.image_size)]
            self.detail, self.problem = None, None
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
            threading.Thread(target=self._hear, args=(self._process,), daemon=True).start()

    def ask(self, order: Order) -> Report:
        """Send a prompt and wait for its answer.

        Raises:
            ApiError: it cannot be answered.
        """
        key = (order.workspace, order.event_id)
        future: Future[Report] = Future()
        with self._lock:
            self._answers[key] = order, future
        try:
            self.send(order)
            with self._while_answering():
                report = future.result(ANSWER_SECONDS)
        except TimeoutError:
            raise ApiError(
                "failed", f"no mask within {ANSWER_SECONDS:.0f} s; try smaller weights or --image-size"
            ) from None
        finally:
            with self._lock:
                self._answers.pop(key, None)
        if report.kind == "failed":
            raise ApiError("invalid", report.message)
        return report

    def send(self, order: Order) -> None:
        """Send an order.

        Raises:
            ApiError: the process cannot be reached.
        """
        with self._lock:
            if order.do == "propagate":
                waiting = Report("progress", order.workspace, order.event_id, order.frame, state="running")
                self._runs[order.workspace, order.event_id] = waiting
            if self._held is not None:
                self._held.append(order)
                return
        self.start()
        process = self._process
        try:
            assert process is not None
            assert process.stdin is not None
            with self._lock:
                process.stdin.write(order.to_line())
        except (OSError, ValueError) as error:
            raise ApiError("failed", self.problem or f"the tracking process does not answer ({error})") from error

    def change_weights(self, weights: str) -> None:
        """Go on with other weights, in a new process.

        What the old one has done is saved: propagations stop at the frame they have reached, and clicks that wait are
        answered by the new weights.
        """
        with self._lock:
            if self._held is not None:
                raise ApiError("too-many", "other weights are being loaded at the moment; try again when they are")
            if weights == self.weights:
                return
            self.weights, self._held = weights, []
            process = self._process
        if process is not None:
            self._let_end(process)
        else:
            self._take_over()

    def runs(self, workspace: str) -> list[Report]:
        """Propagations of a workspace: those under way, and how the others of this server's life ended."""
        with self._lock:
            return [report for (folder, _), report in self._runs.items() if folder == workspace]

    def running(self, workspace: str | None = None) -> list[Report]:
        """Propagations under way, of one workspace or of all."""
        with self._lock:
            chosen = [report for (folder, _), report in self._runs.items() if workspace in (None, folder)]
        return [report for report in chosen if report.state in ("running", "waiting")]

    def close(self) -> None:
        """End the process; it finishes the frame that it is at."""
        self._closing = True
        if self._process is not None:
            self._let_end(self._process)

    def _let_end(self, process: subprocess.Popen[bytes]) -> None:
        """Let a process finish the frame that it is at, and end."""
        try:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(_END_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            process.kill()
            process.wait()

    def _hear(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                self._note(Report.from_line(line))
            except (ValueError, TypeError):
                _log.warning("the tracking process said what is not a report: %r", line[:200])
        code = process.wait()
        if self._held is not None and not self._closing:
            self._take_over()
        else:
            self._lose(code)

    def _note(self, report: Report) -> None:
        self.changes += 1
        key = (report.workspace, report.event_id)
        if report.kind == "ready":
            self.detail = report.detail
        elif report.kind == "failed" and not report.workspace:
            self.problem = report.message
        with self._lock:
            if report.kind in ("progress", "ended") or (report.kind == "failed" and key in self._runs):
                self._runs[key] = report
            _, waiting = self._answers.get(key, (None, None))
        if waiting is not None and report.kind in ("answered", "failed") and not waiting.done():
            waiting.set_result(report)

    def _take_over(self) -> None:
        """Start a process with the new weights, and let it answer what the old one has left."""
        with self._lock:
            left = [order for order, future in self._answers.values() if not future.done()]
            for key, report in self._runs.items():
                if report.state == "running" and report.done:  # the old process was ended by force
                    self._runs[key] = replace(report, kind="ended", state="stopped")
            held, self._held, self._process = self._held or [], None, None
        self.start()
        for order in [*left, *(order for order in held if order not in left)]:
            self.send(order)
        self.changes += 1

    def _lose(self, code: int) -> None:
        """Tell all who wait that the process is gone, and start another one unless it cannot even load."""
        message = self.problem or f"the tracking process ended (status {code}); what it had done is saved, ask again"
        with self._lock:
            waiting = list(self._answers.items())
            for key, report in self._runs.items():
                if report.state in ("running", "waiting"):
                    self._runs[key] = replace(report, kind="failed", state="failed", message=message)
            loaded, self.detail = self.detail is not None, None
        self.changes += 1
        for key, (_, future) in waiting:
            if not future.done():
                future.set_result(Report("failed", key[0], key[1], state="failed", message=message))
        if self._closing:
            return
        if loaded:
            _log.error("the tracking process ended with status %d; starting another", code)
            time.sleep(0.5)
            self.start()
        elif self.problem is None:
            self.problem = f"the tracking process ended with status {code} before its weights were loaded; see the log"


def order_for(do: Do, workspace: Path, video: Path, owner: str, **rest: Any) -> Order:
    """An order about a video."""
    return Order(do, str(workspace), str(video), owner, **rest)
