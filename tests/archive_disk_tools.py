"""An archive in a disk of its own that something befalls: `python archive_disk_tools.py JOBS OUT FAULT LASTING MEND`.

Prints what became of it as JSON. Lines of shell: FAULT is run once, when the first video is at its fifth frame, and
MEND so many seconds later.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from archive_tools import contents
from sam2s.archive import Attempt, LocalEngine, Manifest, RetryPolicy, WorkerSettings, read_jobs, run_archive
from sam2s.archive.worker import track_video
from sam2s.errors import Sam2sError

SETTINGS = WorkerSettings(device="cpu", threads=1)


def track_slowly(task: Attempt, settings: WorkerSettings, report) -> int:
    """Track a video with a pause at every frame, so that there is time for something to happen."""

    def report_slowly(done: int, total: int | None) -> None:
        report(done, total)
        time.sleep(0.05)

    return track_video(task, settings, report_slowly)


def run(jobs: Path, out: Path, fault: str = "true", lasting: str = "0", mend: str = "true"):
    """Track the videos of a jobs file and tell states, reasons of failed attempts, masks, and when it happened."""
    reasons, happened = set(), []

    def watch(progress) -> None:
        if not happened and any(done >= 5 for done, _ in progress.running.values()):
            happened.append(dict(progress.running))
            subprocess.run(["sh", "-ec", fault], check=True)
            threading.Timer(float(lasting), subprocess.run, (["sh", "-ec", mend],), {"check": True}).start()
        reasons.update(status.reason for status in manifest.statuses() if status.reason)

    with Manifest.create(out, read_jobs(jobs)) as manifest:
        engine = LocalEngine(track_slowly, SETTINGS, ["cpu"])
        run_archive(manifest, engine, out, policy=RetryPolicy(1.0, 8.0), report_progress=watch)
        states = {status.job.name: str(status.state) for status in manifest.statuses()}
        attempts = {status.job.name: status.attempts for status in manifest.statuses()}
    return {"states": states, "attempts": attempts, "reasons": sorted(reasons), "happened": happened}


if __name__ == "__main__":
    try:
        result = run(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
        if "failed" not in result["states"].values():
            result["masks"] = contents(Path(sys.argv[2]))
    except Sam2sError as error:
        result = {"error": str(error)}
    print(json.dumps(result))
