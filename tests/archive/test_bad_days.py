"""Bad days with real faults: small and read-only disks, folders that go away, decoders that hang, clocks that jump.

Where a disk of its own is needed it is mounted in a namespace, which nobody outside sees.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import archive_disk_tools
from archive_tools import contents, expected, job, read_result, work, work_while_the_clock_jumps
from namespace_tools import in_namespace, needs_namespaces, with_tests_on_path
from sam2s.archive import JobState, LocalEngine, Manifest, RetryPolicy, WorkerSettings, read_jobs, run_archive
from sam2s.archive.worker import track_video

QUICK = RetryPolicy(first_pause=0.05, longest_pause=0.5)


def run_on_disk(tmp_path, size, *fault, options=""):
    """Track the archive on a disk of its own; see `archive_disk_tools`."""
    out = tmp_path / "disk"
    out.mkdir()
    script = Path(archive_disk_tools.__file__)
    words = [
        sys.executable,
        str(script),
        str(tmp_path / "jobs.jsonl"),
        str(out),
        *(part.format(out=out) for part in fault),
    ]
    command = in_namespace(f"mount -t tmpfs -o size={size}{options} archive {out}", words)
    done = subprocess.run(command, env=with_tests_on_path(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture
def undisturbed(make_archive, tmp_path):
    """The masks of three videos where nothing happens, as JSON gives them back."""
    jobs = make_archive(3, frames=40)
    run(tmp_path / "plain", read_jobs(jobs), work=track_video)
    return json.loads(json.dumps(contents(tmp_path / "plain")))


def run(out, jobs, *, work=work, settings=None, **options):
    with Manifest.create(out, jobs) as manifest:
        engine = LocalEngine(work, settings or WorkerSettings(device="cpu", threads=1), ["cpu"])
        run_archive(manifest, engine, out, policy=QUICK, **options)
        return {status.job.name: status for status in manifest.statuses()}


@pytest.mark.slow
@needs_namespaces
def test_a_full_disk_is_waited_for(undisturbed, tmp_path):
    fill = "dd if=/dev/zero of={out}/other bs=4k 2> /dev/null || true"
    result = run_on_disk(tmp_path, "30m", fill, "6", "rm {out}/other")
    assert set(result["states"].values()) == {"done"}
    assert any("full" in reason or "No space left" in reason for reason in result["reasons"]), result["reasons"]
    assert result["masks"] == undisturbed


@pytest.mark.slow
@needs_namespaces
def test_a_disk_that_becomes_read_only_is_waited_for(undisturbed, tmp_path):
    fault = "mount --bind {out} {out}; mount -o remount,bind,ro {out}"
    result = run_on_disk(tmp_path, "30m", fault, "4", "umount -l {out}")
    assert set(result["states"].values()) == {"done"}
    assert result["masks"] == undisturbed
    assert result["happened"]


@needs_namespaces
def test_an_output_that_is_read_only_from_the_start_is_refused(make_archive, tmp_path):
    make_archive(1)
    result = run_on_disk(tmp_path, "1m", options=",ro")
    assert "disk: Read-only file system; choose another --out" in result["error"]


@pytest.mark.slow
@needs_namespaces
@pytest.mark.parametrize("kind", ["ro", "rw"])
def test_an_output_that_vanishes_for_ten_seconds_loses_nothing(undisturbed, tmp_path, kind):
    """Another disk lies over it, as the mount point does where a mount was lost; what is written there is lost."""
    away = f"mount -t tmpfs -o size=30m,{kind} gone {{out}}"
    result = run_on_disk(tmp_path, "30m", away, "10", "umount -l {out}")
    assert set(result["states"].values()) == {"done"}
    assert result["masks"] == undisturbed
    assert result["happened"]


def test_a_decoder_that_hangs_in_native_code_is_ended(tmp_path):
    """It keeps the interpreter's lock, so that its process can tell nobody, at its first frame or at a later one."""
    jobs = [job("at once", video="hangs at once"), job("later", video="hangs hard"), job("good")]
    statuses = run(tmp_path, jobs, stall_seconds=1.5)
    for name, frame in (("at once", 0), ("later", 2)):
        assert (statuses[name].state, statuses[name].fault) == ("failed", "no progress")
        assert f"no frame after frame {frame} for 1.5 s" in statuses[name].reason
    assert statuses["good"].state is JobState.DONE


@pytest.mark.slow
def test_a_video_that_needs_more_memory_than_the_worker_may_have_is_set_aside(make_archive, tmp_path):
    small = read_jobs(make_archive(1))[0]
    large = tmp_path / "large"
    large.mkdir()
    for index in range(2):
        Image.fromarray(np.full((8000, 8000, 3), index, np.uint8)).save(large / f"{index}.png", compress_level=1)
    settings = WorkerSettings(device="cpu", threads=1, memory=900_000_000)
    jobs = [type(small)("large", str(large), prompts=small.prompts, settings=small.settings), small]
    statuses = run(tmp_path / "out", jobs, work=track_video, settings=settings)
    assert (statuses["large"].state, statuses["large"].fault) == ("failed", "memory"), statuses["large"].reason
    assert statuses["v0"].state is JobState.DONE


def test_a_clock_that_jumps_changes_nothing(tmp_path, monkeypatch):
    """The driver's clock and the workers' leap by ten days with every look, forward and back."""
    from archive_tools import jumping_clock

    monkeypatch.setattr("time.time", jumping_clock())
    statuses = run(
        tmp_path, [job(str(i), video="slow") for i in range(3)], work=work_while_the_clock_jumps, stall_seconds=20
    )
    assert {status.state for status in statuses.values()} == {JobState.DONE}
    assert {status.attempts for status in statuses.values()} == {1}
    assert all(read_result(tmp_path, name) == expected() for name in statuses)
