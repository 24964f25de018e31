"""A driver that is lost with its cluster is started again; everything else is handed on as it is."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from sam2s.archive.supervisor import Patience, supervise
from sam2s.errors import ClusterError, OutputError
from supervisor_tools import drive

QUICK = Patience(away=20, silence=20, pause=0.05)


def run(tmp_path, *courses, patience=QUICK):
    told = []
    try:
        return supervise(drive, (str(tmp_path / "starts"), *courses), patience=patience, note=told.append), told
    finally:
        starts = (tmp_path / "starts").read_text().splitlines()
        for pid in map(int, starts):  # none is left behind
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


def test_a_lost_driver_is_started_again_until_the_cluster_is_back(tmp_path):
    answer, told = run(tmp_path, "alive, ended by Ray", "unreachable", "killed", "alive")
    assert answer == 4
    assert told == [
        "the Ray cluster was lost (its driver process ended with exit status 1); looking for it again in 0.05 s",
        "the Ray cluster was lost (no Ray cluster answers at --address here); looking for it again in 0.05 s",
        "the Ray cluster was lost (its driver process ended with signal 9); looking for it again in 0.05 s",
    ]


def test_a_driver_that_hangs_is_replaced(tmp_path):
    answer, told = run(tmp_path, "alive, hung", "alive", patience=Patience(20, 3, 0.05))
    assert answer == 2
    assert "gave no sign for 3 s" in told[0]


def test_a_cluster_that_never_answered_is_no_loss(tmp_path):
    with pytest.raises(ClusterError, match=r"^no Ray cluster answers at --address here$"):
        run(tmp_path, "unreachable")
    assert len((tmp_path / "starts").read_text().splitlines()) == 1


def test_a_cluster_that_stays_away_is_told_with_what_goes_on(tmp_path):
    with pytest.raises(ClusterError, match="all finished videos are safe, and the same command goes on"):
        run(tmp_path, "alive, killed", "unreachable", patience=Patience(1, 20, 0.05))


def test_faults_of_the_work_are_handed_on_and_not_repeated(tmp_path):
    with pytest.raises(OutputError, match="another process is writing it"):
        run(tmp_path, "locked")
    with pytest.raises(RuntimeError, match="the driver failed: ZeroDivisionError: division by zero"):
        run(tmp_path, "", "bug")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_handed_on_and_the_answer_is_waited_for(tmp_path, number):
    ready = Path(f"{tmp_path / 'starts'}.ready")

    def stop():
        while not ready.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    threading.Thread(target=stop, daemon=True).start()
    assert run(tmp_path, "alive, waits for Ctrl-C") == (number, [])
