"""A tracking run from input to folder: what `sam2s track` and `sam2s demo` do once their arguments are read."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import sam2s
from sam2s.checkpoints import find_weights
from sam2s.cli.checks import check, check_out
from sam2s.cli.job import Job
from sam2s.cli.loops import Live, Loop, Offline
from sam2s.errors import TruncatedSourceError
from sam2s.formats.export import FILES, check_kinds, write_exports
from sam2s.formats.prompts_file import names
from sam2s.formats.run_info import RunInfo
from sam2s.formats.store import MaskStore, State
from sam2s.model import Network
from sam2s.session.events import encode_prompt
from sam2s.signals import signals
from sam2s.video import VideoSource, open_source

CHECKPOINT_SECONDS = 5.0
"""At most this much of a killed run has to be done again, and the frame in work."""

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

    Damage to the input ends the run for now: a later start tries to get past it.

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
        check_out(job, source)
        return _track(job, model, source, tell)


def _track(job: Job, model: Network, source: VideoSource, tell: Tell) -> Outcome:
    live, kinds = not source.seekable, job.exports
    with (
        MaskStore.open(job.out, _info(job, model, source), overwrite=job.overwrite) as store,
        # A stream may be silent for long, so a signal ends the wait; the frame in work is finished all the same.
        signals(source.close) if live else signals() as caught,
    ):
        finished = store.load_state() is State.FINISHED
        outcome = Outcome(0, 0.0, None, {"masks": store.folder}, live=live, finished_before=finished)
        if not finished:
            loop = (Live if live else Offline)(job, model, source, store)
            outcome = _go_over(loop, outcome, caught, tell)
        stopped, outputs = caught[0] if caught else None, outcome.outputs
        if live:
            if "overlay" in kinds and outcome.frames:
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
        return replace(outcome, signal=signal, dropped=getattr(source, "dropped", 0))


def _go_over(loop: Loop, outcome: Outcome, caught: list[int], tell: Tell) -> Outcome:
    """Track and write until the end, a signal, or damage to the input, behind which a later start may get."""
    done, damage, began = 0, None, time.perf_counter()
    saved = began
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
        loop.checkpoint()
    else:
        if not caught:
            loop.finish()
    seconds, resumed = time.perf_counter() - began, loop.resumed_at
    return replace(outcome, frames=done, seconds=seconds, resumed_at=resumed, damage=damage, latency=loop.latency())


class _StoppedError(Exception):
    """A signal came while exports were written; the next start makes them."""


def _info(job: Job, model: Network, source: VideoSource) -> RunInfo:
    weights = find_weights(job.weights)
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
            "fill_holes": job.fill_holes,
            "remove_islands": job.remove_islands,
        },
    )


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
