"""Runs of methods over videos: each video and run leaves one result file, so that work may be stopped and shared out.

OUT/RUN/masks/VIDEO/00000.png    masks (DAVIS); where objects overlap the smaller id is drawn
OUT/RUN/results/VIDEO.json       what was measured on it, object by object, before the masks were merged; void once the
                                 video has another fingerprint
OUT/RUN/results/VIDEO.error      why it could not be tracked
"""

from __future__ import annotations

import copy
import hashlib
import json
import multiprocessing
import os
import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

import sam2s
from sam2s.checkpoints import find
from sam2s.device import resolve_device
from sam2s.errors import ConfigError, DatasetError, OutputError, Sam2sError
from sam2s.evaluation import protocols
from sam2s.evaluation.hardware import hardware
from sam2s.evaluation.method import Command, Frames, Method, find_method, start_all
from sam2s.evaluation.rules import Prompting
from sam2s.evaluation.sequence import ABSENT, Cell, cut, score_frame
from sam2s.evaluation.videos import EvalVideo
from sam2s.files import replacing, write_atomically
from sam2s.masks.palette import MAX_LABEL, encode_label_map, label_map
from sam2s.memory import MemoryPolicy
from sam2s.model import Network

OURS = "sam2s"
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Run:
    """One line of the tables under one protocol.

    Attributes:
        label: name of the line.
        method: `sam2s`, or a method of `method.py`.
        memory: what our tracker remembers; of no meaning for other methods.
        prompt: the protocol.
    """

    label: str
    method: str
    prompt: Prompting
    memory: Literal["divemem", "sam2"] = "divemem"

    @property
    def folder(self) -> str:
        """Its folder below OUT."""
        return re.sub(r"[^\w.+-]+", "-", f"{self.label} {self.prompt}")

    @property
    def uses_weights(self) -> bool:
        """Whether our network is needed: for tracking, or for the masks that other methods start from."""
        return self.method == OURS or self.prompt is not Prompting.MASK


@dataclass(frozen=True)
class Settings:
    """What all runs share; as for `sam2s.load`.

    `rounds` is the most prompted frames of an interactive protocol, `confidence` the predicted IoU above which DiveMem
    may remember a frame (the paper's gamma).
    """

    weights: str = "micro"
    image_size: int | None = None
    device: str = "auto"
    precision: str = "auto"
    rounds: int = 8
    confidence: float = 0.95


class Shown(NamedTuple):
    """A tracker's answer to a frame: masks, predicted IoU where it has one, whether the frame counts for speed."""

    masks: dict[int, np.ndarray]
    ious: dict[int, float]
    timed: bool


def evaluate(
    videos: Sequence[EvalVideo],
    runs: Sequence[Run],
    settings: Settings,
    out: Path,
    *,
    workers: int = 1,
    tell: Tell | None = None,
) -> None:
    """Do all runs over all videos, except what is done already on the same frames and truth.

    A video that fails leaves an `.error` and no result.

    Raises:
        ConfigError: a run cannot be done at all.
        OutputError: the folder holds results of other settings, or cannot be written.
    """
    for run in runs:
        if run.method != OURS and run.prompt.interactive:
            raise ConfigError(
                f"--prompt {run.prompt} needs a tracker that can be corrected; use it with --method sam2s"
            )
        if run.method != OURS:
            find_method(run.method)
    pending = [(v, [r for r in runs if not _done(out, r, v, settings)]) for v in videos]
    jobs = [(video, todo) for video, todo in pending if todo]
    total, finished = len(videos), len(videos) - len(jobs)
    if tell:
        tell(finished, total, "")
    with _mapping(settings, out, min(workers, len(jobs))) as work:
        for name in work(jobs):
            finished += 1
            if tell:
                tell(finished, total, name)


