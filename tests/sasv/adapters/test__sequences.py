"""Numbered sequences in archives that were unpacked side by side or into one another."""

import re

import pytest

from sam2s.errors import DatasetError
from sam2s.sasv.adapters._sequences import by_number, holder, only_one, sequences

NAME = re.compile(r"seq_(\d+)")


def folders(tmp_path, *names):
    for name in names:
        (tmp_path / name).mkdir(parents=True)


def names(tmp_path, *wanted, **options):
    return [(m[1], path.relative_to(tmp_path).as_posix()) for m, path in sequences(tmp_path, NAME, *wanted, **options)]


def test_sequences_come_in_natural_order_from_any_level(tmp_path):
    folders(tmp_path, "a/seq_10", "a/seq_9", "seq_2", "b/c/d/seq_3", "b/c/d/e/seq_4")
    assert names(tmp_path) == [("9", "a/seq_9"), ("10", "a/seq_10"), ("3", "b/c/d/seq_3"), ("2", "seq_2")]


def test_the_whole_name_counts(tmp_path):
    folders(tmp_path, "seq_1_old", "my_seq_2", "seq_3")
    assert names(tmp_path) == [("3", "seq_3")]


def test_inside_a_match_nothing_more_is_searched(tmp_path):
    folders(tmp_path, "seq_1/labels/seq_2")
    assert names(tmp_path, "labels") == [("1", "seq_1")]


def test_an_archive_that_was_unpacked_into_a_folder_of_its_own_name_is_looked_into(tmp_path):
    folders(tmp_path, "seq_1/seq_1/labels")
    assert names(tmp_path, "labels") == [("1", "seq_1/seq_1")]
    assert names(tmp_path) == [("1", "seq_1")]


def test_depth_is_limited(tmp_path):
    folders(tmp_path, "a/seq_1")
    assert names(tmp_path, depth=1) == []
    assert names(tmp_path, depth=2) == [("1", "a/seq_1")]


def test_files_are_ordered_by_number_and_others_are_passed_over(tmp_path):
    for name in ("frame10.png", "frame9.png", "frame1.JPG", "notes.txt", "frame2.tif", "._frame3.png", "xframe4.png"):
        (tmp_path / name).touch()
    found = by_number(tmp_path, re.compile(r"frame(\d+)\.(?:png|jpg)"))
    assert {number: path.name for number, path in found.items()} == {
        1: "frame1.JPG",
        9: "frame9.png",
        10: "frame10.png",
    }
    assert list(found) == [1, 9, 10]


def test_two_files_of_one_number_are_refused(tmp_path):
    for name in ("frame01.png", "frame1.png"):
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match=r"have one frame number; remove the one that is not official"):
        by_number(tmp_path, re.compile(r"frame(\d+)\.png"))


def test_a_folder_without_such_files_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"has no files named like frame"):
        by_number(tmp_path, re.compile(r"frame(\d+)\.png"))
    with pytest.raises(DatasetError, match=r"folder .*gone is missing"):
        by_number(tmp_path / "gone", re.compile(r"frame(\d+)\.png"))


def test_the_holder_is_the_folder_around_all_archives(tmp_path):
    folders(tmp_path, "data/one/seq_1/labels", "data/two/seq_2/labels", "data/three")
    assert holder(tmp_path, "seq_*/labels") == tmp_path / "data"
    assert holder(tmp_path / "data/one", "seq_*/labels") == tmp_path / "data/one"
    assert holder(tmp_path / "data/three", "seq_*/labels") is None


def test_the_holder_reaches_to_what_lies_beside(tmp_path):
    folders(tmp_path, "data/one/seq_1/labels", "repairs")
    assert holder(tmp_path, "seq_*/labels") == tmp_path / "data"
    assert holder(tmp_path, "seq_*/labels", beside="repairs") == tmp_path


def test_what_stands_twice_is_refused(tmp_path):
    assert only_one(None, tmp_path, "x") == tmp_path
    with pytest.raises(DatasetError, match="x stands twice, in a and in b; keep one of them"):
        only_one("a", "b", "x")
