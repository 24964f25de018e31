"""An archive on processes of this machine: what finishes, what is repeated, what is set aside; nothing is lost."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archive_tools import FRAMES, expected, job, read_result, work
from sam2s.archive import LocalEngine, Manifest, RetryPolicy, WorkerSettings, run_archive

QUICK = RetryPolicy(first_pause=0.01, longest_pause=0.02)


def run(out, jobs, *, workers=1, settings=None, **options):
    with Manifest.create(out, jobs) as manifest:
        engine = LocalEngine(work, settings or WorkerSettings(), ["cpu"] * workers)
        progress = run_archive(manifest, engine, out, policy=QUICK, **options)
        return progress, {status.job.name: status for status in manifest.statuses()}


def test_a_broken_video_stops_nothing(tmp_path):
    progress, statuses = run(tmp_path, [job("a"), job("bad", video="unreadable"), job("b")])
    assert {name: status.state for name, status in statuses.items()} == {"a": "done", "b": "done", "bad": "failed"}
    assert statuses["bad"].reason == "cannot open unreadable.mp4: no such file"
    assert statuses["bad"].attempts == 1
    assert statuses["a"].frames == FRAMES
    assert (progress.done, progress.failed, progress.total) == (2, 1, 3)
    assert read_result(tmp_path, "a") == read_result(tmp_path, "b") == expected()
    again, statuses = run(tmp_path, [job("a"), job("bad", video="unreadable"), job("b")])
    assert again.finished_now == 0
    assert (tmp_path / "a/writes.txt").read_text() == "1\n"  # a finished video is not done again


def test_dying_workers_are_replaced_and_their_videos_go_on(tmp_path):
    _, statuses = run(tmp_path, [job("once", video="dies once"), job("always", video="dies"), job("good")])
    assert (statuses["once"].state, statuses["once"].attempts) == ("done", 2)
    assert read_result(tmp_path, "once") == read_result(tmp_path, "good") == expected()
    assert (statuses["always"].state, statuses["always"].fault) == ("failed", "worker died")
    assert "died with exit status 3" in statuses["always"].reason
    assert statuses["always"].attempts == 5


def test_a_video_that_hangs_is_ended_and_set_aside(tmp_path):
    _, statuses = run(tmp_path, [job("stuck", video="hangs"), job("good")], stall_seconds=1.0)
    assert (statuses["stuck"].fault, statuses["stuck"].attempts) == ("no progress", 2)
    assert "no frame after frame 2 for 1 s" in statuses["stuck"].reason
    assert statuses["good"].state == "done"


def test_too_much_memory_ends_the_video_and_not_the_machine(tmp_path):
    _, statuses = run(tmp_path, [job("greedy", video="greedy"), job("good")], settings=WorkerSettings(memory=4 << 30))
    assert (statuses["greedy"].state, statuses["greedy"].fault) == ("failed", "memory")
    assert statuses["good"].state == "done"


def test_an_error_of_the_device_ends_its_process(tmp_path):
    _, statuses = run(tmp_path, [job("first"), job("gpu", video="broken device"), job("last")])
    assert (statuses["gpu"].state, statuses["gpu"].attempts) == ("done", 2)
    processes = [(tmp_path / name / "process.txt").read_text() for name in ("first", "gpu", "last")]
    assert processes[0] != processes[1]


def test_a_disk_that_stays_full_is_tried_again_and_then_told(tmp_path):
    _, statuses = run(tmp_path, [job("full", video="stubborn")])
    assert (statuses["full"].state, statuses["full"].attempts) == ("failed", 8)
    assert "No space left on device" in statuses["full"].reason


def test_stopping_leaves_the_rest_for_the_next_start(tmp_path):
    jobs = [job(str(i), video="slow") for i in range(6)]
    done = []
    progress, _ = run(
        tmp_path, jobs, report_progress=lambda p: done.append(p.done), stopped=lambda: bool(done) and done[-1] >= 2
    )
    assert 2 <= progress.done < 6
    progress, _ = run(tmp_path, jobs)
    assert progress.done == 6
    assert all(read_result(tmp_path, str(i)) == expected() for i in range(6))
    assert all((tmp_path / str(i) / "writes.txt").read_text().count("\n") == 1 for i in range(6))


DRIVER = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from archive_tools import job
from test_local_engine import run
if __name__ == "__main__":
    print("ready", flush=True)
    run(Path(sys.argv[1]), [job(str(i), video="slow") for i in range(8)], workers=2)
"""


@pytest.mark.parametrize("moment", [0.8, 1.4])
def test_a_killed_driver_takes_its_workers_along_and_nothing_is_lost(tmp_path, moment):
    script = tmp_path / "driver.py"
    here = Path(__file__).parent
    script.write_text(DRIVER.format(paths=[str(here), str(here.parent)]))
    out = tmp_path / "out"
    driver = subprocess.Popen([sys.executable, script, out], stdout=subprocess.PIPE, text=True)
    assert driver.stdout.readline() == "ready\n"
    time.sleep(moment)
    children = [int(pid) for pid in Path(f"/proc/{driver.pid}/task/{driver.pid}/children").read_text().split()]
    driver.kill()
    driver.wait()
    deadline = time.monotonic() + 60  # a worker that is still being imported looks at its parent only then
    while any(_alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in children)
    progress, _ = run(out, [job(str(i), video="slow") for i in range(8)], workers=2)
    assert progress.done == 8
    assert all(read_result(out, str(i)) == expected() for i in range(8))


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


def test_time_left_follows_the_pace(tmp_path):
    seen = []
    run(
        tmp_path, [job(str(i), video="slow") for i in range(3)], report_progress=lambda p: seen.append((p.done, p.left))
    )
    assert seen[0][1] is None or seen[0][1] >= 0
    assert seen[-1] == (3, 0.0)
