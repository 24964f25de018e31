import os
import signal
import subprocess
import sys
import time

import pytest

from process_tools import die, remember, remembered, square
from sam2s.errors import OutputError
from sam2s.processes import locked, worker_pool

PARENT = """
import os, signal, sys, time
from concurrent.futures import wait
from sam2s.processes import worker_pool
def work(path):
    with open(path, "w") as file: file.write(str(os.getpid()))
    time.sleep(60)
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells let background jobs ignore it
    with worker_pool(2) as pool:
        wait([pool.submit(work, f"{sys.argv[1]}/{i}") for i in range(2)])
"""


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def runs(process):
    """Whether a process is there and no zombie."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_answers_come_in_order_and_workers_are_set_up(start):
    with worker_pool(2, initializer=remember, arguments=("here",), start=start) as pool:
        assert list(pool.map(square, range(5))) == [0, 1, 4, 9, 16]
        assert set(pool.map(remembered, range(3))) == {"here"}
        assert {f.result() for f in pool.completed([pool.submit(square, n) for n in range(3)])} == {0, 1, 4}


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path, how):
    (tmp_path / "parent.py").write_text(PARENT)
    parent = subprocess.Popen([sys.executable, str(tmp_path / "parent.py"), str(tmp_path)], stderr=subprocess.DEVNULL)
    notes = [tmp_path / str(i) for i in range(2)]
    assert until(lambda: all(note.exists() and note.read_text() for note in notes))
    workers = [int(note.read_text()) for note in notes]
    parent.send_signal(how)
    assert parent.wait(20) != 0
    assert until(lambda: not any(map(runs, workers)))


def test_a_worker_that_dies_is_said():
    message = r"a worker process died, perhaps for lack of memory; .* fewer --workers"
    with pytest.raises(OutputError, match=message), worker_pool(1) as pool:
        list(pool.map(die, [0]))
    with pytest.raises(OutputError, match="a worker process died"), worker_pool(1) as pool:
        list(pool.completed([pool.submit(die, 0)]))


def test_an_error_breaks_off_what_workers_are_at():
    def leave_early():
        with worker_pool(1) as pool:
            pool.submit(time.sleep, 600)
            raise KeyError("left")

    with pytest.raises(KeyError):
        leave_early()  # returns long before the call would end


def test_a_folder_is_written_by_one_process(tmp_path):
    code = (
        "import sys; from pathlib import Path; from sam2s.processes import locked\nwith locked(Path(sys.argv[1])): pass"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "out")]
    with locked(tmp_path / "out"):
        message = rf"out: process {os.getpid()} is writing it; wait for it, or choose"
        with pytest.raises(OutputError, match=message), locked(tmp_path / "out"):
            pass
        done = subprocess.run(command, capture_output=True, text=True)
        assert "OutputError" in done.stderr
        assert f"process {os.getpid()} is writing it" in done.stderr
    assert subprocess.run(command).returncode == 0
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*file: "), locked(tmp_path / "file"):
        pass
