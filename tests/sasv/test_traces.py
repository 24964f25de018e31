"""What a video was made from, and when that counts as changed."""

import os

import pytest

from sam2s.sasv.traces import note, tracing, unchanged, write_trace


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root/sub").mkdir(parents=True)
    (tmp_path / "root/a.png").write_bytes(b"abc")
    return tmp_path / "root"


def keep(root, tmp_path, *paths, listed="x"):
    write_trace(tmp_path / "set", "s/v", root, listed, paths)
    return lambda listed=listed: unchanged(tmp_path / "set", "s/v", root, listed)


def test_what_is_as_it_was_is_unchanged(root, tmp_path):
    same = keep(root, tmp_path, root / "a.png", root / "sub", root / "gone.png")
    assert same()


def test_another_list_of_files_is_a_change(root, tmp_path):
    same = keep(root, tmp_path, root / "a.png")
    assert not same("y")


def test_another_size_or_time_is_a_change(root, tmp_path):
    same = keep(root, tmp_path, root / "a.png")
    status = (root / "a.png").stat()
    (root / "a.png").write_bytes(b"abcd")
    os.utime(root / "a.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not same()
    (root / "a.png").write_bytes(b"abc")
    os.utime(root / "a.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert same()
    os.utime(root / "a.png", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert not same()


def test_a_file_that_goes_or_comes_is_a_change(root, tmp_path):
    same = keep(root, tmp_path, root / "a.png", root / "late.png")
    (root / "late.png").write_bytes(b"x")
    assert not same()
    (root / "late.png").unlink()
    assert same()
    (root / "a.png").unlink()
    assert not same()


def test_another_name_in_a_folder_is_a_change_a_hidden_one_is_not(root, tmp_path):
    same = keep(root, tmp_path, root / "sub")
    (root / "sub/.DS_Store").write_bytes(b"x")
    assert same()
    (root / "sub/b.png").write_bytes(b"x")
    assert not same()


def test_paths_are_kept_relative_so_that_a_download_may_move(root, tmp_path):
    keep(root, tmp_path, root / "a.png")
    moved = tmp_path / "moved"
    root.rename(moved)
    assert unchanged(tmp_path / "set", "s/v", moved, "x")


def test_only_what_is_noted_inside_the_block_is_collected(root):
    note(root / "before")
    with tracing() as outer:
        note(root / "a.png")
        with tracing() as inner:
            note(root / "sub")
        note(root / "b.png")
    note(root / "after")
    assert outer == {root / "a.png", root / "b.png"}
    assert inner == {root / "sub"}
