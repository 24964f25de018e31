"""Work that archive tests give to workers: small, deterministic, and on request faulty in the ways that work can be."""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from sam2s.archive import ArchiveJob, Attempt, WorkerSettings
from sam2s.errors import OutputError, SourceError
from sam2s.workspace import Workspace

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
        bytearray(6 << 30)  # more than a worker of the tests may have, and less than it would get without a limit
    if video == "broken device" and task.attempt == 1:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    result = task.out / "frames.txt"
    done = len(result.read_text().splitlines()) if result.exists() else 0
    if video == "hangs at once":
        hang_in_native_code()
    report(done, FRAMES)
    for frame in range(done, FRAMES):
        if video == "dies once" and task.attempt == 1 and frame == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if video == "dies" and frame == 2:
            os._exit(3)
        if video == "hangs" and frame == 2:
            time.sleep(600)
        if video == "hangs hard" and frame == 2:
            time.sleep(0.5)  # the second frame is told
            hang_in_native_code()
        if video == "slow":
            time.sleep(0.05)
        with result.open("a") as file:
            file.write(f"frame {frame}\n")
        report(frame + 1, FRAMES)
    (task.out / "process.txt").write_text(str(os.getpid()))
    (task.out / "writes.txt").open("a").write(f"{task.attempt}\n")
    return FRAMES


def hang_in_native_code() -> None:
    """Sleep as a decoder that does not come back and never lets go of the interpreter."""
    ctypes.PyDLL(None).sleep(600)


def jumping_clock() -> Callable[[], float]:
    """A clock that leaps by ten days with every look, forward and back."""
    leaps = itertools.cycle([0.0, 864_000.0, -864_000.0])
    real = time.time
    return lambda: real() + next(leaps)


def work_while_the_clock_jumps(task: Attempt, settings: WorkerSettings, report) -> int:
    """As `work`, in a process whose clock jumps."""
    time.time = jumping_clock()
    return work(task, settings, report)


def expected():
    """What `work` writes for a job that nothing happened to."""
    return "".join(f"frame {frame}\n" for frame in range(FRAMES))


def read_result(out: Path, name: str) -> str:
    """What `work` wrote for a job."""
    return (out / name / "frames.txt").read_text()


def environment_work(task: Attempt, settings: WorkerSettings, report) -> int:
    """Write what a worker sees of devices, and wait for another worker, so that both are seen at once."""
    task.out.mkdir(parents=True, exist_ok=True)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    (task.out / "sees.json").write_text(json.dumps({"visible": visible, "device": settings.device, "pid": os.getpid()}))
    limit = time.monotonic() + 60
    while len(list(task.out.parent.glob("*/sees.json"))) < task.job.settings["together"] and time.monotonic() < limit:
        time.sleep(0.05)
    return len(list(task.out.parent.glob("*/sees.json")))


def contents(out):
    """Masks of every video of an archive, and that each workspace is whole."""
    found = {}
    for folder in sorted(path for path in out.iterdir() if path.is_dir()):
        with Workspace.open(folder) as workspace:
            assert workspace.check().whole, folder
            found[folder.name] = [
                (record.index, {i: (one.rle, one.iou) for i, one in record.objects.items()})
                for record in workspace.frames()
            ]
    return found
