"""Folders of masks in the forms in which they are handed on."""

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.evaluation.maskset import LabelMaps, ObjectMasks, frame_key, mask_files, read_folder
from sam2s.evaluation.rules import Layout


def save(path, value=1, size=(6, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = np.zeros(size, np.uint8)
    labels[1:3, 2:5] = value
    Image.fromarray(labels).save(path)


def save_all(root, *names):
    for name in names:
        save(root / name)


def test_a_video_is_a_folder_of_pictures(tmp_path):
    save_all(tmp_path, "a/v2/00000.png", "a/v10/00000.png", "b/w/00000.png", "b/w/00001.png")
    videos = read_folder(tmp_path)
    assert list(videos) == ["a/v2", "a/v10", "b/w"]
    assert videos["b/w"].frames == ("0", "1")
    frame = videos["a/v2"].read("0")
    assert (frame.size, frame.void) == ((6, 8), None)
    assert (frame.regions[1].top, frame.regions[1].left, frame.regions[1].mask.shape) == (1, 2, (2, 3))
    assert videos["a/v2"].read("7") == ({}, None, None)


def test_masks_stand_beside_frames(tmp_path):
    save_all(tmp_path, "one/frames/0.png", "one/masks/0.png", "two/JPEGImages/0.png", "two/masks/0.png", "three/0.png")
    save_all(tmp_path, ".hidden/0.png", "one/cover.png")
    assert list(read_folder(tmp_path)) == ["one", "three", "two"]
    assert list(read_folder(tmp_path / "one")) == ["one"]
    assert list(read_folder(tmp_path / "three")) == ["three"]


def test_linked_folders_are_followed(tmp_path):
    save_all(tmp_path, "elsewhere/v/0.png")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/v").symlink_to(tmp_path / "elsewhere/v")
    (tmp_path / "elsewhere/v/circle").symlink_to(tmp_path / "root")
    assert list(read_folder(tmp_path / "root")) == ["v"]


def test_png_files_are_the_masks_where_there_are_any(tmp_path):
    save_all(tmp_path, "v/00000.png", "v/00000.jpg", "v/00001.jpg", "w/00000.bmp")
    videos = read_folder(tmp_path)
    assert videos["v"].frames == ("0",)
    assert videos["w"].frames == ("0",)


def test_two_masks_of_one_frame_are_refused(tmp_path):
    save_all(tmp_path, "v/1.png", "v/01.png")
    with pytest.raises(DatasetError, match="are both masks of frame 1; keep one"):
        mask_files(tmp_path / "v")


def test_a_folder_an_object_is_told_by_the_first_object(tmp_path):
    for object_id in (0, 1, 12):
        save(tmp_path / f"v/{object_id:03}/00000.png", value=255)
    save(tmp_path / "v/001/00004.png", value=255)
    ((name, video),) = read_folder(tmp_path).items()
    assert (name, type(video)) == ("v", ObjectMasks)
    assert video.frames == ("0", "4")
    assert video.read("0").regions.keys() == {0, 1, 12}
    assert video.read("4").regions.keys() == {1}
    assert set(read_folder(tmp_path, Layout.LABELS)) == {"v/000", "v/001", "v/012"}
    (tmp_path / "v/000").rename(tmp_path / "v/002")  # by the names alone it could be videos too
    assert all(isinstance(video, LabelMaps) for video in read_folder(tmp_path).values())
    assert isinstance(read_folder(tmp_path, Layout.OBJECTS)["v"], ObjectMasks)


def test_objects_of_one_frame_must_agree_in_size(tmp_path):
    save(tmp_path / "v/000/0.png")
    save(tmp_path / "v/001/0.png", size=(6, 9))
    (video,) = read_folder(tmp_path).values()
    with pytest.raises(DatasetError, match=r"001/0.png has size \(6, 9\), other objects \(6, 8\)"):
        video.read("0")


def test_nothing_to_read(tmp_path):
    save_all(tmp_path, "frames/0.png")
    with pytest.raises(DatasetError, match=r"no masks in .*: give the folder"):
        read_folder(tmp_path)


@pytest.mark.parametrize(("stem", "key"), [("00005", "5"), ("0", "0"), ("frame_05", "frame_05"), ("1e3", "1e3")])
def test_keys_are_numbers_without_zeros(stem, key):
    assert frame_key(stem) == key
