"""The two ways to go over frames in a tracking run: a video that can be read anywhere, and one that passes by."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from typing import Any, Protocol

import numpy as np

from sam2s.cli.checks import span
from sam2s.cli.job import Job
from sam2s.errors import OutputError
from sam2s.formats.behind import Behind
from sam2s.formats.overlay_video import LiveOverlay
from sam2s.formats.store import MaskStore, State
from sam2s.model import Network
from sam2s.session import VideoSession
from sam2s.session.folder import remove_session_files
from sam2s.tracking import FrameResult, Tracker
from sam2s.video import VideoSource, VideoWriter
from sam2s.video.live import LiveSource


class Loop(Protocol):
    """What a run needs to know of how its frames are gone over.

    Attributes:
        resumed_at: frame at which an earlier start of the run is taken up again, or None.
        total: frames that are left, or None if nobody knows.
    """

    resumed_at: int | None
    total: int | None

    def results(self) -> Iterator[FrameResult]:
        """Track, frame by frame."""
        ...

    def writing(self) -> AbstractContextManager[Callable[[FrameResult], None]]:
        """Takes results to the disk."""
        ...

    def checkpoint(self) -> None:
        """Save what is needed to go on from here after a kill."""
        ...

    def finish(self) -> None:
        """Note that nothing is left to track."""
        ...

    def latency(self) -> dict[str, float] | None:
        """Milliseconds from a frame's arrival to its written masks, by percentile, where somebody waits for it."""
        ...


class Offline(Loop):
    """A file or folder: a session whose folder lies beside the masks, so that a killed run goes on exactly."""

    def __init__(self, job: Job, model: Network, source: VideoSource, store: MaskStore) -> None:
        self.job, self.store = job, store
        self.written = Behind(partial(store.append, clean=job.clean))
        self.folder = store.folder / "session"
        settings: dict[str, Any] = {"stride": job.stride, "snapshot_every": 1 << 60, "max_snapshots": 2}
        self.begin, self.stop = span(job)
        goes_on = (self.folder / "session.json").exists() and not job.overwrite
        if goes_on:
            self.session = VideoSession.reopen(model, source, self.folder, policy=job.policy, **settings)
            if self.session.next_frame is not None:
                self.begin = self.session.next_frame
        else:
            remove_session_files(self.folder)
            self.session = VideoSession(model, source, policy=job.policy, folder=self.folder, **settings)
            for entry in job.prompts:
                self.session.add_prompt(frame=entry.frame, object_id=entry.object_id, prompt=entry.prompt)
        last = source.length if self.stop is None else min(self.stop, source.length or self.stop)
        left = self.begin - job.start + 1 if job.reverse else None if last is None else last - self.begin
        self.total = None if left is None else max(0, -(-left // job.stride))
        self.resumed_at = self.begin if goes_on and self.total != 0 else None

    def results(self) -> Iterator[FrameResult]:
        return self.session.propagate(self.begin, self.stop, reverse=self.job.reverse)

    def writing(self) -> Behind[FrameResult]:
        return self.written

    def checkpoint(self) -> None:
        self.written.flush()
        self.store.save_state(State.TRACKING)  # first the masks, then the state that counts them as done
        self.session.checkpoint()

    def finish(self) -> None:
        self.store.save_state(State.FINISHED)
        remove_session_files(self.folder)

    def latency(self) -> None:
        """Nobody waits for a frame of a file."""


class Live(Loop):
    """A camera or stream: nothing can be read twice, so nothing can be resumed."""

    resumed_at = None

    def __init__(self, job: Job, model: Network, source: VideoSource, store: MaskStore) -> None:
        if store.last_index is not None:
            raise OutputError(f"{store.folder} holds masks of an earlier recording; give another --out or --overwrite")
        self.job, self.source, self.store = job, source, store
        wanted = "overlay" in job.exports
        self.overlay = LiveOverlay(store.claim("overlay"), store.info, VideoWriter) if wanted else None
        self.tracker = Tracker(model, job.policy)
        self.spent = array("d")  # milliseconds by frame
        self.total = None if job.stop is None else -(-(job.stop - job.start) // job.stride)

    def results(self) -> Iterator[FrameResult]:
        waiting = sorted(self.job.prompts, key=lambda entry: entry.frame)
        frames = self.source.frames(self.job.start, self.job.stop, self.job.stride)
        with closing(frames), closing(self.overlay) if self.overlay else nullcontext():  # type: ignore[type-var]
            for frame in frames:
                while waiting and waiting[0].frame <= frame.index:
                    entry = waiting.pop(0)
                    self.tracker.add_prompt(object_id=entry.object_id, prompt=entry.prompt)
                arrived = self.source.arrived if isinstance(self.source, LiveSource) else time.perf_counter()
                result = self.tracker.step(frame)
                if self.overlay:
                    self.overlay.write(frame, result, self.job.clean)
                yield result
                self.spent.append(1000 * (time.perf_counter() - arrived))

    def writing(self) -> AbstractContextManager[Callable[[FrameResult], None]]:
        """At once: a frame counts as done when its masks are written."""
        return nullcontext(partial(self.store.append, clean=self.job.clean))

    def checkpoint(self) -> None:
        """A stream has no way back."""

    def finish(self) -> None:
        """Everything was written as it came."""

    def latency(self) -> dict[str, float] | None:
        if not self.spent:
            return None
        return {f"p{share}": round(float(np.percentile(self.spent, share)), 1) for share in (50, 95, 99)}
