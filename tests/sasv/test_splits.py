"""Which videos train, validate and test."""

import json

import pytest

from sam2s.errors import ConfigError, DatasetError
from sam2s.sasv.splits import assigned_splits, make_split, read_split, write_split


def entries(count, *, subset="ClinicDB", split="train", per_patient=1):
    return {
        f"{subset}/{i}": {"subset": subset, "split": split, "patient": f"{subset}:{i // per_patient}"}
        for i in range(count)
    }


def test_without_validation_the_parts_are_those_of_the_build():
    made = entries(4) | entries(2, subset="PolypGen", split="test")
    assert make_split(made) == {name: entry["split"] for name, entry in made.items()}


def test_validation_takes_its_share_of_the_patients_of_every_subset():
    made = entries(20) | entries(10, subset="GraSP")
    parts = make_split(made, val=0.2)
    moved = [name for name, part in parts.items() if part == "val"]
    assert sum(name.startswith("ClinicDB") for name in moved) == 4
    assert sum(name.startswith("GraSP") for name in moved) == 2


def test_a_patient_is_never_cut():
    made = entries(30, per_patient=3)
    parts = make_split(made, val=0.5, seed=3)
    by_patient = {}
    for name, part in parts.items():
        by_patient.setdefault(made[name]["patient"], set()).add(part)
    assert all(len(found) == 1 for found in by_patient.values())
    assert sorted(next(iter(found)) for found in by_patient.values()) == ["train"] * 5 + ["val"] * 5


def test_a_patient_in_two_subsets_is_moved_in_both():
    made = entries(1) | entries(1, subset="GraSP")
    for entry in made.values():
        entry["patient"] = "shared"
    assert set(make_split(made, val=0.5).values()) <= {"train", "val"}
    assert len(set(make_split(made, val=0.99).values())) == 1


def test_test_videos_are_never_moved():
    made = entries(6, subset="PolypGen", split="test") | entries(6)
    parts = make_split(made, val=0.9)
    assert [part for name, part in parts.items() if name.startswith("PolypGen")] == ["test"] * 6


def test_a_seed_gives_one_choice_and_another_seed_another():
    made = entries(40)
    assert make_split(made, val=0.25, seed=1) == make_split(made, val=0.25, seed=1)
    assert make_split(made, val=0.25, seed=1) != make_split(made, val=0.25, seed=2)


def test_a_subset_that_is_added_does_not_change_the_choice_in_others():
    alone = make_split(entries(20), val=0.3)
    both = make_split(entries(20) | entries(10, subset="GraSP"), val=0.3)
    assert alone == {name: part for name, part in both.items() if name in alone}


@pytest.mark.parametrize("val", [-0.1, 1, 2.5])
def test_shares_that_are_none_are_refused(val):
    with pytest.raises(ConfigError, match=rf"val is {val}; give a share of the training patients"):
        make_split(entries(3), val=val)


def test_a_file_holds_sorted_lists_and_their_hash(tmp_path):
    path = tmp_path / "s-v1.json"
    digest = write_split(path, "s", 1, {"b": "train", "a": "train", "c": "test"})
    data = json.loads(path.read_text())
    assert (data["train"], data["val"], data["test"]) == (["a", "b"], [], ["c"])
    assert data["sha256"] == digest
    assert len(digest) == 64
    assert read_split(path) == {"a": "train", "b": "train", "c": "test"}


def test_the_hash_does_not_depend_on_the_order_of_videos(tmp_path):
    parts = {"b": "train", "a": "val", "c": "test"}
    first = write_split(tmp_path / "1.json", "s", 1, parts)
    assert first == write_split(tmp_path / "2.json", "s", 1, dict(reversed(parts.items())))
    assert first != write_split(tmp_path / "3.json", "s", 1, parts | {"a": "train"})


def test_without_a_file_the_parts_are_those_of_the_manifest(tmp_path):
    made = entries(2) | entries(1, subset="PolypGen", split="test")
    assert assigned_splits(made) == {"ClinicDB/0": "train", "ClinicDB/1": "train", "PolypGen/0": "test"}
    with pytest.raises(DatasetError, match=r"cannot read .*nowhere\.json: No such file"):
        assigned_splits(made, tmp_path / "nowhere.json")
