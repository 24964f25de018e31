"""Who gets the device next: clicks first, then propagations of all users in turn, a frame each."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sam2s.app.engine.clicks import ClickAnswerer
from sam2s.app.engine.messages import Order, Report
from sam2s.app.engine.propagation_job import PropagationJob
from sam2s.app.engine.tracked_video import TrackedVideo
from sam2s.errors import Sam2sError
from sam2s.model import Network

VIDEOS_OPEN = 4
_REPORT_SECONDS = 0.15
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Job:
    """A propagation under way."""

    order: Order
    parts: list[PropagationJob]
    steps: Iterator[int]
    total: int
    done: int = 0
    frame: int = 0
    reported: float = 0.0


class Scheduler:
    """Takes orders and works on them in small steps.

    Args:
        network: the weights.
        send: takes reports to the server.
    """

    def __init__(self, network: Network, send: Callable[[Report], None]) -> None:
        self._network, self._send = network, send
        self._videos: dict[str, tuple[TrackedVideo, ClickAnswerer]] = {}
        self._prompts: deque[Order] = deque()
        self._looks: deque[Order] = deque(maxlen=2)
        self._jobs: deque[Job] = deque()
        self._ended: dict[str, PropagationJob] = {}

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do until the next order."""
        return not (self._prompts or self._looks or self._jobs)

    def take(self, order: Order) -> None:
        """Note an order; nothing is computed yet, but a propagation that is to stop has stopped."""
        if order.do == "prompt":
            self._prompts.append(order)
        elif order.do == "look":
            self._looks.append(order)
        elif order.do == "propagate":
            self._begin(order)
        elif order.do == "stop":
            for job in [job for job in self._jobs if job.order.event_id == order.event_id]:
                if job.order.workspace == order.workspace:
                    self._end(job, "stopped")
        elif order.do == "close":
            self._close(order.workspace)

    def step(self) -> None:
        """Do one thing: a prompt, a frame that somebody looks at, or a frame of the propagation whose turn it is."""
        if self._prompts:
            self._answer(self._prompts.popleft())
        elif self._looks:
            self._prepare(self._looks.pop())
        elif self._jobs:
            job = self._jobs.popleft()
            self._jobs.append(job)
            self._advance(job)

    def close(self) -> None:
        """End everything; what was written is safe."""
        for job in list(self._jobs):
            self._end(job, "stopped")
        for folder in list(self._videos):
            self._close(folder)

    def _video(self, order: Order) -> tuple[TrackedVideo, ClickAnswerer]:
        known = self._videos.pop(order.workspace, None)
        if known is not None and known[0].owner != order.owner:
            known[0].close()
            self._ended.pop(order.workspace, None)
            known = None
        if known is None:
            video = TrackedVideo(self._network, Path(order.workspace), Path(order.video), order.owner)
            known = video, ClickAnswerer(video)
        self._videos[order.workspace] = known  # the one used last is the last one
        busy = {job.order.workspace for job in self._jobs}
        spare = [folder for folder in self._videos if folder not in busy and folder != order.workspace]
        while len(self._videos) > VIDEOS_OPEN and spare:
            self._close(spare.pop(0))
        return known

    def _answer(self, order: Order) -> None:
        began = time.perf_counter()
        try:
            video, clicks = self._video(order)
            event = video.event(order.event_id)
            at_hand = event.frame is not None and video.has_features(event.frame)
            if event.frame is not None:
                video.encoded(event.frame)
            encoded = time.perf_counter()
            clicks.answer(event)
        except Exception as error:
            self._fail(order, error)
            return
        now = time.perf_counter()
        detail = {"encoder_seconds": 0.0 if at_hand else encoded - began}
        self._send(Report("answered", order.workspace, order.event_id, seconds=now - began, detail=detail))

    def _prepare(self, order: Order) -> None:
        """Encode a frame that somebody looks at, so that a click on it need not wait for that."""
        try:
            self._video(order)[0].encoded(order.frame)
        except Exception as error:  # nobody waits for it, and a click on the frame says what is wrong
            _log.info("frame %d was not made ready: %s", order.frame, error)

    def _begin(self, order: Order) -> None:
        try:
            video, _ = self._video(order)
            event = video.event(order.event_id)
            plan = event.payload
            parts = []
            for direction in ("forward", "backward"):
                if plan["direction"] not in (direction, "both"):
                    continue
                part = PropagationJob(video, event, direction == "backward")
                last = plan["stop"] - 1 if direction == "forward" else plan["start"]
                part.plan(plan["objects"], plan["frame"], last, until_given=plan["until"] == "prompt")
                parts.append(part)
        except Exception as error:
            self._fail(order, error)
            return
        total = sum(part.total for part in parts)
        job = Job(order, parts, self._steps(order, parts), total, frame=plan["frame"])
        self._jobs.append(job)
        self._report(job, "running")

    def _steps(self, order: Order, parts: list[PropagationJob]) -> Iterator[int]:
        for part in parts:
            yield from part.steps(self._ended.get(order.workspace))
            self._ended[order.workspace] = part

    def _advance(self, job: Job) -> None:
        try:
            job.frame = next(job.steps)
        except StopIteration:
            self._end(job, "done")
        except Exception as error:
            self._jobs.remove(job)
            self._fail(job.order, error)
            self._note_end(job, "failed")
        else:
            job.done += 1
            if time.perf_counter() - job.reported > _REPORT_SECONDS:
                self._report(job, "running")

    def _end(self, job: Job, state: str) -> None:
        if job in self._jobs:
            self._jobs.remove(job)
        close = getattr(job.steps, "close", None)
        if close is not None:
            close()
        going = [part for part in job.parts if part.at is not None]
        if going:
            self._ended[job.order.workspace] = going[-1]
        self._note_end(job, state)
        self._report(job, state)

    def _note_end(self, job: Job, state: str) -> None:
        """Say in the workspace how the propagation ended; without this it was interrupted by a kill."""
        known = self._videos.get(job.order.workspace)
        if known is None:
            return
        payload = {"propagation": job.order.event_id, "state": state, "frame": job.frame, "frames": job.done}
        try:
            known[0].workspace.record("note", payload=payload)
        except Sam2sError as error:
            _log.warning("the end of propagation %d was not noted: %s", job.order.event_id, error)

    def _report(self, job: Job, state: str) -> None:
        job.reported = time.perf_counter()
        order, shared = job.order, len(self._jobs)
        where = (order.workspace, order.event_id, job.frame, job.done, job.total, state)
        running = state == "running"
        self._send(Report("progress" if running else "ended", *where, queue=shared))

    def _fail(self, order: Order, error: Exception) -> None:
        if not isinstance(error, Sam2sError):
            _log.exception("%s of event %d failed", order.do, order.event_id)
        text = str(error) if isinstance(error, Sam2sError) else f"tracking failed ({type(error).__name__}: {error})"
        self._send(Report("failed", order.workspace, order.event_id, state="failed", message=text))

    def _close(self, folder: str) -> None:
        known = self._videos.pop(folder, None)
        self._ended.pop(folder, None)
        for job in [job for job in self._jobs if job.order.workspace == folder]:
            self._end(job, "stopped")
        if known is not None:
            known[0].close()