class Worker:
    """Does runs in one process; network and methods are made once."""

    def __init__(self, settings: Settings, out: Path) -> None:
        self.settings, self.out = settings, out
        self.method = cache(find_method)

    @cached_property
    def model(self) -> Network:
        """The network."""
        s = self.settings
        return sam2s.load(s.weights, device=s.device, image_size=s.image_size, precision=s.precision)

    def work(self, video: EvalVideo, runs: Sequence[Run]) -> str:
        """Do runs over a video; what fails is written down."""
        video = copy.copy(video)  # what it caches goes with it
        for run in runs:
            if run.uses_weights:
                _ = self.model  # weights that cannot be loaded are no fault of the video
            result = result_path(self.out, run, video.name)
            failed = result.with_name(f"{result.stem}.error")
            try:
                self._do(video, run, result)
                failed.unlink(missing_ok=True)
            except OutputError:
                raise
            except Exception as error:  # whatever a broken video or a foreign tracker throws
                kind = "" if isinstance(error, Sam2sError) else f"{type(error).__name__}: "
                write_atomically(failed, f"{kind}{error}\n".encode())
        return video.name

    def _do(self, video: EvalVideo, run: Run, result: Path) -> None:
        if too_large := [object_id for object_id in video.objects if object_id > MAX_LABEL]:
            raise DatasetError(
                f"{video.name} has an object {too_large[0]}; masks are written with ids up to {MAX_LABEL}"
            )
        fingerprint = video.fingerprint
        frames: list[dict[int, Cell]] = []
        annotated: dict[int, list[str]] = {object_id: [] for object_id in video.objects}
        ious: dict[int, list[float | None]] = {object_id: [] for object_id in video.objects}
        names, seconds, latency, effort = [], 0.0, [], protocols.Effort()
        with replacing(self.out / run.folder / "masks" / video.name) as folder:
            folder.mkdir(parents=True)
            shown_frames = self._track(video, run, effort)
            for index, stem in enumerate(video.stems):
                began = time.perf_counter()
                shown = next(shown_frames, None)
                took = time.perf_counter() - began
                if shown is None:
                    raise DatasetError(
                        f"{run.method} gave masks of {index} frames; {video.name} has {len(video.stems)}"
                    )
                seconds += took
                latency += [round(1000 * took, 3)] if shown.timed else []
                truth = video.truth(index)
                _check_sizes(video, stem, (*shown.masks.items(), *truth.items()))
                labels = label_map(shown.masks, video.source.size)
                (folder / f"{stem}.png").write_bytes(encode_label_map(labels))
                if not truth:
                    continue
                cells = score_frame(cut(shown.masks), cut(truth), video.source.size)
                frames.append({object_id: cells.get(object_id, ABSENT) for object_id in truth})
                names.append(stem)
                for object_id in truth:
                    annotated[object_id].append(stem)
                    ious[object_id].append(shown.ious.get(object_id))
        document = {
            "video": fingerprint,
            "settings": _identity(run, self.settings),
            "image_size": self.model.image_size if run.uses_weights else None,
            "subsets": dict(video.objects),
            "names": names,
            "annotated": annotated,
            "cells": frames,
            "predicted_iou": ious,
            "clicks": effort.clicks,
            "j_by_click": effort.first,
            "hardware": hardware(resolve_device(self.settings.device)),
            "frames": len(video.stems),
            "seconds": round(seconds, 4),
            "latency_ms": latency,
        }
        write_atomically(result, json.dumps(document).encode())

    def _track(self, video: EvalVideo, run: Run, effort: protocols.Effort) -> Iterator[Shown]:
        if run.method == OURS:
            policy = MemoryPolicy(kind=run.memory, iou_threshold=self.settings.confidence)
            for result in protocols.track(self.model, policy, video, run.prompt, self.settings.rounds, effort):
                objects = result.objects
                timed = bool(objects) and not any(item.prompted for item in objects.values())
                yield Shown({i: o.mask for i, o in objects.items()}, {i: o.iou for i, o in objects.items()}, timed)
            return
        method: Method = self.method(run.method)
        starts = start_all(lambda: self.model, video, run.prompt, effort)
        begins = {start.frame for start in starts.values()}
        for index, masks in enumerate(method.track(Frames(video.source), starts)):
            timed = index > min(begins, default=index) and index not in begins and not isinstance(method, Command)
            yield Shown({i: masks[i] for i, s in starts.items() if i in masks and s.frame <= index}, {}, timed)


