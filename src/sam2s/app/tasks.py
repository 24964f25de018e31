"""What takes longer than a request: exports and imports, one after another, watched by whoever began them."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sam2s.app.problems import ApiError
from sam2s.errors import Sam2sError

Progress = Callable[[int, int], None]
_KEPT = 64
_WAITING = 16
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Task:
    """Something under way.

    Attributes:
        id: stands for it in addresses.
        kind: what it does.
        video_id: of which video.
        state: how far it is.
        done, total: steps, 0 where unknown.
        message: how it ended, for people.
        file: what it made, or None.
    """

    id: str
    kind: str
    video_id: str
    state: Literal["running", "done", "failed"] = "running"
    done: int = 0
    total: int = 0
    message: str | None = None
    file: Path | None = None


class Tasks:
    """Runs tasks in a thread."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sam2s-task")
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, kind: str, video_id: str, work: Callable[[Progress], tuple[Path | None, str]]) -> Task:
        """Begin a task; `work` returns the file it made and what to say.

        Raises:
            ApiError: too many wait.
        """
        task = Task(secrets.token_hex(8), kind, video_id)
        with self._lock:
            if sum(one.state == "running" for one in self._tasks.values()) >= _WAITING:
                raise ApiError(
                    "too-many", f"{_WAITING} exports and imports are waiting, the most at once; try again later"
                )
            self._tasks[task.id] = task
            while len(self._tasks) > _KEPT:
                self._tasks.popitem(last=False)
        self._pool.submit(self._run, task, work)
        return task

    def find(self, video_id: str, task_id: str) -> Task:
        """Return a task of a video.

        Raises:
            ApiError: there is none of this id.
        """
        task = self._tasks.get(task_id)
        if task is None or task.video_id != video_id:
            raise ApiError("not-found", f"there is no export or import {task_id!r} of this video")
        return task

    def close(self) -> None:
        """Take no more tasks; what runs is waited for."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, task: Task, work: Callable[[Progress], tuple[Path | None, str]]) -> None:
        def report(done: int, total: int) -> None:
            task.done, task.total = done, total

        try:
            task.file, task.message = work(report)
            task.state = "done"
        except Sam2sError as error:
            task.message, task.state = str(error), "failed"
        except ApiError as error:
            task.message, task.state = error.message, "failed"
        except Exception as error:
            _log.exception("%s failed", task.kind)
            task.message, task.state = f"it failed ({type(error).__name__}: {error})", "failed"
