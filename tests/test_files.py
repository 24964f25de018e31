import fcntl
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sam2s.errors import OutputError
from sam2s.files import natural, replacing, write_atomically
from sam2s.formats.folders import list_pictures
from sam2s.video.folder import FolderSource


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "a" / "b.txt"
    write_atomically(path, b"old")

    def interrupted():
        with replacing(path) as partial:
            partial.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert [found.name for found in path.parent.iterdir()] == ["b.txt"]


def test_folders_replace_folders(tmp_path):
    for name in ("one", "two"):
        with replacing(tmp_path / "out") as partial:
            partial.mkdir()
            (partial / name).touch()
    assert [found.name for found in (tmp_path / "out").iterdir()] == ["two"]
    assert [found.name for found in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("killed", [False, True])
def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch, killed):
    out, replace = tmp_path / "out", os.replace
    out.mkdir()
    (out / "old").touch()

    def fail(source, target):
        if Path(source).name.startswith(".partial-") or (killed and Path(source).name == ".old-out"):
            raise OSError(5, "Input/output error")  # if killed, nobody puts the old one back
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OutputError, match=r"cannot write .*out: Input/output error"), replacing(out) as partial:
        partial.mkdir()
    assert out.exists() is not killed
    monkeypatch.undo()

    def interrupted():
        with replacing(out):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [found.name for found in out.iterdir()] == ["old"]
    assert [found.name for found in tmp_path.iterdir()] == ["out"]


def test_disk_errors_say_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*file/b: .*; free space there or choose another --out"):
        write_atomically(tmp_path / "file" / "b", b"")


def test_a_file_is_made_durable_through_a_handle_that_may_write(tmp_path, monkeypatch):
    modes = []
    monkeypatch.setattr(os, "fsync", lambda file: modes.append(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE))
    write_atomically(tmp_path / "a", b"x")
    assert modes == [os.O_RDWR], "Windows refuses any other"


@given(st.lists(st.integers(0, 10**9), min_size=2, unique=True), st.sampled_from(["", "a", "video_1_f"]))
def test_natural_order_is_the_order_of_the_numbers(numbers, prefix):
    names = [f"{prefix}{n}.png" for n in numbers]
    assert sorted(names, key=natural) == [f"{prefix}{n}.png" for n in sorted(numbers)]


def test_pictures_have_one_order_everywhere(tmp_path):
    for name in ("B2", "a10", "a2", "1²", "2", "10", "A2", "_1", ""):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{name}f.png")
    assert list(list_pictures(tmp_path).values()) == FolderSource(tmp_path).files


def test_threads_that_write_one_file_leave_one_whole(tmp_path):
    def write(number):
        for _ in range(50):
            write_atomically(tmp_path / "a", bytes([number]) * 1000)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    data = (tmp_path / "a").read_bytes()
    assert len(data) == 1000
    assert len(set(data)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_what_killed_processes_left_is_removed(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from sam2s.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as partial: partial.write_bytes(b'half'); os._exit(9)"
    )
    (tmp_path / "b").mkdir()
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "b" / "a")])
    assert [entry.name.startswith(".partial-") for entry in (tmp_path / "b").iterdir()] == [True]
    write_atomically(tmp_path / "b" / "other", b"whole")
    assert [entry.name for entry in (tmp_path / "b").iterdir()] == ["other"]


@pytest.mark.parametrize("path", ["/", ".", ""])
def test_what_is_no_name_of_a_file(path):
    with pytest.raises(OutputError, match="is not a name of a file or folder to write"):
        write_atomically(Path(path), b"")