def result_path(out: Path, run: Run, video: str) -> Path:
    """Where what was measured on a video lies."""
    return out / run.folder / "results" / f"{video}.json"


def read_result(out: Path, run: Run, video: EvalVideo) -> dict[str, Any] | None:
    """What was measured on a video; None if nothing was, or if its frames or its truth changed since."""
    path = result_path(out, run, video.name)
    if not path.exists():
        return None
    data: dict[str, Any] = json.loads(path.read_text())
    try:
        return data if data.get("video") == video.fingerprint else None
    except (Sam2sError, OSError):  # the video is damaged since; doing it will tell how
        return None


def _check_sizes(video: EvalVideo, stem: str, masks: Iterable[tuple[int, np.ndarray]]) -> None:
    height, width = video.source.size
    for object_id, mask in masks:
        if mask.shape != (height, width):
            size = "x".join(map(str, reversed(mask.shape)))
            raise DatasetError(
                f"{video.name}, frame {stem}, object {object_id}: mask of {size}, frame of {width}x{height}"
            )


def _done(out: Path, run: Run, video: EvalVideo, settings: Settings) -> bool:
    result = read_result(out, run, video)
    if result is None:
        return False
    before, now = result["settings"], _identity(run, settings)
    if before != now:
        path = result_path(out, run, video.name)
        changed = ", ".join(f"{key} {before.get(key)!r}" for key in now if before.get(key) != now[key])
        raise OutputError(f"{path} was made with other settings ({changed}); choose another --out, or --overwrite")
    return True


def _identity(run: Run, settings: Settings) -> dict[str, Any]:
    """Everything that changes masks."""
    known: dict[str, Any] = {"method": run.method, "prompt": str(run.prompt)}
    if run.method == OURS:
        known["memory"] = run.memory
        if run.memory == "divemem" and settings.confidence != Settings.confidence:
            known["confidence"] = settings.confidence
    if run.prompt.interactive:
        known["rounds"] = settings.rounds
    if run.uses_weights:
        kept = {key: value for key, value in asdict(settings).items() if key in ("weights", "image_size", "precision")}
        known |= kept | {"weights_hash": _hash(settings.weights)}
    return known


@cache
def _hash(weights: str) -> str:
    path = find(weights)
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


Job = tuple[EvalVideo, list[Run]]


@contextmanager
def _mapping(settings: Settings, out: Path, workers: int) -> Iterator[Callable[[list[Job]], Iterator[str]]]:
    """Give a function that does jobs in this process or in several, and names each video that is done."""
    if workers <= 1:
        worker = Worker(settings, out)
        yield lambda jobs: (worker.work(video, runs) for video, runs in jobs)
        return
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start_worker, (settings, out, threads)) as pool:

        def work(jobs: list[Job]) -> Iterator[str]:
            try:
                for future in as_completed([pool.submit(_work_here, job) for job in jobs]):
                    yield future.result()
            except BrokenProcessPool as error:
                raise OutputError(
                    "a process died, perhaps for lack of memory; the same command goes on, try fewer --workers"
                ) from error

        try:
            yield work
        finally:
            pool.shutdown(cancel_futures=True)


_here: dict[str, Worker] = {}  # what a worker process was started with


def _start_worker(settings: Settings, out: Path, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once: half a video is never kept
    torch.set_num_threads(threads)
    _here["worker"] = Worker(settings, out)


def _work_here(job: Job) -> str:
    return _here["worker"].work(*job)
