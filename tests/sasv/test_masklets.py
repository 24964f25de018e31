"""The form on disk: what is written is read, with nothing but PIL and json."""

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.sasv.fixtures.drawing import SIZE, damage, disc, picture, save
from sam2s.sasv.masklets import LabelState, MaskletDataset, read_video
from sam2s.sasv.video_labels import LabelledFrame, LabelledObject, VideoLabels, read_labels, write_labels

HEADER = {
    "id": "a/b",
    "source": "a",
    "subset": None,
    "split": "train",
    "patient": "a:1",
    "procedure": "none",
    "licence": "none",
    "images": False,
    "fps": "25/2",
    "crop": None,
    "recipe": "r",
}


def write(folder, objects, annotated=(True, True, True)):
    files = [f"frames/{t:05d}.png" for t in range(len(annotated))]
    for t, name in enumerate(files):
        save(folder / name, picture(t))
    frames = [LabelledFrame(10 * t, Fraction(t, 3), known) for t, known in enumerate(annotated)]
    labels = VideoLabels(
        HEADER, SIZE, frames, {i: LabelledObject("hook", "instrument", "hook", m) for i, m in objects.items()}
    )
    write_labels(labels, files, folder)
    return read_video(folder)


def encoded(mask):
    return None if mask is None else rle.encode(mask)


def test_overlapping_objects_and_three_states(tmp_path):
    a, b, nothing = disc(20, 20, 9), disc(26, 20, 9), np.zeros(SIZE, bool)
    wanted = {1: [a, nothing, None], 2: [b, a, None]}
    video = write(tmp_path, {i: [encoded(m) for m in masks] for i, masks in wanted.items()}, (True, True, False))
    assert [frame.layers for frame in video.frames] == [2, 1, 0]
    assert [video.objects[0].state(t) for t in range(3)] == [
        LabelState.MASK,
        LabelState.EMPTY,
        LabelState.NOT_ANNOTATED,
    ]
    for t in range(2):
        for i, mask in video.masks(t).items():
            assert np.array_equal(mask, wanted[i][t])
    assert video.masks(2) == {}
    assert video.fps == Fraction(25, 2)
    assert [frame.pts for frame in video.frames] == [0, Fraction(1, 3), Fraction(2, 3)]
    assert np.array_equal(video.image(1), picture(1))


def test_a_damaged_frame(tmp_path):
    video = write(tmp_path, {1: [encoded(disc(20, 20, 9))] * 3})
    damage(video.image_path(1))
    with pytest.raises(DatasetError, match=r"cannot read frame .*: broken PNG file .*; build a/b again"):
        video.image(1)


def test_files_need_only_pil_and_json(tmp_path):
    write(tmp_path, {7: [encoded(disc(20, 20, 9))] * 3})
    record = json.loads((tmp_path / "video.json").read_text())
    with Image.open(tmp_path / "masks" / "00000.png") as image:
        assert image.mode == "P"
        labels = np.array(image)
    assert (labels == record["objects"][0]["id"]).sum() == record["objects"][0]["area"][0]


def test_more_than_255_ids_take_16_bits(tmp_path):
    video = write(tmp_path, {300: [encoded(disc(20, 20, 9))] * 3})
    assert video.masks(0)[300].sum() == disc(20, 20, 9).sum()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.sampled_from([None, 0, 5, 9, 14]), min_size=2, max_size=2), min_size=1, max_size=4))
def test_round_trip(tmp_path_factory, columns):
    masks = {
        i: [None if r is None else rle.encode(disc(20 + 3 * i, 22, r) & (r > 0)) for r in column]
        for i, column in enumerate(columns, 1)
    }
    video = write(tmp_path_factory.mktemp("v"), masks, (True, True))
    again = read_labels(video)
    assert {i: o.masks for i, o in again.objects.items()} == masks


def test_damage_names_the_file_and_the_remedy(tmp_path):
    video = write(tmp_path, {1: [encoded(disc(20, 20, 9))] * 3})
    (tmp_path / "video.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"video\.json is None version None, this program reads"):
        read_video(video.folder)
    with pytest.raises(
        DatasetError, match=r"is not a built set, it has no manifest\.json; build one: sam2s sasv build --out"
    ):
        MaskletDataset(tmp_path)
