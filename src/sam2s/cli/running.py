"""A tracking run from input to folder: what `sam2s track` and `sam2s demo` do once their arguments are read."""

from __future__ import annotations

import hashlib
import shutil
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import sam2s
from sam2s.cli.checks import check, span
from sam2s.cli.job import Job
from sam2s.errors import OutputError, TruncatedSourceError
from sam2s.formats.behind import Behind
from sam2s.formats.export import FILES, check_kinds, write_exports
from sam2s.formats.overlay_video import LiveOverlay
from sam2s.formats.prompts_file import names
from sam2s.formats.run_info import RunInfo
from sam2s.formats.store import MaskStore
from sam2s.model import Network
from sam2s.model.checkpoints import find
from sam2s.signals import signals
from sam2s.tracking import FrameResult, Tracker, VideoSession
from sam2s.tracking.log import encode_prompt
from sam2s.video import VideoSource, VideoWriter, open_source
from sam2s.video.live import LiveSource

CHECKPOINT_SECONDS = 5.0
"""At most this much of a killed run has to be done again, and the frame in work."""
FINISHED = b"finished"
"""State of a run that needs no more tracking; what was wrong with the input may follow it."""

Tell = Callable[[str, int, int | None], None]
"""Told what is being done, how much of it is done, and how much there is (None if nobody knows)."""


@dataclass(frozen=True)
class Outcome:
    """How a run went.

    Attributes:
        frames: frames tracked now, not counting those of an earlier start of the run.
        seconds: time that took, decoding and writing included.
        resumed_at: frame at which an earlier run was taken up again, or None.
        outputs: files and folders by kind; "masks" is the run folder itself.
        signal: the signal that stopped the run before its end, or None.
        damage: what was wrong with the input after the last good frame, or None.
        live: whether the input was a camera or stream, so that a stopped run is a finished one.
        latency: of a live run, milliseconds from a frame's arrival to its written masks that 50, 95 and 99 % kept to.
        dropped: frames of a live run that arrived while others were tracked, and were passed over.
        finished_before: whether an earlier start had done all frames, so that only exports were made.
    """

    frames: int
    seconds: float
    resumed_at: int | None
    outputs: dict[str, Path]
    signal: int | None = None
    damage: str | None = None
    live: bool = False
    finished_before: bool = False
    latency: dict[str, float] | None = None
    dropped: int = 0

    @property
    def fps(self) -> float:
        """Frames tracked a second."""
        return self.frames / self.seconds if self.seconds else 0.0


def run(job: Job, tell: Tell) -> Outcome:
    """Track, write masks as they come, then the exports; goes on where an interrupted run of the same job stopped.

    Ctrl-C and SIGTERM end the run after the current frame with everything saved. A live run cannot go on later, so its
    exports are made then too.

    Raises:
        Sam2sError: anything that the user can mend.
    """
    check_kinds(job.exports)
    model = sam2s.load(
        job.weights,
        device=job.device,
        image_size=job.image_size,
        precision=job.precision,
        threads=job.threads,
        compile=job.compile,
        backend=job.backend,
    )
    with closing(open_source(job.input, policy=job.live)) as source:
        check(job, source)
        return _track(job, model, source, tell)


def _track(job: Job, model: Network, source: VideoSource, tell: Tell) -> Outcome:
    # A stream may be silent for long, so a signal ends the wait; the frame in work is finished all the same.
    first = _nothing if source.seekable else source.close
    with (
        MaskStore.open(job.out, _info(job, model, source), overwrite=job.overwrite) as store,
        signals(first) as caught,
    ):
        done, resumed, began = 0, None, time.perf_counter()
        saved = began
        state = store.load_state() or b""
        finished = state.startswith(FINISHED)
        damage = state.removeprefix(FINISHED).decode() or None if finished else None
        if not finished:
            loop = _Offline(job, model, source, store) if source.seekable else _Live(job, model, source, store)
            resumed = loop.resumed_at
            try:
                with loop.writing() as write, closing(loop.results()) as results:  # type: ignore[type-var]
                    for result in results:
                        write(result)
                        done += 1
                        tell("tracking", done, loop.total)
                        if caught or time.perf_counter() - saved >= CHECKPOINT_SECONDS:
                            loop.checkpoint()
                            saved = time.perf_counter()
                        if caught:
                            break
            except TruncatedSourceError as error:
                damage = str(error)
            if not caught:
                loop.finish(damage)
        seconds = time.perf_counter() - began
        stopped, live, kinds = caught[0] if caught else None, not source.seekable, job.exports
        outputs = {"masks": store.folder}
        if live:
            if "overlay" in kinds and done:
                outputs["overlay"] = store.folder / FILES["overlay"]  # drawn while tracking
            kinds = tuple(kind for kind in kinds if kind != "overlay")
        elif caught:
            kinds = ()

        def tell_or_stop(kind: str, at: int, total: int) -> None:
            tell(kind, at, total)
            if caught and stopped is None:
                raise _StoppedError

        with suppress(_StoppedError):
            outputs |= write_exports(store, source, kinds, progress=tell_or_stop)
        signal = caught[0] if caught else None
        outcome = Outcome(done, seconds, resumed, outputs, signal, damage, live, finished)
        return outcome if finished else replace(outcome, latency=loop.latency(), dropped=getattr(source, "dropped", 0))


