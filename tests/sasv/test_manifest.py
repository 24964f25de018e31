"""What the manifest of a built set lists, and what it leaves out or marks."""

import json
from types import SimpleNamespace

import pytest

from sam2s.sasv.fixtures import autolaparo, cvc_clinicdb
from sam2s.sasv.manifest import BuildState, record_split, write_manifest
from sam2s.sasv.masklets import MaskletDataset, missing_by_subset, read_manifest
from sam2s.sasv.video_labels import sha256
from sasv.building import build


@pytest.fixture
def built(tmp_path):
    cvc_clinicdb.draw(tmp_path / "root")
    autolaparo.draw(tmp_path / "root")
    build(tmp_path / "root", tmp_path / "set")
    return tmp_path / "set"


def shortfall(text, *subsets):
    class Stub(SimpleNamespace):
        def __str__(self):
            return text

    return Stub(subsets=subsets)


def test_every_video_stands_there_with_what_a_reader_needs(built):
    manifest = read_manifest(built)
    entry = manifest["videos"]["cvc-clinicdb/02"]
    assert entry["sha256"] == sha256(built / "videos/cvc-clinicdb/02/SHA256SUMS")
    assert {key: entry[key] for key in ("source", "subset", "split", "patient", "images", "frames")} == {
        "source": "cvc-clinicdb",
        "subset": "ClinicDB",
        "split": "train",
        "patient": "cvc-clinicdb:02",
        "images": False,
        "frames": 1,
    }
    assert manifest["licences"] == {
        "autolaparo": "CC BY-NC-SA 4.0",
        "cvc-clinicdb": "research use, cite Bernal 2015 (unverified)",
    }
    assert manifest["ontology"] == 1


def test_videos_are_in_order_and_half_written_ones_are_passed_over(built):
    (built / "videos/cvc-clinicdb/.partial-9").mkdir()
    (built / "videos/cvc-clinicdb/.partial-9/video.json").write_text("{}")
    ids = list(write_manifest(built)["videos"])
    assert ids == ["autolaparo/001", "autolaparo/171", "cvc-clinicdb/01", "cvc-clinicdb/02", "cvc-clinicdb/05"]


def test_a_recipe_that_changed_makes_a_video_stale(built):
    recipes = {video.id: video.recipe for video in MaskletDataset(built)}
    same = write_manifest(built, BuildState(recipes))
    assert "stale" not in same
    changed = write_manifest(built, BuildState(recipes | {"cvc-clinicdb/02": "other"}))
    assert changed["stale"] == {"cvc-clinicdb/02": "it would be another video now; build it again"}
    assert "cvc-clinicdb/02" not in changed["videos"]


def test_what_its_source_holds_no_more_is_stale_of_other_sources_nothing_changes(built):
    recipes = {v.id: v.recipe for v in MaskletDataset(built) if v.source == "cvc-clinicdb" and v.id[-1] != "5"}
    manifest = write_manifest(built, BuildState(recipes))
    assert manifest["stale"] == {"cvc-clinicdb/05": "its source has no such video any more"}
    assert "autolaparo/001" in manifest["videos"]
    again = write_manifest(built)
    assert again["stale"] == manifest["stale"]


def test_what_failed_is_stale_with_the_reason(built):
    recipes = {video.id: video.recipe for video in MaskletDataset(built)}
    manifest = write_manifest(built, BuildState(recipes, failed={"autolaparo/001": "no disk"}))
    assert manifest["stale"] == {"autolaparo/001": "it could not be built again: no disk"}


def test_shortfalls_stand_under_their_subsets(built):
    recipes = {video.id: video.recipe for video in MaskletDataset(built)}
    state = BuildState(recipes, shortfalls={"dsad": [shortfall("1 of 2 frames", "DSAD-V", "DSAD-I"), shortfall("x")]})
    assert missing_by_subset(write_manifest(built, state)) == {
        "DSAD-V": "1 of 2 frames",
        "DSAD-I": "1 of 2 frames",
        "dsad, not in SA-SV": "x",
    }


def test_two_shortfalls_of_a_subset_are_both_told(built):
    recipes = {video.id: video.recipe for video in MaskletDataset(built)}
    state = BuildState(recipes, shortfalls={"grasp": [shortfall("a", "GraSP"), shortfall("b", "GraSP")]})
    assert missing_by_subset(write_manifest(built, state)) == {"GraSP": "a; b"}


def test_planned_videos_that_are_not_there_are_counted(built):
    recipes = {video.id: video.recipe for video in MaskletDataset(built)}
    planned = dict.fromkeys(recipes, "ClinicDB") | {"cvc-clinicdb/07": "ClinicDB", "polypgen/x": None}
    manifest = write_manifest(built, BuildState(recipes | {"polypgen/x": "r"}, planned=planned))
    assert missing_by_subset(manifest) == {
        "ClinicDB": "1 of 6 videos are not built",
        "polypgen, not in SA-SV": "1 of 1 videos are not built",
    }


def test_marks_of_sources_that_were_not_looked_at_stay(built):
    before = missing_by_subset(read_manifest(built))
    assert set(before) == {"ClinicDB", "AutoLaparo"}
    recipes = {video.id: video.recipe for video in MaskletDataset(built, source="autolaparo")}
    after = missing_by_subset(write_manifest(built, BuildState(recipes)))
    assert after == {"ClinicDB": before["ClinicDB"]}


def test_splits_are_noted_one_beside_the_other(built):
    record_split(built, "a", 1, "f" * 64, {"x": "train", "y": "val", "z": "train"})
    record_split(built, "a", 2, "e" * 64, {"x": "train"})
    splits = read_manifest(built)["splits"]
    assert list(splits) == ["a-v1", "a-v2"]
    assert splits["a-v1"] == {"name": "a", "version": 1, "sha256": "f" * 64, "videos": {"train": 2, "val": 1}}


def test_the_file_has_a_video_on_each_line(built):
    lines = (built / "manifest.json").read_text().splitlines()
    assert sum('"patient"' in line for line in lines) == 5
    assert json.loads("".join(lines)) == read_manifest(built)
