"""Work that archive tests give to workers: small, deterministic, and on request faulty in the ways that work can be."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from sam2s.archive import ArchiveJob, Attempt, WorkerSettings
from sam2s.errors import OutputError, SourceError

FRAMES = 5


def job(name, **settings):
    """A job whose `video` says how its work goes: a word of `work`."""
    return ArchiveJob(name, settings.pop("video", "good"), prompts="p.json", settings=settings)


def work(task: Attempt, settings: WorkerSettings, report) -> int:
    """Write one line for each frame; go on where an earlier attempt stopped, as a tracking run does."""
    video = task.job.video
    if video == "unreadable":
        raise SourceError("cannot open unreadable.mp4: no such file")
    task.out.mkdir(parents=True, exist_ok=True)
    if video == "stubborn":
        raise OutputError(f"cannot write {task.out}: No space left on device")
    if video == "greedy":
        bytearray(1 << 40)
    if video == "broken device" and task.attempt == 1:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    result = task.out / "frames.txt"
    done = len(result.read_text().splitlines()) if result.exists() else 0
    report(done, FRAMES)
    for frame in range(done, FRAMES):
        if video == "dies once" and task.attempt == 1 and frame == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if video == "dies" and frame == 2:
            os._exit(3)
        if video == "hangs" and frame == 2:
            time.sleep(600)
        if video == "slow":
            time.sleep(0.05)
        with result.open("a") as file:
            file.write(f"frame {frame}\n")
        report(frame + 1, FRAMES)
    (task.out / "process.txt").write_text(str(os.getpid()))
    (task.out / "writes.txt").open("a").write(f"{task.attempt}\n")
    return FRAMES


def expected():
    """What `work` writes for a job that nothing happened to."""
    return "".join(f"frame {frame}\n" for frame in range(FRAMES))


def read_result(out: Path, name: str) -> str:
    """What `work` wrote for a job."""
    return (out / name / "frames.txt").read_text()
