"""The server's side of a search for events: starts the process, hears what it finds, and has that kept."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sam2s.app.problems import ApiError
from sam2s.errors import Sam2sError
from sam2s.quality import EventKind, EventSpan
from sam2s.workspace import WorkspaceEvent

STOP_SECONDS = 15.0
"""How long a process may take to stop before it is ended."""
_log = logging.getLogger(__name__)

SearchState = Literal["running", "done", "stopped", "failed"]
Keep = Callable[[list[EventSpan], tuple[int, int] | None], WorkspaceEvent | None]
"""Writes the events found, of the whole video or of the frames that were looked at; see `write_marks`."""


@dataclass(frozen=True, slots=True)
class EventSearchProgress:
    """How far a search is.

    Attributes:
        state: as it says.
        author: who began it.
        done: frames that were looked at.
        total: frames in all, or None while that is unknown.
        found: events so far.
        event_id: the act under which they are kept, once they are.
        message: why it failed.
    """

    state: SearchState
    author: str
    done: int = 0
    total: int | None = None
    found: int = 0
    event_id: int | None = None
    message: str | None = None


class EventSearch:
    """One search through one video; it begins when it is made.

    Attributes:
        progress: how far it is, or how it ended.
        spans: what it has found so far.
    """

    def __init__(self, video: Path, workspace: Path, author: str, keep: Keep) -> None:
        command = [sys.executable, "-m", "sam2s.app.event_search", str(video), str(workspace)]
        extra: dict[str, Any] = {}
        if sys.platform == "win32":
            extra["creationflags"] = subprocess.BELOW_NORMAL_PRIORITY_CLASS
        self.progress = EventSearchProgress("running", author)
        self.spans: list[EventSpan] = []
        self._keep = keep
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **extra)
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()

    @property
    def running(self) -> bool:
        """Whether it is under way, or what it found is being kept."""
        return self.progress.state == "running"

    def stop(self) -> None:
        """Stop, and wait until what was found is kept; of no effect on one that has ended."""
        with suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._hearing.join(STOP_SECONDS)

    def _hear(self) -> None:
        assert self._process.stdout is not None
        state: SearchState = "failed"
        message = None
        for line in self._process.stdout:
            try:
                report = json.loads(line)
                if "state" in report:
                    state, message = report["state"], report.get("message")
                    continue
                self.spans += [EventSpan(EventKind(kind), start, stop) for kind, start, stop in report.pop("spans")]
                self.progress = replace(self.progress, found=len(self.spans), **report)
            except (ValueError, TypeError, KeyError):
                _log.warning("the search for events said what is no report: %r", line[:200])
        code = self._process.wait()
        if state == "failed" and message is None:
            message = f"the search for events ended with status {code}; the log says why"
        self._end(state, message)

    def _end(self, state: SearchState, message: str | None) -> None:
        """Keep what was found, also by a search that was stopped or met damage."""
        within = None if state == "done" else (0, self.progress.done)
        event: WorkspaceEvent | None = None
        if self.progress.done:
            try:
                event = self._keep(self.spans, within)
            except (Sam2sError, ApiError) as error:
                state, message = "failed", f"what was found could not be kept: {error}"
        event_id = None if event is None else event.event_id
        self.progress = replace(self.progress, state=state, message=message, event_id=event_id)
