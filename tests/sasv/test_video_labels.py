"""A video's labels in memory and as they are written."""

import hashlib
import json
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.sasv.fixtures.drawing import SIZE, disc, picture, save
from sam2s.sasv.masklets import read_video
from sam2s.sasv.video_labels import (
    HEADER,
    LabelledFrame,
    LabelledObject,
    VideoLabels,
    empty,
    pretty,
    sha256,
    write_labels,
)

VALUES = ("a/b", "a", None, "train", "p", "x", "y", False, None, None, "r", "")


def labels(objects, frames=1):
    header = dict(zip(HEADER, VALUES, strict=True))
    records = [LabelledFrame(t, Fraction(t, 2), True) for t in range(frames)]
    made = {i: LabelledObject("hook", "instrument", "hook", masks) for i, masks in objects.items()}
    return VideoLabels(header, SIZE, records, made)


def write(folder, video):
    files = []
    for t in range(len(video.frames)):
        save(folder / f"frames/{t:05d}.png", picture(t))
        files.append(f"frames/{t:05d}.png")
    write_labels(video, files, folder)
    return read_video(folder)


def test_the_mask_of_what_is_absent_has_no_pixel():
    assert rle.area(empty(SIZE)) == 0
    assert rle.decode(empty(SIZE)).shape == SIZE


def test_a_fingerprint_changes_with_masks_ids_and_categories_alone():
    mask = rle.encode(disc(20, 20, 9))
    base = labels({1: [mask]}).fingerprint()
    assert base == labels({1: [mask]}).fingerprint()
    assert len(base) == 16
    assert base != labels({2: [mask]}).fingerprint()
    assert base != labels({1: [rle.encode(disc(21, 20, 9))]}).fingerprint()
    assert base != labels({1: [None]}).fingerprint()
    renamed = labels({1: [mask]})
    renamed.objects[1].category = "snare"
    assert base != renamed.fingerprint()
    relabelled = labels({1: [mask]})
    relabelled.objects[1].label = "other"
    assert base == relabelled.fingerprint()


def test_disjoint_objects_share_a_map_overlapping_ones_take_another(tmp_path):
    left, right, over = disc(12, 20, 8), disc(50, 20, 8), disc(14, 20, 8)
    video = write(tmp_path, labels({1: [rle.encode(left)], 2: [rle.encode(right)], 3: [rle.encode(over)]}))
    assert video.frames[0].layers == 2
    first, second = (np.array(Image.open(tmp_path / "masks" / name)) for name in ("00000.png", "00000.1.png"))
    assert sorted(np.unique(first)) == [0, 1, 2]
    assert sorted(np.unique(second)) == [0, 3]
    assert np.array_equal(second == 3, over)


def test_a_frame_without_objects_that_was_looked_at_has_an_empty_map(tmp_path):
    video = write(tmp_path, labels({1: [empty(SIZE), rle.encode(disc(20, 20, 9))]}, frames=2))
    assert [frame.layers for frame in video.frames] == [1, 1]
    assert not np.array(Image.open(tmp_path / "masks/00000.png")).any()


def test_a_frame_that_nobody_looked_at_has_no_map(tmp_path):
    video = labels({1: [None]})
    video.frames[0] = LabelledFrame(0, None, False)
    assert write(tmp_path, video).frames[0].layers == 0
    assert list((tmp_path / "masks").iterdir()) == []


def test_sums_name_every_file_with_its_hash(tmp_path):
    write(tmp_path, labels({1: [rle.encode(disc(20, 20, 9))]}))
    lines = dict(line.split("  ")[::-1] for line in (tmp_path / "SHA256SUMS").read_text().splitlines())
    assert sorted(lines) == ["frames/00000.png", "masks/00000.png", "video.json"]
    for name, digest in lines.items():
        assert digest == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == sha256(tmp_path / name)


@pytest.mark.parametrize(("number", "mode"), [(255, "P"), (256, "I;16"), (65535, "I;16")])
def test_ids_above_255_take_16_bits(tmp_path, number, mode):
    write(tmp_path, labels({number: [rle.encode(disc(20, 20, 9))]}))
    with Image.open(tmp_path / "masks/00000.png") as image:
        assert image.mode == mode
        assert np.array(image).max() == number


def test_ids_above_16_bits_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="a/b: object id 65536 is above 65535; relabel it"):
        write(tmp_path, labels({65536: [rle.encode(disc(20, 20, 9))]}))


def test_json_has_one_object_a_line():
    record = {"a": 1, "list": [{"x": 1}, {"y": [2]}], "map": {"k": {"z": 1}, "l": {}}, "plain": [1, 2], "none": {}}
    text = pretty(record)
    assert json.loads(text) == record
    assert text.splitlines()[2:5] == [' "list": [', '  {"x": 1},', '  {"y": [2]}']
    assert ' "plain": [1, 2],' in text.splitlines()
