"""Runs of methods over videos, in this process or in several; what is done already is left as it is."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import ExitStack
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import torch

from sam2s.checkpoints import find_weights
from sam2s.errors import ConfigError
from sam2s.evaluation.find_method import find_method
from sam2s.evaluation.outside import ReadyMasks
from sam2s.evaluation.outside_masks import find_video
from sam2s.evaluation.plan import OURS, EvalRun, EvalSettings
from sam2s.evaluation.processes import ProgressCallback
from sam2s.evaluation.result_files import forget_results, is_done
from sam2s.evaluation.videos import EvalVideo
from sam2s.evaluation.worker import Worker, frame_count
from sam2s.processes import locked, worker_pool

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
    check_runs(runs, videos, settings)
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
    with ExitStack() as locks:
        for run in runs:
            locks.enter_context(locked(out / ".locks" / f"{run.folder} {part} of {parts}"))
        if len(tasks) <= 1 or workers <= 1:
            _work_alone(settings, out, tasks, lambda done, name: report(before + done, total, name))
        else:
            _work_together(
                settings, out, tasks, min(workers, len(tasks)), lambda done, name: report(before + done, total, name)
            )


def check_runs(runs: Sequence[EvalRun], videos: Sequence[EvalVideo], settings: EvalSettings) -> None:
    """Find out before minutes of work what cannot be done at all.

    Raises:
        ConfigError: naming it.
    """
    for run in runs:
        if run.uses_weights:
            find_weights(run.weights)
        if run.method == OURS:
            continue
        if run.prompt.interactive:
            raise ConfigError(
                f"--prompt {run.prompt} needs a tracker that can be corrected; use it with --method sam2s"
            )
        method = find_method(run.method, settings.missing)
        if isinstance(method, ReadyMasks):
            _check_ready(method, videos)


def _check_ready(method: ReadyMasks, videos: Sequence[EvalVideo]) -> None:
    """Refuse one video's masks for two videos, and masks none of which are of any video."""
    names = {video.name: find_video(method.videos, video.name) for video in videos}
    owners: dict[str, str] = {}
    for video, name in names.items():
        if name is not None and (other := owners.setdefault(name, video)) != video:
            raise ConfigError(
                f"{method.place / name} could be the masks of {other} and of {video}; give them whole names"
            )
    if not owners:
        there, wanted = (", ".join(list(some)[:3]) for some in (method.videos, names))
        raise ConfigError(f"{method.place} has masks of {there}, none of which is a video of --data ({wanted})")


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
    counter = multiprocessing.get_context("spawn").Value("q", 0)
    with worker_pool(workers, initializer=_start_worker, arguments=(settings, out, threads, counter)) as pool:
        pending = {pool.submit(_work_in_process, task) for task in tasks}
        name = ""
        while pending:
            done, pending = wait(pending, _POLL, FIRST_COMPLETED)
            for future in pool.completed(list(done)):
                name = future.result()
            report(counter.value, name)


_process: dict[str, Worker] = {}  # what a worker process was started with


def _start_worker(settings: EvalSettings, out: Path, threads: int, counter: Synchronized[int]) -> None:
    def count_frames(frames: int) -> None:
        with counter.get_lock():
            counter.value += frames

    torch.set_num_threads(threads)
    _process["worker"] = Worker(settings, out, count_frames)


def _work_in_process(task: VideoTask) -> str:
    return _process["worker"].work(*task)
