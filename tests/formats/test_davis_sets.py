"""Sets with JPEGImages and Annotations, and the lists that name their videos."""

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.formats.davis_sets import davis_videos, is_davis_set, split_lists, unknown_names


def add(home, name, below="480p"):
    for kind, suffix in (("JPEGImages", "jpg"), ("Annotations", "png")):
        folder = home / kind / below / name
        folder.mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / f"00000.{suffix}")


@pytest.fixture
def root(tmp_path):
    for name in ("bear", "camel", "dog-2", "dog-10"):
        add(tmp_path / "DAVIS", name)
    lists = tmp_path / "DAVIS/ImageSets/2017"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("bear\ndog-2\n")
    (lists / "val.txt").write_bytes("\ufeffcamel\r\ndog-10\r\n".encode())
    return tmp_path / "DAVIS"


def names(root, split=None):
    return [video.name for video in davis_videos(root, split=split)]


def test_a_split_is_its_list(root):
    assert is_davis_set(root)
    assert names(root) == ["bear", "camel", "dog-2", "dog-10"]
    assert names(root, "train") == ["bear", "dog-2"]
    assert names(root, "val") == ["camel", "dog-10"]
    assert davis_videos(root, split="val")[0].pictures == root / "JPEGImages/480p/camel"


def test_an_unknown_split_is_refused(root):
    with pytest.raises(DatasetError, match="has no split valid; its splits are train, val"):
        names(root, "valid")


def test_lists_of_frames_name_the_folders_of_the_frames(root):
    lines = [f"/JPEGImages/480p/{n}/00000.jpg /Annotations/480p/{n}/00000.png" for n in ("bear", "bear", "camel")]
    (root / "ImageSets/480p").mkdir()
    (root / "ImageSets/480p/trainval.txt").write_text("\n".join(lines))
    assert names(root, "trainval") == ["bear", "camel"]


def test_a_name_without_a_video_is_an_error_of_its_split(root):
    (root / "ImageSets/2017/val.txt").write_text("camell\ndog-10\nwolf\n")
    with pytest.raises(
        DatasetError, match=r"val.txt names 2 videos that are not there, such as camell \(is it camel\?\)"
    ):
        names(root, "val")
    assert names(root, "train") == ["bear", "dog-2"]
    assert names(root) == ["bear", "camel", "dog-2", "dog-10"]


def test_every_list_is_read(root):
    by_split = {entry.split: entry for entry in split_lists(root)}
    assert {split: set(entry.names) for split, entry in by_split.items()} == {
        "train": {"bear", "dog-2"},
        "val": {"camel", "dog-10"},
    }
    assert unknown_names(by_split["val"], {"camel", "dog-10"}) == []
    (text,) = unknown_names(by_split["val"], {"dog-10", "whale"})
    assert text.endswith("val.txt names a video that is not there, camel; add the video or mend the list")


def test_a_set_for_each_split(tmp_path):
    add(tmp_path / "train", "one", below=".")
    add(tmp_path / "valid", "two", below=".")
    assert names(tmp_path) == ["train/one", "valid/two"]
    assert names(tmp_path, "valid") == ["two"]
    with pytest.raises(DatasetError, match="has no split test; its splits are train, valid"):
        names(tmp_path, "test")


def test_without_lists_every_video_is_taken(tmp_path):
    add(tmp_path, "one")
    assert names(tmp_path, "train") == ["one"]


def test_linked_videos_are_found(root, tmp_path):
    add(tmp_path / "elsewhere", "wolf")
    for kind in ("JPEGImages", "Annotations"):
        (root / kind / "480p/wolf").symlink_to(tmp_path / "elsewhere" / kind / "480p/wolf")
        (root / kind / "480p/circle").symlink_to(root / kind)
    assert names(root) == ["bear", "camel", "dog-2", "dog-10", "wolf"]


def test_two_videos_of_one_name_are_refused(root):
    add(root, "bear", below="1080p")
    with pytest.raises(DatasetError, match="have one name, so lists of splits"):
        names(root)
