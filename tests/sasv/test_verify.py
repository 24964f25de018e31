import json

import pytest
from typer.testing import CliRunner

from sam2s.cli.sasv import app
from sam2s.errors import ConfigError, DatasetError
from sam2s.sasv.counts import COLUMNS, Tally, table1
from sam2s.sasv.fixtures import cholecinstanceseg, cvc_clinicdb, endoscapes
from sam2s.sasv.masklets import MaskletDataset, read_manifest
from sam2s.sasv.splits import assigned_splits, make_split, read_split, write_split
from sam2s.sasv.verify import compare, verify
from sasv.building import build


@pytest.fixture
def built(tmp_path):
    cvc_clinicdb.draw(tmp_path / "root")
    build(tmp_path / "root", tmp_path / "set")
    return tmp_path / "set"


def test_table_1_adds_up_to_the_papers_totals():
    totals = {
        split: {c: sum(row.numbers[c] or 0 for row in table1() if row.split == split) for c in COLUMNS}
        for split in ("train", "test")
    }
    assert list(totals["train"].values()) == [473, 41593, 67242, 20586, 1368]
    assert list(totals["test"].values()) == [99, 19804, 29681, 6385, 244]


def test_every_difference_has_a_reason(built):
    findings = verify(built)
    assert findings.ok
    lines = {line.column: line for line in findings.lines}
    assert (lines["videos"].paper, lines["videos"].built) == (29, 3)
    assert lines["tissues"].reason.startswith("not all frames are built; the authors corrected masks by hand")
    assert all(line.reason for line in findings.lines)
    assert findings.missing["GraSP"] == "grasp"
    json.dumps(findings.as_json())


def test_a_rows_own_reasons_need_all_of_its_videos():
    rows = {row.subset: row for row in table1()}
    polyps, organs = rows["PolypGen"], rows["DSAD-V"]

    def reason(row, **counts):
        return {line.column: line.reason for line in compare(row, Tally(**counts))}["frames"]

    assert reason(polyps, videos=21, frames=2000) == polyps.why["frames"] != polyps.general["frames"]
    assert reason(polyps, videos=3, frames=300) == polyps.general["frames"]
    assert reason(organs, videos=70, frames=4000) == organs.why["frames"]  # the number of its videos differs anyway


def test_a_part_of_a_test_subset_is_named_and_refused_when_strict(tmp_path):
    cholecinstanceseg.draw(tmp_path / "root")
    out = tmp_path / "set"
    build(tmp_path / "root", out)
    findings = verify(out)
    assert findings.ok
    assert findings.incomplete["CIS-Test"].startswith("t50_full test: 1 of 7,229 frames, 1 of 4 sequences")
    loose, strict = (CliRunner().invoke(app, ["verify", str(out), *flags]) for flags in ([], ["--strict"]))
    assert (loose.exit_code, strict.exit_code) == (0, 1)
    assert "incomplete CIS-Test: t50_full test: 1 of 7,229 frames" in loose.stdout


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda folder: (folder / "masks/00000.png").write_bytes(b"x"), "cvc-clinicdb/02: masks/00000.png is damaged"),
        (lambda folder: (folder / "frames/00000.png").unlink(), "cvc-clinicdb/02: frames/00000.png is missing"),
        (lambda folder: (folder / "SHA256SUMS").write_text(""), "cvc-clinicdb/02: changed since the manifest"),
        (
            lambda folder: (folder / "masks/7.png").write_bytes(b"x"),
            "cvc-clinicdb/02: masks/7.png does not",
        ),
    ],
)
def test_damage_is_named(built, harm, message):
    harm(built / "videos/cvc-clinicdb/02")
    findings = verify(built)
    assert not findings.ok
    assert findings.damage[0].startswith(message)
    assert len(findings.damage) == 1


def test_a_patient_on_both_sides_is_found_across_sources(tmp_path):
    # With --all, the official test part of CholecInstanceSeg and training parts of other sources share patients.
    cholecinstanceseg.draw(tmp_path / "root")
    endoscapes.draw(tmp_path / "root")
    out = tmp_path / "set"
    build(tmp_path / "root", out)
    assert verify(out).shared == {}
    base = tmp_path / "root/cholecinstanceseg/test"
    (base / "VID14_t50_full").rename(base / "VID66_t50_full")  # Cholec80's video 66 is Endoscapes' 121
    build(tmp_path / "root", out)
    shared = verify(out).shared
    assert shared == {
        "cholec:066": {
            "test": ["cholecinstanceseg/VID66_t50_full"],
            "train": ["endoscapes/121_100", "endoscapes/121_850"],
        }
    }
    with pytest.raises(DatasetError, match="1 patients are in train and test, such as cholec:066: endoscapes/121_100"):
        make_split(read_manifest(out)["videos"])


def test_a_split_is_noted_in_the_manifest_and_stays_there(built, tmp_path):
    words = ["split", str(built), "--out", str(tmp_path), "--name", "ours", "--val", "0.3", "--json"]
    report = json.loads(CliRunner().invoke(app, words).stdout)
    noted = {"name": "ours", "version": 1, "sha256": report["sha256"], "videos": {"train": 2, "val": 1}}
    assert read_manifest(built)["splits"] == {"ours-v1": noted}
    build(tmp_path / "root", built)
    assert read_manifest(built)["splits"] == {"ours-v1": noted}


def test_a_split_of_another_set_is_refused(built, tmp_path):
    entries = read_manifest(built)["videos"]
    parts = make_split(entries, val=0.3)
    more, fewer = tmp_path / "more.json", tmp_path / "fewer.json"
    write_split(more, "more", 1, {**parts, "cvc-clinicdb/29": "train"})
    write_split(fewer, "fewer", 1, {name: part for name, part in parts.items() if name != "cvc-clinicdb/02"})
    with pytest.raises(DatasetError, match=r"names 1 videos that are not in this set, such as cvc-clinicdb/29; build"):
        MaskletDataset(built, split_file=more)
    with pytest.raises(DatasetError, match=r"leaves out 1 videos of this set, such as cvc-clinicdb/02, which"):
        MaskletDataset(built, split_file=fewer)
    assert assigned_splits(entries) == dict.fromkeys(entries, "train")


def test_split_files_are_versioned_and_sealed(built, tmp_path):
    entries = read_manifest(built)["videos"]
    parts = make_split(entries, val=0.3, seed=1)
    assert sorted(parts.values()) == ["train", "train", "val"]
    assert parts == make_split(entries, val=0.3, seed=1)
    path = tmp_path / "s.json"
    assert write_split(path, "s", 1, parts) == write_split(path, "s", 1, parts)
    assert read_split(path) == parts
    assert MaskletDataset(built, split="val", split_file=path).ids == [n for n, p in parts.items() if p == "val"]
    with pytest.raises(DatasetError, match=r"a version never changes, give the next one \(--version 2\)"):
        write_split(path, "s", 1, make_split(entries))
    path.write_text(path.read_text().replace("cvc-clinicdb/01", "cvc-clinicdb/03"))
    with pytest.raises(DatasetError, match="was changed after its hash was made"):
        read_split(path)
    with pytest.raises(ConfigError, match=r"val is 1\.5"):
        make_split(entries, val=1.5)
