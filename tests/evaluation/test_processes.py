"""Processes of `sam2s eval` and `sam2s score` end with the command, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from evaluation_tools import write_sequence
from sam2s.masks.palette import write_label_map

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see the processes of others"),
]

SLEEPER = """
import os, time
from pathlib import Path

class Sleeper:
    def track(self, frames, starts):
        (Path("pids") / str(os.getpid())).touch()
        time.sleep(600)
        yield {}
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def children(pid):
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/stat")
        if f") {path.read_text().rpartition(')')[2].split()[0]} {pid} " in path.read_text()
    ]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_of_eval_end_with_it(number, tmp_path):
    for name in ("a/one", "a/two"):
        write_sequence(tmp_path / "data" / name)
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    (tmp_path / "pids").mkdir()
    words = [sys.executable, "-m", "sam2s", "eval", "--data", "data", "--prompt", "mask", "--out", "out"]
    words += ["--method", "sleeper:Sleeper", "--workers", "2"]
    parent = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    workers = tmp_path / "pids"
    until(lambda: len(list(workers.iterdir())) == 2)
    pids = [int(path.name) for path in workers.iterdir()]
    assert all(map(alive, pids))
    parent.send_signal(number)
    parent.wait(60)
    until(lambda: not any(map(alive, pids)))
    assert not list((tmp_path / "out").rglob("*.json"))


def test_workers_of_score_end_with_it(tmp_path):
    rng = np.random.default_rng(0)
    for t in range(60):
        labels = rng.integers(0, 5, (600, 800)).astype(np.uint8)
        write_label_map(tmp_path / "v" / f"{t:05}.png", labels)
    words = [sys.executable, "-m", "sam2s", "score", "v", "v", "--workers", "2"]
    parent = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until(lambda: len(children(parent.pid)) >= 2 or parent.poll() is not None)
    pids = children(parent.pid)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(60)
    until(lambda: not any(map(alive, pids)))
