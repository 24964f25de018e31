"""Evaluation as an archive: every shard of the videos is a job, on whatever engine, and is repeated like one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sam2s.errors import OutputError
from sam2s.evaluation.datasets import open_videos
from sam2s.evaluation.evaluate import evaluate
from sam2s.evaluation.plan import EvalRun, EvalSettings
from sam2s.evaluation.rules import Missing, Prompting, parse_void

from .driver import ReportProgress, run_archive
from .engine import ArchiveEngine, Attempt, WorkerSettings
from .jobs import ArchiveJob
from .manifest import JobState, Manifest

FOLDER = ".shards"
"""Where the manifest of the shards lies, beside the results."""


def shard_jobs(
    count: int, data: Sequence[str], runs: Sequence[EvalRun], settings: EvalSettings, out: Path, options: dict[str, Any]
) -> list[ArchiveJob]:
    """A job for each of `count` shards of an evaluation.

    Jobs of another call are others, so that every command looks at all shards again, while a driver that is started
    again with the same jobs leaves finished ones as they are. Results that count are found by `evaluate` itself.

    Args:
        count: of shards; as many as workers, or a few times that.
        data: as for `open_videos`.
        runs, settings: as for `evaluate`.
        out: folder of the results, under the same path on all machines.
        options: of `open_videos`: split, split_file, subsets and void as text.
    """
    common = {
        "data": list(data),
        "runs": [{**asdict(run), "prompt": str(run.prompt)} for run in runs],
        "settings": {**asdict(settings), "missing": str(settings.missing)},
        "out": str(out.absolute()),
        "options": options,
        "command": uuid.uuid4().hex,
        "folder": os.getcwd(),  # from which relative paths and modules of trackers are sought
    }
    return [
        ArchiveJob(f"shard-{number}-of-{count}", "", settings={**common, "shard": [number, count]})
        for number in range(count)
    ]


def evaluate_shard(attempt: Attempt, worker: WorkerSettings, report: Callable[[int, int | None], None]) -> int:
    """Do one shard; what an earlier attempt finished is left as it is. Returns the number of its videos."""
    asked = attempt.job.settings
    os.chdir(asked["folder"])
    options = asked["options"]
    videos = open_videos(
        asked["data"],
        split=options["split"],
        split_file=None if options["split_file"] is None else Path(options["split_file"]),
        subsets=options["subsets"],
        void=parse_void(options["void"]),
    )
    part, parts = asked["shard"]
    settings = {**asked["settings"], "missing": Missing(asked["settings"]["missing"]), "device": worker.device}
    evaluate(
        videos,
        [EvalRun(**{**run, "prompt": Prompting(run["prompt"])}) for run in asked["runs"]],
        EvalSettings(**settings),
        Path(asked["out"]),
        shard=(part, parts),
        report_progress=lambda done, total, name: report(done, total),
    )
    return len(videos[part::parts])


def evaluate_on(
    engine: ArchiveEngine, jobs: Sequence[ArchiveJob], out: Path, report_progress: ReportProgress = lambda _: None
) -> None:
    """Do all shards on an engine; the engine is closed at the end.

    Raises:
        OutputError: a shard failed for good; the message names the first and its reason.
    """
    with Manifest.create(out / FOLDER, jobs) as manifest:
        run_archive(manifest, engine, out, report_progress=report_progress)
        failed = [status for status in manifest.statuses() if status.state is JobState.FAILED]
    if failed:
        raise OutputError(f"{failed[0].job.name} failed: {failed[0].reason}; the results of all others are in {out}")
