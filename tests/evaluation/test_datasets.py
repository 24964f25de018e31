"""What `--data` may name."""

import json

import numpy as np
import pytest
from PIL import Image

from evaluation_tools import write_sequence
from sam2s.errors import ConfigError, DatasetError
from sam2s.evaluation.datasets import incomplete_subsets, open_videos, partial_columns
from sam2s.sasv.build import run_build
from sam2s.sasv.fixtures import endovis18
from sam2s.sasv.plan import BuildOptions, plan_build


def names(*data, **options):
    return [video.name for video in open_videos([str(place) for place in data], **options)]


@pytest.fixture
def davis(tmp_path):
    root = tmp_path / "DAVIS"
    for number, name in enumerate(("bear", "camel", "dog")):
        source = write_sequence(tmp_path / "drawn" / name, seed=number)
        for kind, part in (("JPEGImages", "frames"), ("Annotations", "masks")):
            (root / kind / "480p").mkdir(parents=True, exist_ok=True)
            (source / part).rename(root / kind / "480p" / name)
    (root / "ImageSets/2017").mkdir(parents=True)
    (root / "ImageSets/2017/train.txt").write_text("bear\n")
    (root / "ImageSets/2017/val.txt").write_text("camel\ndog\n")
    return root


def test_a_split_of_davis_is_its_list_and_nothing_else(davis):
    assert names(davis, split="val") == ["DAVIS/camel", "DAVIS/dog"]
    assert names(davis, split="train") == ["DAVIS/bear"]
    assert names(davis) == ["DAVIS/bear", "DAVIS/camel", "DAVIS/dog"]
    with pytest.raises(DatasetError, match="has no split test; its splits are train, val"):
        names(davis, split="test")
    (davis / "ImageSets/2017/val.txt").write_text("camel\ndogs\n")
    with pytest.raises(DatasetError, match=r"names a video that is not there, dogs \(is it dog\?\)"):
        names(davis, split="val")


def test_a_folder_without_splits_says_so(tmp_path):
    write_sequence(tmp_path / "data/a/one")
    with pytest.raises(DatasetError, match=r"has no splits: .* leave --split out, or name the folder of that split"):
        names(tmp_path / "data", split="val")
    with pytest.raises(ConfigError, match="--split-file is for built sets"):
        names(tmp_path / "data", split_file=tmp_path / "split.json")


def test_linked_sequences_are_found(tmp_path):
    write_sequence(tmp_path / "store/one")
    (tmp_path / "data/a").mkdir(parents=True)
    (tmp_path / "data/a/linked").symlink_to(tmp_path / "store/one")
    (tmp_path / "data/a/circle").symlink_to(tmp_path / "data")
    assert names(tmp_path / "data") == ["a/linked"]


def test_a_folder_that_is_a_sequence_itself(tmp_path):
    write_sequence(tmp_path / "one")
    assert names(tmp_path / "one") == ["one/one"]


def test_subsets_are_chosen_and_missed(tmp_path):
    for name in ("a/one", "b/two"):
        write_sequence(tmp_path / "data" / name)
    assert names(tmp_path / "data", subsets=["b"]) == ["b/two"]
    assert names(tmp_path / "data", "synthetic:1", subsets=["a"]) == ["a/one"]
    with pytest.raises(DatasetError, match="no video of --subset c, d in --data"):
        names(tmp_path / "data", subsets=["d", "c"])


def test_one_name_twice_is_refused(tmp_path):
    write_sequence(tmp_path / "x/a/one")
    write_sequence(tmp_path / "y/a/one")
    with pytest.raises(ConfigError, match="1 videos come up twice in --data, such as a/one; rename a folder"):
        names(tmp_path / "x", tmp_path / "y")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("sasv")
    endovis18.draw(root / "root")
    list(run_build(plan_build(root / "root", root / "set", options=BuildOptions(partial=True)), root / "set"))
    return root / "set"


def test_columns_and_names_of_a_built_set(built):
    videos = open_videos([str(built)])
    assert {column for video in videos for column in video.columns} <= {"EV18-I", "EV18-T"}
    for video in videos:
        assert video.categories.keys() == video.objects.keys()
        assert all(video.categories.values())
        assert video.void(0) is None
    missing = incomplete_subsets([str(built), "synthetic:1"], videos)
    assert missing.keys() == {"EndoVis18"}
    assert partial_columns(missing, videos) == frozenset(column for video in videos for column in video.columns)
    assert partial_columns({}, videos) == frozenset()


def test_a_split_file_takes_the_place_of_the_build(built, tmp_path):
    manifest = json.loads((built / "manifest.json").read_text())
    ids = list(manifest["videos"])
    with pytest.raises(DatasetError, match="no videos of --split val; its splits are test"):
        names(built, split="val")
    path = tmp_path / "split.json"
    path.write_text("{}")
    with pytest.raises(DatasetError, match=r"split\.json"):
        names(built, split="val", split_file=path)
    assert sorted(names(built)) == sorted(ids)


def test_names_of_objects_beside_the_masks(tmp_path):
    folder = write_sequence(tmp_path / "data/a/one")
    (video,) = open_videos([str(tmp_path / "data")])
    assert dict(video.categories) == {}
    (folder / "objects.json").write_text('{"objects": [{"id": 1, "label": "hook"}, {"id": "2", "label": "liver"}]}')
    (video,) = open_videos([str(tmp_path / "data")])
    assert dict(video.categories) == {1: "hook", 2: "liver"}
    for text in ("[]", "{", '{"objects": [{"id": "x", "label": "a"}]}', '{"objects": [{"id": 1}]}'):
        (folder / "objects.json").write_text(text)
        (video,) = open_videos([str(tmp_path / "data")])
        with pytest.raises(DatasetError, match=r"cannot read names of objects from .*expected"):
            _ = video.categories


def test_masks_that_name_no_frame_are_an_error(tmp_path):
    folder = write_sequence(tmp_path / "data/a/one")
    for file in sorted((folder / "masks").iterdir())[:2]:
        file.rename(file.with_name(f"mask_{file.name}"))
    (video,) = open_videos([str(tmp_path / "data")])
    with pytest.raises(DatasetError, match=r"a/one: 2 of 6 masks have no frame of their name, such as mask_000.png; "):
        _ = video.objects


def test_masks_pair_with_frames_by_their_number(tmp_path):
    folder = write_sequence(tmp_path / "data/a/one")
    truth = open_videos([str(tmp_path / "data")])[0].truth(2)
    for file in (folder / "masks").iterdir():
        file.rename(file.with_name(f"{int(file.stem):07}.png"))
    (video,) = open_videos([str(tmp_path / "data")])
    assert all(np.array_equal(video.truth(2)[i], mask) for i, mask in truth.items())


def test_a_soft_grey_mask_is_one_object(tmp_path):
    folder = write_sequence(tmp_path / "data/a/one", frames=1)
    y, x = np.mgrid[:40, :56]
    distance = np.hypot(y - 20, x - 28)
    Image.fromarray(np.clip(255 * (14 - distance) / 6, 0, 255).astype(np.uint8)).save(folder / "masks/000.png")
    (video,) = open_videos([str(tmp_path / "data")])
    ((object_id, mask),) = video.truth(0).items()
    assert object_id == 255
    assert abs(mask.sum() - np.pi * 11**2) < 40
