import json

import pytest

from sam2s.errors import ConfigError, DatasetError
from sam2s.sasv.build import plan, run
from sam2s.sasv.counts import COLUMNS, table1
from sam2s.sasv.masklets import MaskletDataset, read_manifest
from sam2s.sasv.splits import make_split, read_split, write_split
from sam2s.sasv.verify import verify
from sasv.fixtures import cholecinstanceseg, cvc_clinicdb, endoscapes


@pytest.fixture
def built(tmp_path):
    cvc_clinicdb.draw(tmp_path / "root")
    jobs, _ = plan(tmp_path / "root", tmp_path / "set")
    list(run(jobs, tmp_path / "set"))
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
    assert lines["tissues"].reason.startswith("not all frames are built; polyps are connected components")
    assert all(line.reason for line in findings.lines)
    assert findings.missing["GraSP"] == "grasp"
    json.dumps(findings.as_json())


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
    list(run(plan(tmp_path / "root", out)[0], out))
    assert verify(out).shared == {}
    base = tmp_path / "root/cholecinstanceseg/test"
    (base / "VID14_t50_full").rename(base / "VID66_t50_full")  # Cholec80's video 66 is Endoscapes' 121
    list(run(plan(tmp_path / "root", out)[0], out))
    shared = verify(out).shared
    assert shared == {
        "cholec:066": {
            "test": ["cholecinstanceseg/VID66_t50_full"],
            "train": ["endoscapes/121_100", "endoscapes/121_850"],
        }
    }
    with pytest.raises(DatasetError, match="1 patients are in train and test, such as cholec:066: endoscapes/121_100"):
        make_split(read_manifest(out)["videos"])


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