class _StoppedError(Exception):
    """A signal came while exports were written; the next start makes them."""


class _Offline:
    """A file or folder: a session whose folder lies beside the masks, so that a killed run goes on exactly."""

    def __init__(self, job: Job, model: Network, source: VideoSource, store: MaskStore) -> None:
        self.job, self.store = job, store
        self.written = Behind(store.append)
        self.folder = store.folder / "session"
        settings: dict[str, Any] = {"stride": job.stride, "snapshot_every": 1 << 60, "max_snapshots": 2}
        self.begin, self.stop = span(job)
        self.resumed_at: int | None = None
        if (self.folder / "session.json").exists() and not job.overwrite:
            self.session = VideoSession.reopen(model, source, self.folder, policy=job.policy, **settings)
            self.begin = self.resumed_at = self.session.next_frame or 0
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.session = VideoSession(model, source, policy=job.policy, folder=self.folder, **settings)
            for entry in job.prompts:
                self.session.add_prompt(entry.frame, entry.object_id, entry.prompt)
        last = source.length if self.stop is None else min(self.stop, source.length or self.stop)
        left = self.begin - job.start + 1 if job.reverse else None if last is None else last - self.begin
        self.total = None if left is None else max(0, -(-left // job.stride))

    def results(self) -> Iterator[FrameResult]:
        return self.session.propagate(self.begin, self.stop, reverse=self.job.reverse)

    def writing(self) -> Behind[FrameResult]:
        return self.written

    def latency(self) -> None:
        """Nobody waits for a frame of a file."""

    def checkpoint(self) -> None:
        self.written.flush()
        self.store.save_state(b"tracking")  # first the masks, then the state that counts them as done
        self.session.checkpoint()

    def finish(self, damage: str | None) -> None:
        self.store.save_state(FINISHED + (damage or "").encode())
        shutil.rmtree(self.folder, ignore_errors=True)


class _Live:
    """A camera or stream: nothing can be read twice, so nothing can be resumed."""

    resumed_at = None

    def __init__(self, job: Job, model: Network, source: VideoSource, store: MaskStore) -> None:
        if store.last_index is not None:
            raise OutputError(f"{store.folder} holds masks of an earlier recording; give another --out or --overwrite")
        self.job, self.source, self.store = job, source, store
        wanted = "overlay" in job.exports
        self.overlay = LiveOverlay(store.folder / FILES["overlay"], store.info, VideoWriter) if wanted else None
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
                    self.tracker.add_prompt(entry.object_id, entry.prompt)
                arrived = self.source.arrived if isinstance(self.source, LiveSource) else time.perf_counter()
                result = self.tracker.step(frame)
                if self.overlay:
                    self.overlay.write(frame, result)
                yield result
                self.spent.append(1000 * (time.perf_counter() - arrived))

    def writing(self) -> AbstractContextManager[Callable[[FrameResult], None]]:
        """At once: a frame counts as done when its masks are written."""
        return nullcontext(self.store.append)

    def latency(self) -> dict[str, float] | None:
        if not self.spent:
            return None
        return {f"p{share}": round(float(np.percentile(self.spent, share)), 1) for share in (50, 95, 99)}

    def checkpoint(self) -> None:
        """A stream has no way back."""

    def finish(self, damage: str | None) -> None:
        """Everything was written as it came."""


def _nothing() -> None:
    pass


def _info(job: Job, model: Network, source: VideoSource) -> RunInfo:
    weights = find(job.weights)
    return RunInfo(
        source=source.name,
        fingerprint=source.fingerprint(),
        size=source.size,
        fps=source.fps,
        names=names(job.prompts),
        prompts=[{"frame": entry.frame, "id": entry.object_id, **encode_prompt(entry.prompt)} for entry in job.prompts],
        weights=job.weights,
        weights_hash=_hash(weights),
        policy=asdict(job.policy),
        settings={
            "image_size": model.image_size,
            "precision": str(model.dtype).removeprefix("torch."),
            "reverse": job.reverse,
            "start": job.start,
            "stop": job.stop,
            "stride": job.stride,
        },
    )


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
