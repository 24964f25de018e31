"""Thirty videos through both engines, and through fifty kills: equal masks, nothing lost, twice or half-written."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from archive_tools import contents
from process_tools import descendants
from sam2s.archive import JobState, Manifest

pytestmark = pytest.mark.slow
VIDEOS = 30


def command(jobs, out, *more):
    return [sys.executable, "-m", "sam2s", "archive", "run", str(jobs), "--out", str(out), "--device", "cpu", *more]


@pytest.fixture(scope="module")
def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1", "RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE": "1"}


def test_both_engines_write_equal_masks_and_fifty_kills_change_nothing(make_archive, tmp_path, environment):
    jobs = make_archive(VIDEOS)
    subprocess.run(command(jobs, tmp_path / "plain"), check=True, env=environment)
    expected = contents(tmp_path / "plain")
    assert len(expected) == VIDEOS
    pytest.importorskip("ray")
    subprocess.run(command(jobs, tmp_path / "ray", "--engine", "ray"), check=True, env=environment)
    assert contents(tmp_path / "ray") == expected

    rng, kills = random.Random(0), 0
    out = tmp_path / "killed"
    while kills < 50:
        if out.exists():
            with Manifest.read(out) as manifest:
                if all(status.state is JobState.DONE for status in manifest.statuses()):
                    assert contents(out) == expected
                    out = tmp_path / f"killed-{kills}"
        driver = subprocess.Popen(command(jobs, out, "--workers", "2"), env=environment, stdout=subprocess.DEVNULL)
        while driver.poll() is None and kills < 50:
            time.sleep(rng.uniform(0.5, 4.0))
            if driver.poll() is not None:
                break
            victims = [driver.pid] if rng.random() < 0.4 else (descendants(driver.pid) or [driver.pid])
            os.kill(rng.choice(victims), signal.SIGKILL)
            kills += 1
        driver.kill()
        driver.wait()
    subprocess.run(command(jobs, out, "--workers", "2"), env=environment, check=True)
    assert contents(out) == expected
