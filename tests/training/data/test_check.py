"""Planted faults are found, good data are left in peace, and training refuses what cannot be used."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from sam2s.cli import app
from sam2s.errors import ConfigError, DatasetError
from sam2s.masks.palette import read_label_map, write_label_map
from sam2s.sasv.fixtures.drawing import SIZE, damage, disc, picture, save
from sam2s.training.data import ClipSettings, ClipStream, SourceSettings, open_source
from sam2s.training.data.check import check, preflight
from sam2s.training.data.sheet import clip_cells, video_cells, write_sheet
from sam2s.training.loop import train
from sam2s.training.plan import plan
from sam2s.training.recipe import load_recipe

NOTHING = np.zeros(SIZE, bool)


def found(root):
    """(kind, video, frame, fatal) and text of everything that is wrong."""
    return {(one.kind, video, one.frame, one.fatal): one.text for video, one in check(root).findings}


def only(root):
    """The one thing that is wrong."""
    ((key, text),) = found(root).items()
    return key, text


def mask_path(davis, name, frame):
    return davis / f"Annotations/480p/{name}/{frame:05d}.png"


def test_good_data(davis, sav, tmp_path, add_video, discs):
    built = tmp_path / "built"
    add_video(built, "a/x", {1: discs(5), 2: [disc(40, 30, 6), NOTHING, None, None, disc(40, 30, 6)]})
    for root, masks in ((davis, 2 * 16), (sav, 4), (built, 5 + 2)):
        report = check(root)
        assert report.findings == []
        assert report.ok
        assert sum(video.masks for video in report.videos) == masks
        preflight([open_source(SourceSettings(place=str(root)), size=64)])


class TestFiles:
    def test_a_missing_picture(self, davis):
        (davis / "JPEGImages/480p/long/00005.jpg").unlink()
        faults = found(davis)
        assert "00005.png has no picture in" in faults["file", "long", None, True]
        assert faults["gap", "long", 5, False] == "picture 4 is followed by 6, others are 1 apart"

    def test_a_damaged_picture(self, davis):
        path = davis / "JPEGImages/480p/long/00005.jpg"
        path.write_bytes(path.read_bytes()[:400])
        (kind, video, _, fatal), text = only(davis)
        assert (kind, video, fatal) == ("file", "long", True)
        assert "00005.jpg" in text

    def test_a_damaged_mask(self, davis):
        damage(mask_path(davis, "long", 5))
        (kind, video, _, fatal), text = only(davis)
        assert (kind, video, fatal) == ("file", "long", True)
        assert "00005.png: broken PNG file" in text

    def test_colours_for_ids(self, davis):
        save(mask_path(davis, "long", 2), np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8))
        key, text = only(davis)
        assert key == ("file", "long", None, True)
        assert "colours" in text

    def test_greys_for_ids(self, davis):
        save(mask_path(davis, "long", 2), np.arange(48 * 64).reshape(SIZE).astype(np.uint8))
        key, text = only(davis)
        assert key == ("file", "long", None, True)
        assert "is a picture in greys, not a label map and not a mask" in text

    def test_a_damaged_record(self, tmp_path, add_video, discs):
        add_video(tmp_path, "a/x", {1: discs(3)})
        (tmp_path / "videos/a/x/video.json").write_text("{")
        assert "cannot read" in found(tmp_path)["file", "a/x", None, True]

    def test_ids_beyond_range(self, tmp_path, add_video, discs):
        add_video(tmp_path, "a/x", {1: discs(3)})
        path = tmp_path / "videos/a/x/video.json"
        path.write_text(path.read_text().replace('"id": 1', '"id": 70000'))
        assert found(tmp_path)["ids", "a/x", None, True] == "object id 70000 is beyond 1 to 65535"


class TestSizes:
    def test_mask_and_picture(self, davis):
        write_label_map(mask_path(davis, "long", 3), np.ones((24, 32), np.uint8))
        assert only(davis) == (("size", "long", 3, True), "the mask is 32x24, the picture 64x48")

    def test_mixed_videos(self, davis):
        save(davis / "JPEGImages/480p/long/00004.jpg", picture(0, (24, 32)))
        write_label_map(mask_path(davis, "long", 4), read_label_map(mask_path(davis, "long", 4))[::2, ::2])
        assert found(davis)["size", "long", 4, True] == "the picture is 32x24, those before it are 64x48"

    def test_specks(self, davis):
        labels = read_label_map(mask_path(davis, "long", 3))
        write_label_map(mask_path(davis, "long", 3), np.where(disc(50, 5, 1.5), 3, labels).astype(np.uint8))
        key, text = only(davis)
        assert key == ("size", "long", 3, False)
        assert text == "object 3 has fewer than 16 pixels on 1 frame, first on 3"

    def test_film_and_masklets(self, sav):
        path = next(sav.rglob("*_manual.json"))
        data = json.loads(path.read_text())
        data["masklet"][2][0] = {"size": [10, 10], "counts": "T3"}
        path.write_text(json.dumps(data))
        assert found(sav)["size", "sav_000001", 8, True] == "a mask is 10x10, the video is 64x48"


class TestMasks:
    def test_no_masks(self, davis, tmp_path, add_video):
        for t in range(12):
            write_label_map(mask_path(davis, "long", t), np.zeros(SIZE, np.uint8))
        assert only(davis) == (("empty", "long", None, False), "none of 12 annotated frames shows an object")
        add_video(tmp_path / "built", "a/x", {1: [NOTHING] * 3})
        assert found(tmp_path / "built")["empty", "", None, True] == "no video has a mask"
        add_video(tmp_path / "built", "a/y", {1: [None] * 3}, seed=1)
        assert found(tmp_path / "built")["empty", "a/y", None, False]

    def test_mostly_bare(self, davis):
        for t in range(8):
            write_label_map(mask_path(davis, "long", t), np.zeros(SIZE, np.uint8))
        assert only(davis) == (("empty", "long", None, False), "8 of 12 annotated frames show no object")

    def test_an_object_that_is_never_seen(self, tmp_path, add_video, discs):
        add_video(tmp_path, "a/x", {1: discs(3), 2: [NOTHING] * 3})
        assert only(tmp_path) == (("empty", "a/x", None, False), "object 2 has a mask on no frame")

    def test_the_record_says_otherwise(self, tmp_path, add_video, discs):
        add_video(tmp_path, "a/x", {1: discs(3)})
        write_label_map(tmp_path / "videos/a/x/masks/00001.png", np.zeros(SIZE, np.uint8))
        key, text = only(tmp_path)
        assert key == ("empty", "a/x", 1, True)
        assert text == f"object 1 has 0 pixels in the mask, {discs(1)[0].sum()} in the record"

    def test_gaps_in_ids(self, davis):
        for t in range(12):
            labels = read_label_map(mask_path(davis, "long", t))
            write_label_map(mask_path(davis, "long", t), np.where(labels == 2, 255, labels).astype(np.uint8))
        key, text = only(davis)
        assert key == ("ids", "long", None, False)
        assert text.startswith("ids 1, 255 leave out 2, 3, 4, 5, 6, 7, ...; 255 is often a border")


class TestLeaps:
    def test_exchanged_ids(self, tmp_path, add_video):
        a, b = disc(15, 20, 8), disc(45, 30, 8)
        add_video(tmp_path, "a/x", {1: [a, a, b, b], 2: [b, b, a, a]})
        report = check(tmp_path)
        texts = [one.text for _, one in report.findings]
        assert texts == [
            "object 1 lies where object 2 was: exchanged?",
            "object 2 lies where object 1 was: exchanged?",
        ]
        assert [one.frame for _, one in report.findings] == [2, 2]
        assert report.ok, "a person has to look"

    def test_a_far_move(self, tmp_path, add_video):
        add_video(tmp_path, "a/x", {1: [disc(8, 24, 6), disc(54, 24, 6)]})
        assert only(tmp_path)[1] == "object 1 moves by 57% of the diagonal"

    def test_growth(self, tmp_path, add_video):
        add_video(tmp_path, "a/x", {1: [disc(30, 24, 5), disc(30, 24, 20)]})
        assert only(tmp_path)[1] == "object 1 grows 16 times"

    def test_unknown_frames_are_passed_over(self, tmp_path, add_video):
        add_video(tmp_path, "a/x", {1: [disc(8, 24, 6), None, disc(12, 24, 6)]})
        assert found(tmp_path) == {}


class TestLeaks:
    def test_a_patient_on_both_sides(self, tmp_path, add_video, discs):
        add_video(tmp_path, "a/x", {1: discs(3)}, patient="p")
        add_video(tmp_path, "b/y", {1: discs(3)}, patient="p", split="test", seed=1)
        assert only(tmp_path) == (("leak", "", None, True), "patient p is in train (a/x) and test (b/y)")

    def test_equal_pictures_on_both_sides(self, tmp_path, add_video, discs):
        add_video(tmp_path, "a/x", {1: discs(4)})
        add_video(tmp_path, "b/y", {1: discs(3)}, split="test")
        add_video(tmp_path, "b/z", {1: discs(3)}, split="test", seed=1)
        assert only(tmp_path) == (("leak", "", None, True), "3 equal pictures: test (b/y) and train (a/x)")

    @pytest.mark.parametrize("val", ["val", "valid", "validation"])
    def test_a_video_in_two_lists(self, davis, val):
        lists = davis / "ImageSets/2017"
        lists.mkdir(parents=True)
        (lists / "train.txt").write_text("long\nsparse\n")
        (lists / f"{val}.txt").write_text("sparse\nsingle\n")
        (lists / "trainval.txt").write_text("long\nsparse\nsingle\n")
        assert only(davis) == (("leak", "", None, True), "sparse is in train and val")

    def test_equal_pictures_in_folders_of_splits(self, davis, tmp_path):
        root = tmp_path / "ytvos"
        shutil.copytree(davis, root / "train")
        for kind in ("JPEGImages", "Annotations"):
            shutil.copytree(davis / kind / "480p/long", root / "valid" / kind / "other")
        text = "12 equal pictures: train (train/long) and val (valid/other)"
        assert only(root) == (("leak", "", None, True), text)


class TestCommand:
    def run(self, *arguments):
        return CliRunner().invoke(app, ["data", *map(str, arguments)])

    def test_status_and_text(self, davis):
        good = self.run("check", davis)
        assert good.exit_code == 0
        assert good.stdout == "3 videos, 16 annotated frames, 32 masks: 0 errors, 0 to look at\n"
        mask_path(davis, "long", 3).write_bytes(b"")
        bad = self.run("check", davis)
        assert bad.exit_code == 1
        assert bad.stdout.startswith("ERROR file  long frame 3: cannot read ")

    def test_json(self, davis):
        mask_path(davis, "long", 3).write_bytes(b"")
        result = self.run("check", davis, "--json", "--workers", 2)
        data = json.loads(result.stdout)
        assert result.exit_code == 1
        assert (data["ok"], data["videos"], data["frames"]) == (False, 3, 16)
        ((one),) = data["findings"]
        assert (one["video"], one["frame"], one["kind"], one["fatal"]) == ("long", 3, "file", True)

    def test_a_sheet(self, davis, tmp_path):
        result = self.run("show", davis, "--out", tmp_path / "sheet.png", "--frames", 4)
        assert result.exit_code == 0, result.output
        with Image.open(tmp_path / "sheet.png") as sheet:
            assert sheet.width == 4 * 488 + 8, "four frames a row"
        clips = self.run("show", davis, "--out", tmp_path / "clips.jpg", "--clips", "--size", 64, "--rows", 2)
        assert clips.exit_code == 0, clips.output
        assert isinstance(self.run("show", davis, "--out", tmp_path / "x.txt").exception, ConfigError)

    def test_no_such_folder(self):
        assert isinstance(self.run("check", "nowhere").exception, ConfigError)


def test_what_a_sheet_holds(davis):
    source = open_source(SourceSettings(place=str(davis)), size=64)
    images, captions = video_cells(source.entries, videos=3, frames=4)
    assert len(images) == len(captions) == 12
    assert captions[8:] == ["sparse  0", "sparse  3", "sparse  6", ""]
    stream = ClipStream([source], ClipSettings(size=64, divemem=1.0, picture_share=0.0))
    images, captions = clip_cells(stream, (), clips=2)
    assert len(images) == 16
    assert [caption.split()[1] for caption in captions[:4]] == ["conditioning", "long-term", "long-term", "short-term"]


def test_a_video_without_annotations_has_no_row(tmp_path, add_video, discs):
    add_video(tmp_path, "a/x", {1: [None] * 3})
    add_video(tmp_path, "a/y", {1: discs(3)})
    entries = open_source(SourceSettings(place=str(tmp_path)), size=64).entries
    assert video_cells(entries, videos=2, frames=2)[1] == ["a/y  0", "a/y  2"]


def test_a_sheet_replaces_nothing_when_it_fails(tmp_path):
    path = Path(tmp_path / "sheet.gif")
    with pytest.raises(ConfigError, match=r"give a picture, \.png or \.jpg"):
        write_sheet(([np.zeros((8, 8, 3), np.uint8)], ["x"]), path, columns=None)
    assert not path.exists()


def test_training_refuses_faults_before_the_first_step(davis):
    for t in (2, 3, 4, 5, 6, 7):
        (davis / f"JPEGImages/480p/long/{t:05d}.jpg").unlink()
    with pytest.raises(DatasetError, match=r"has no picture in .*; and 1 more\. sam2s data check tells all"):
        preflight([open_source(SourceSettings(place=str(davis), missed=0.1), size=64)])
    with pytest.raises(DatasetError, match="has no picture in"):
        train(load_recipe("micro", data=[str(davis)]), davis / "run", device="cpu")
    assert not (davis / "run").exists()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(48 * 64).reshape(SIZE), "long frame 0: 255 ids on one frame: a picture in greys, not a label map"),
        (np.zeros(SIZE), "none of 100 videos of .* shows an object"),
    ],
)
def test_training_refuses_maps_of_nothing_before_anything_is_written(davis, labels, message):
    for path in davis.glob("Annotations/**/*.png"):
        write_label_map(path, labels.astype(np.uint8))
    recipe = load_recipe("micro", data=[str(davis)])
    with pytest.raises(DatasetError, match=message):
        plan(recipe, device="cpu")
    with pytest.raises(DatasetError, match=message):
        train(recipe, davis / "run", device="cpu")
    assert not (davis / "run").exists()


def test_a_list_with_a_name_of_no_video_is_an_error(davis):
    lists = davis / "ImageSets/2017"
    lists.mkdir(parents=True, exist_ok=True)
    (lists / "val.txt").write_text("longg\n")
    key, text = only(davis)
    assert key[0] == "list"
    assert "val.txt names a video that is not there, longg (is it long?); add the video or mend the list" in text
