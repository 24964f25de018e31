"""A tracking run from input to workspace: what `sam2s track` does once its arguments are read."""

from __future__ import annotations

import hashlib
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import sam2s
from sam2s.checkpoints import find_weights
from sam2s.errors import SourceError
from sam2s.formats import outputs
from sam2s.formats.export import check_kinds, write_exports
from sam2s.model import Network
from sam2s.progress import ProgressCallback, ignore_progress
from sam2s.quality import FrameJudge
from sam2s.runs.checks import check_out, check_settings
from sam2s.runs.live import LiveLoop
from sam2s.runs.loop import FrameLoop
from sam2s.runs.offline import OfflineLoop
from sam2s.runs.open import begin_run, open_workspace, stored_prompts
from sam2s.runs.prompt_warnings import warnings_of
from sam2s.runs.settings import RunSettings
from sam2s.runs.watchdog import Watchdog, WatchedSource
from sam2s.session.replay import Judge
from sam2s.signals import signals
from sam2s.tracking import Alarm
from sam2s.video import VideoSource, open_source
from sam2s.workspace import AlarmSpan, RunState

CHECKPOINT_SECONDS = 5.0
"""At most this much of a killed run has to be done again, and the frame in work."""


@dataclass(frozen=True)
class RunOutcome:
    """How a run went.

    Attributes:
        frames: frames tracked now, not counting those of an earlier start of the run.
        seconds: time that took, decoding and writing included.
        resumed_at: frame at which an earlier run was taken up again, or None.
        outputs: files and folders by kind; "workspace" is the folder of the workspace.
        signal: the signal that stopped the run before its end, or None.
        damage: what was wrong with the input after the last good frame, or None.
        live: whether the input was a camera or stream, so that a stopped run is a finished one.
        latency: of a live run, milliseconds from a frame's arrival to its written masks that 50, 95 and 99 % kept to.
        dropped: frames of a live run that arrived while others were tracked, and were passed over.
        finished_before: whether an earlier start had done all frames, so that only exports were made.
        alarms: what a person should look at, over all frames that have masks so far.
        warnings: prompts in doubt, and what to do about them.
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
    alarms: list[AlarmSpan] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def fps(self) -> float:
        """Frames tracked per second."""
        return self.frames / self.seconds if self.seconds else 0.0


def run(
    settings: RunSettings,
    report_progress: ProgressCallback = ignore_progress,
    *,
    network: Network | None = None,
    judged: Judge | None = None,
) -> RunOutcome:
    """Track, write the masks to a workspace, then write the exports; resumes an interrupted run with the same settings.

        run(RunSettings("operation.mp4", Path("runs/operation"), prompts=[parse_box("1=grasper@0:195,48,550,293")]))

    If everything is tracked already, only missing exports are written. A damaged input ends the run; a later call tries
    to continue past the damage. Ctrl-C and SIGTERM end the run after the current frame, with everything saved. A live
    run cannot be resumed, so its exports are written then.

    Args:
        settings: the settings.
        report_progress: called for every frame; an exception in it ends the run like a crash.
        network: the network of the settings, if it is already loaded.
        judged: whether a frame is judged, see `Tracker.step`; by default all are. A resumed run needs the same answers.

    Raises:
        Sam2sError: an error that the user can fix.
    """
    check_kinds(settings.exports)
    if not settings.prompts and not settings.overwrite:
        settings = replace(settings, prompts=stored_prompts(settings.out))
    network = network or load_network(settings)
    settings.monitor(network)  # a model that cannot be read is said before anything is written
    stop_requests: list[int] = []
    with Watchdog(settings.stall_seconds, stop_requests) as watchdog:
        with watchdog.reading(f"{settings.input}, opening it"):
            opened = open_source(
                settings.input,
                pattern=settings.pattern,
                square_pixels=settings.square_pixels,
                policy=settings.live,
            )
        with closing(opened):
            source = cast(VideoSource, WatchedSource(opened, watchdog)) if opened.seekable else opened
            check_settings(settings, source)
            check_out(settings, source)
            return _track(settings, network, source, report_progress, stop_requests, judged)


def load_network(settings: RunSettings) -> Network:
    """Load the network that settings ask for.

    Raises:
        Sam2sError: anything that the user can mend.
    """
    return sam2s.load(
        settings.weights,
        device=settings.device,
        image_size=settings.image_size,
        precision=settings.precision,
        threads=settings.threads,
        compile=settings.compile,
        backend=settings.backend,
    )


def _track(
    settings: RunSettings,
    network: Network,
    source: VideoSource,
    report_progress: ProgressCallback,
    stop_requests: list[int],
    judged: Judge | None,
) -> RunOutcome:
    live, kinds = not source.seekable, settings.exports

    def stop() -> None:
        stop_requests.append(1)
        if live:  # a stream may be silent for long, so a signal ends the wait
            source.close()

    with open_workspace(settings, source) as workspace, signals(stop) as caught:
        record = begin_run(settings, workspace, network, hash_weights(find_weights(settings.weights)))
        finished = record.state is RunState.FINISHED
        outcome = RunOutcome(0, 0.0, None, {"workspace": workspace.folder}, live=live, finished_before=finished)
        if not finished:
            if settings.events and judged is None:
                judged = FrameJudge()
            kind: type[LiveLoop | OfflineLoop] = LiveLoop if live else OfflineLoop
            loop: FrameLoop = kind(settings, network, source, workspace, record, judged)
            outcome = _go_over(loop, outcome, caught, report_progress)
        stopped, paths = caught[0] if caught else None, outcome.outputs
        if live:
            if "overlay" in kinds and outcome.frames:
                paths["overlay"] = workspace.folder / outputs.KINDS["overlay"]  # drawn while tracking
            kinds = tuple(kind for kind in kinds if kind != "overlay")
        elif caught:
            kinds = ()

        def report_or_stop(kind: str, done: int, total: int) -> None:
            report_progress(kind, done, total)
            if caught and stopped is None:
                raise _StoppedError

        with suppress(_StoppedError):
            paths |= write_exports(workspace, source, kinds, report_progress=report_or_stop)
        signal = caught[0] if caught else None
        alarms = workspace.alarms()
        return replace(
            outcome,
            signal=signal,
            dropped=getattr(source, "dropped", 0),
            alarms=[span for span in alarms if span.alarm is not Alarm.PROMPT],
            warnings=warnings_of(workspace, alarms),
        )


def _go_over(loop: FrameLoop, outcome: RunOutcome, caught: list[int], report_progress: ProgressCallback) -> RunOutcome:
    """Track and write until the end, a signal, or damage to the input, behind which a later start may get."""
    done, damage, began = 0, None, time.perf_counter()
    saved = began
    try:
        with loop.writing() as write, closing(loop.results()) as results:  # type: ignore[type-var]
            for result in results:
                write(result)
                done += 1
                report_progress("tracking", done, loop.total)
                if caught or time.perf_counter() - saved >= CHECKPOINT_SECONDS:
                    loop.checkpoint()
                    saved = time.perf_counter()
                if caught:
                    break
    except SourceError as error:
        loop.checkpoint()
        damage = None if caught else str(error)
    else:
        if not caught:
            loop.finish()
    seconds, resumed = time.perf_counter() - began, loop.resumed_at
    return replace(outcome, frames=done, seconds=seconds, resumed_at=resumed, damage=damage, latency=loop.latency())


class _StoppedError(Exception):
    """A signal came while exports were written; the next start makes them."""


def hash_weights(path: Path) -> str:
    """SHA-256 of a file of weights, or of all files of a folder."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
