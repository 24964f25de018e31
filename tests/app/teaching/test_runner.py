"""The teaching process: it stands still while somebody waits, stops when it is told, and never outlives the server."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app_tools import until
from sam2s.app.background import NICENESS
from sam2s.app.problems import ApiError
from sam2s.app.teaching.runner import CAN_PAUSE, TeachingRunner
from sam2s.synth import Scene
from sam2s.synth.export import write_clip
from sam2s.teaching import TaughtFolder
from teaching_tools import make_workspace

pytestmark = pytest.mark.slow
PATIENCE = 500
"""Seconds; the process has less priority than all others of a machine, which may be busy."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("taught")
    write_clip(Scene(5, 96, 40, kind="robotic", drift=0.0), folder / "clip")
    make_workspace(folder / "w", folder / "clip", [(0, (0, 20)), (1, (0, 20)), (0, (24, 36)), (1, (24, 36))])
    return folder / "w"


@pytest.fixture
def runner():
    started = TeachingRunner()
    yield started
    started.close()


def start(runner, workspace, out, *, minutes=30.0):
    return runner.start(
        [workspace], out, weights="micro", minutes=minutes, device="cpu", author="-Ada", videos=["clip.mp4"]
    )


def state_of(pid):
    """The letter of a process's state: R and S while it runs, T while it stands still, Z once it has ended."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the state of processes under /proc")
def test_it_stands_still_while_somebody_waits_and_stops_when_told(runner, workspace, tmp_path):
    began = start(runner, workspace, tmp_path / "out")
    assert (began.state, began.author, began.videos) == ("running", "-Ada", ("clip.mp4",))
    with pytest.raises(ApiError, match="-Ada teaches already"):
        start(runner, workspace, tmp_path / "out")
    until(lambda: runner.progress.stage == "training", PATIENCE)
    assert os.getpriority(os.PRIO_PROCESS, runner.pid) == max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0))
    with runner.paused(), runner.paused():
        until(lambda: state_of(runner.pid) == "T")
    until(lambda: state_of(runner.pid) in "RS")
    with runner.paused():
        runner.stop()
    assert (runner.progress.state, runner.running) == ("stopped", False)
    assert not (tmp_path / "out/taught.json").exists()


def test_why_it_failed_is_said(runner, tmp_path):
    start(runner, tmp_path / "nothing", tmp_path / "out")
    until(lambda: not runner.running, PATIENCE)
    assert runner.progress.state == "failed"
    assert "nothing" in runner.progress.message


@pytest.mark.skipif(not CAN_PAUSE, reason="processes cannot be paused here")
def test_a_paused_one_ends_when_the_server_is_killed(workspace, tmp_path):
    script = (
        "import sys; from pathlib import Path; from sam2s.app.teaching.runner import TeachingRunner as T; t = T()\n"
        "t.start([Path(sys.argv[1])], Path(sys.argv[2]), weights='micro', minutes=30.0, device='cpu', author='a',"
        " videos=[])\n"
        "with t.paused():\n  print(t.pid, flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(workspace), str(tmp_path / "out")]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    pid = int(server.stdout.readline())
    server.send_signal(signal.SIGKILL)
    server.wait()

    def gone():
        try:
            return state_of(pid) == "Z"
        except OSError:
            return True

    until(gone, PATIENCE)


def test_an_attempt_ends_with_its_number_and_pictures(runner, workspace, tmp_path):
    start(runner, workspace, tmp_path / "out", minutes=0.1)
    until(lambda: not runner.running, 3 * PATIENCE)
    assert (runner.progress.state, runner.progress.number) == ("done", 1), runner.progress.message
    folder = TaughtFolder(tmp_path / "out", "micro")
    (taught,) = folder.all()
    assert (taught.author, folder.current_number) == ("-Ada", 0)  # nothing comes into use by itself
    assert bool(list(folder.pictures(1).glob("*.jpg"))) == taught.taken
