"""Runs of methods over videos, in this process or in several; what is done already is left as it is."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

import torch

from sam2s.errors import ConfigError, OutputError
from sam2s.evaluation.method import find_method
from sam2s.evaluation.plan import OURS, EvalRun, EvalSettings
from sam2s.evaluation.processes import ProgressCallback
from sam2s.evaluation.result_files import is_done
from sam2s.evaluation.videos import EvalVideo
from sam2s.evaluation.worker import Worker

VideoTask = tuple[EvalVideo, list[EvalRun]]


def evaluate(
    videos: Sequence[EvalVideo],
    runs: Sequence[EvalRun],
    settings: EvalSettings,
    out: Path,
    *,
    workers: int = 1,
    report_progress: ProgressCallback | None = None,
) -> None:
    """Do all runs over all videos, except what is done already on the same frames and truth.

    A video that fails leaves an `.error` and no result.

    Args:
        videos: what is tracked.
        runs: the rows of the tables.
        settings: what all runs share.
        out: folder for masks and results.
        workers: processes.
        report_progress: called with the number of videos done, of all videos, and the name of the last one.

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
    pending = [(video, [run for run in runs if not is_done(out, run, video, settings)]) for video in videos]
    tasks = [(video, undone) for video, undone in pending if undone]
    total, finished = len(videos), len(videos) - len(tasks)
    if report_progress:
        report_progress(finished, total, "")
    with _mapping(settings, out, min(workers, len(tasks))) as work:
        for name in work(tasks):
            finished += 1
            if report_progress:
                report_progress(finished, total, name)


@contextmanager
def _mapping(settings: EvalSettings, out: Path, workers: int) -> Iterator[Callable[[list[VideoTask]], Iterator[str]]]:
    """Give a function that does tasks in this process or in several, and names each video that is done."""
    if workers <= 1:
        worker = Worker(settings, out)
        yield lambda tasks: (worker.work(video, runs) for video, runs in tasks)
        return
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start_worker, (settings, out, threads)) as pool:

        def work(tasks: list[VideoTask]) -> Iterator[str]:
            try:
                for future in as_completed([pool.submit(_work_here, task) for task in tasks]):
                    yield future.result()
            except BrokenProcessPool as error:
                raise OutputError(
                    "a process died, perhaps for lack of memory; the same command goes on, try fewer --workers"
                ) from error

        try:
            yield work
        finally:
            pool.shutdown(cancel_futures=True)


_process: dict[str, Worker] = {}  # what a worker process was started with


def _start_worker(settings: EvalSettings, out: Path, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once: half a video is never kept
    torch.set_num_threads(threads)
    _process["worker"] = Worker(settings, out)


def _work_here(task: VideoTask) -> str:
    return _process["worker"].work(*task)
