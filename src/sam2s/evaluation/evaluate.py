"""Runs of methods over videos, in this process or in several; what is done already is left as it is."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import torch

from sam2s.errors import ConfigError, OutputError
from sam2s.evaluation.method import find_method
from sam2s.evaluation.plan import OURS, EvalRun, EvalSettings
from sam2s.evaluation.processes import ProgressCallback
from sam2s.evaluation.result_files import forget_results, is_done
from sam2s.evaluation.videos import EvalVideo
from sam2s.evaluation.worker import Worker, frame_count

VideoTask = tuple[EvalVideo, EvalVideo | None, list[EvalRun]]

_POLL = 0.5  # seconds between two looks at how far the processes are


def evaluate(
    videos: Sequence[EvalVideo],
    runs: Sequence[EvalRun],
    settings: EvalSettings,
    out: Path,
    *,
    shard: tuple[int, int] = (0, 1),
    overwrite: bool = False,
    workers: int = 1,
    report_progress: ProgressCallback | None = None,
) -> None:
    """Do all runs over all videos, except what is done already on the same frames and truth.

    The longest videos come first. A video that fails leaves an `.error` and no result.

    Args:
        videos: what is tracked.
        runs: the rows of the tables.
        settings: what all runs share.
        out: folder for masks and results.
        shard: number of this part, and of all parts; this part takes every N-th video.
        overwrite: whether what is done already is done again.
        workers: processes.
        report_progress: called with the number of frames done, of all frames, and the last video that is done.

    Raises:
        ConfigError: a run cannot be done at all.
        OutputError: the folder holds results of other settings, or cannot be written.
    """
    _check_runs(runs)
    part, parts = shard
    mine = videos[part::parts]
    if overwrite:
        forget_results(out, runs, [video.name for video in mine])
    others = {video.name: videos[(n + len(videos) // 2) % len(videos)] for n, video in enumerate(videos)}
    undone = [(video, [run for run in runs if not is_done(out, run, video, settings)]) for video in mine]
    tasks: list[VideoTask] = [
        (video, others[video.name] if len(videos) > 1 else None, todo) for video, todo in undone if todo
    ]
    tasks.sort(key=lambda task: -frame_count(task[0]))
    total = len(runs) * sum(frame_count(video) for video in mine)
    before = total - sum(len(todo) * frame_count(video) for video, _, todo in tasks)
    report = report_progress or (lambda done, total, name: None)
    report(before, total, "")
    if len(tasks) <= 1 or workers <= 1:
        _work_alone(settings, out, tasks, lambda done, name: report(before + done, total, name))
    else:
        _work_together(
            settings, out, tasks, min(workers, len(tasks)), lambda done, name: report(before + done, total, name)
        )


def _check_runs(runs: Sequence[EvalRun]) -> None:
    for run in runs:
        if run.method != OURS and run.prompt.interactive:
            raise ConfigError(
                f"--prompt {run.prompt} needs a tracker that can be corrected; use it with --method sam2s"
            )
        if run.method != OURS:
            find_method(run.method)


def _work_alone(
    settings: EvalSettings, out: Path, tasks: Sequence[VideoTask], report: Callable[[int, str], None]
) -> None:
    """Do the tasks in this process."""
    done, name = 0, ""

    def count_frames(frames: int) -> None:
        nonlocal done
        done += frames
        report(done, name)

    worker = Worker(settings, out, count_frames)
    for task in tasks:
        name = task[0].name
        worker.work(*task)


def _work_together(
    settings: EvalSettings, out: Path, tasks: Sequence[VideoTask], workers: int, report: Callable[[int, str], None]
) -> None:
    """Do the tasks in several processes, which count their frames in memory that they share."""
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with ProcessPoolExecutor(workers, context, _start_worker, (settings, out, threads, counter)) as pool:
        try:
            pending = {pool.submit(_work_in_process, task) for task in tasks}
            name = ""
            while pending:
                done, pending = wait(pending, _POLL, FIRST_COMPLETED)
                for future in done:
                    name = future.result()
                report(counter.value, name)
        except BrokenProcessPool as error:
            raise OutputError(
                "a process died, perhaps for lack of memory; the same command goes on, try fewer --workers"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


_process: dict[str, Worker] = {}  # what a worker process was started with


def _start_worker(settings: EvalSettings, out: Path, threads: int, counter: Synchronized[int]) -> None:
    def count_frames(frames: int) -> None:
        with counter.get_lock():
            counter.value += frames

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once: half a video is never kept
    torch.set_num_threads(threads)
    _process["worker"] = Worker(settings, out, count_frames)


def _work_in_process(task: VideoTask) -> str:
    return _process["worker"].work(*task)
