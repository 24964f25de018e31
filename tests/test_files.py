import pytest

from sam2s.errors import OutputError
from sam2s.files import replacing, write_atomically


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


def test_disk_errors_say_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*file/b: .*; free space there or choose another --out"):
        write_atomically(tmp_path / "file" / "b", b"")
