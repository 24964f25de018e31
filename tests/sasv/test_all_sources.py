"""Every fixture there is, built, verified, counted and drawn through the command line."""

import json

import pytest
from typer.testing import CliRunner

from sam2s.cli.sasv import app
from sam2s.sasv.fixtures import cvc_clinicdb, endovis18
from sam2s.sasv.masklets import MaskletDataset

# Counted by hand from what the tiny copies are said to hold, not with the code that is tested:
# videos, annotated frames, masks of instruments, masks of tissues, masklets.
COUNTS = {
    "ART-Net": (0, 2, 2, 0, 0),  # three pictures, one without a mask
    "BKAI-IGH": (0, 2, 0, 4, 0),  # two polyps on each of two pictures
    "DSAD-I": (0, 2, 0, 2, 0),  # two pictures of a liver
    "Endoscapes": (0, 6, 6, 3, 0),  # three videos of two keyframes: a tool on each, a gallbladder on the first
    "Kvasir-SEG": (0, 3, 0, 4, 0),  # the third picture has two polyps
    "RoboTool": (0, 4, 8, 0, 0),  # two tools on each of four pictures
    "AutoLaparo": (2, 8, 8, 8, 4),  # clips of six and two frames, a tool and the uterus on all
    "CholecSeg8k": (2, 6, 10, 12, 8),  # liver and gallbladder on six frames, two graspers on five
    "CIS-Train": (1, 4, 5, 0, 3),  # two graspers on the first frame, a hook on three of four
    "ClinicDB": (3, 6, 0, 7, 4),  # sequences of three, one and two frames, the second with two polyps
    "DSAD-V": (1, 52, 0, 51, 1),  # no colon on one of its frames
    "GraSP": (3, 5, 7, 0, 5),  # 2 + 3, 1 + 0 and 1 instruments
    "CIS-Test": (1, 1, 1, 0, 1),
    "EndoVis17": (2, 5, 15, 0, 6),  # three instruments on four frames and on one
    "EndoVis18": (2, 4, 11, 4, 8),  # two tools, of which one has no file on a frame, a thread; the kidney
    "Hyst-YT": (1, 2, 3, 0, 2),  # two of three frames annotated, the second tool gone on the last
    "PolypGen": (1, 4, 0, 3, 1),  # no polyp on one of four frames
    "RARP50": (2, 5, 20, 0, 8),  # two tools, a needle and a thread on five frames
    "SurgAI3.8k": (2, 4, 0, 4, 2),
}
# Pixels of the objects on the first frame on which each is seen. A disc of radius r has 81, 113, 149, 197, 253, 317,
# 441 and 709 of them for r = 5, 6, 7, 8, 9, 10, 12 and 15 (the Gauss circle problem). Of the liver a part of the
# gallbladder (137 pixels of its disc) and an unlabelled patch are missing. BKAI-IGH is saved with loss.
AREAS = {
    "autolaparo/001": {"uterus": [441], "grasper": [113]},
    "bkai-igh/0a5f": {"polyp": [197, 253]},
    "cholecinstanceseg/VID01_t50_full": {"grasper": [121, 2 * 9 * 9], "hook": [100]},
    "cholecseg8k/video01_00080": {"gallbladder": [197], "grasper": [149, 149], "liver": [23 * 62 - 137 - 2 * 4]},
    "cvc-clinicdb/02": {"polyp": [113, 253]},
    "dsad/liver-21-image07": {"liver": [253]},
    "endoscapes/1_100": {"gallbladder": [317], "instrument": [197]},
    "endovis17/seq_6": {"large needle driver": [120 * 120] * 2, "monopolar curved scissors": [120 * 120]},
    "endovis18/seq_2": {"kidney parenchyma": [2 * 253], "thread": [2 * 20], "instrument": [24 * 40] * 2},
    "grasp/CASE001": {"large needle driver": [253, 253], "suction": [81]},
    "hyst-yt/vid1": {"instrument": [149, 253]},
    "kvasir-seg/cju0c": {"polyp": [149, 253]},
    "robotool/dv2_00009": {"instrument": [253, 253]},
    "sar-rarp50/video_41": {"suturing needle": [6 * 20], "thread": [2 * 60], "instrument": [709, 40 * 30]},
    "surgai3.8k/case1": {"uterus": [253 + 113]},
}


def sam2s(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("downloads")
    sam2s("fixture", "all", folder)
    return folder


@pytest.fixture(scope="module")
def report(root):
    return json.loads(
        sam2s("build", "--partial", "--root", root, "--out", root / "set", "--workers", 1, "--all", "--json")
    )


def test_sources_finds_all(root):
    found = {one["info"]["name"]: one for one in json.loads(sam2s("sources", "--root", root, "--json"))}
    for name, one in found.items():
        assert one["folder"], name
        assert not one["problem"], one["problem"]
        assert one["frames"] > 0, name
        assert all(one["info"][key] for key in ("url", "access", "licence", "layout"))


def test_all_is_built_without_complaint(report):
    assert report["failed"] == {}
    assert report["without"] == {}


def test_every_subset_holds_what_was_drawn(root, report):
    rows = {row["subset"]: row for row in json.loads(sam2s("stats", root / "set", "--json"))}
    columns = ("videos", "frames", "instruments", "tissues", "masklets")
    counts = {name: tuple(row[column] for column in columns) for name, row in rows.items()}
    del counts["(not in SA-SV)"]
    assert counts == COUNTS


@pytest.mark.parametrize("name", AREAS)
def test_every_object_has_the_pixels_that_were_drawn(root, report, name):
    areas = {}
    for masklet in MaskletDataset(root / "set")[name].objects:
        first = next(area for area in masklet.area if area)
        areas.setdefault(masklet.category, []).append(first)
    loss = 2 if name.startswith("bkai") else 0
    assert set(areas) == set(AREAS[name])
    for category, values in areas.items():
        assert sorted(values) == pytest.approx(AREAS[name][category], abs=loss)


def test_hashes_hold_and_the_official_test_part_shares_patients(root, report):
    result = CliRunner().invoke(app, ["verify", str(root / "set"), "--json"])
    findings = json.loads(result.stdout)
    assert findings["damage"] == []
    assert result.exit_code == (1 if findings["shared"] else 0)
    assert findings["missing"] == {}


def test_tables_and_pictures(root, report):
    pytest.importorskip("matplotlib")
    assert "ClinicDB" in sam2s("stats", root / "set", "--plots", root / "plots")
    assert (root / "plots/scale.png").stat().st_size > 10_000
    assert (root / "plots/categories.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["sheet.png", "clip.mp4"])
def test_show(root, report, name):
    sam2s("show", root / "set", "autolaparo/001", "--out", root / name)
    assert (root / name).stat().st_size > 1000


@pytest.mark.slow
def test_several_processes_build_the_same(root, report):
    sam2s("build", "--partial", "--root", root, "--out", root / "again", "--workers", 2, "--all", "--json")
    manifests = [(root / name / "manifest.json").read_text() for name in ("set", "again")]
    assert manifests[0] == manifests[1]


def test_guessing_is_reported_by_video(root, report):
    rows = {row["subset"]: row for row in json.loads(sam2s("stats", root / "set", "--by-video", "--json"))}
    assert rows["polypgen/seq2"]["links"] == 2
    assert rows["polypgen/seq2"]["doubtful"] == 1


def test_nothing_below_a_folder(tmp_path):
    result = CliRunner().invoke(app, ["build", "--root", str(tmp_path), "--out", str(tmp_path / "set")])
    assert "nothing to build below" in str(result.exception)
    assert not (tmp_path / "set").exists()


def test_a_source_that_is_there_and_cannot_be_built_fails(root, tmp_path):
    cvc_clinicdb.draw(tmp_path)
    kvasir = tmp_path / "Kvasir-SEG"
    (kvasir / "images").mkdir(parents=True)
    (kvasir / "masks").mkdir()
    (kvasir / "kavsir_bboxes.json").write_text("{}")
    words = ["build", "--partial", "--root", str(tmp_path), "--out", str(tmp_path / "set"), "--workers", "1"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert "FAILED kvasir-seg: " in result.stdout
    assert "3 built" in result.stdout
    assert CliRunner().invoke(app, [*words, "--source", "cvc-clinicdb"]).exit_code == 0


def test_what_is_left_out_is_said(tmp_path):
    cvc_clinicdb.draw(tmp_path)
    words = ["build", "--partial", "--root", tmp_path, "--out", tmp_path / "set", "--workers", 1]
    sam2s(*words)
    for part in ("Original", "Ground Truth"):
        (tmp_path / "CVC-ClinicDB" / part / "26.tif").unlink()
    said = "left out of the set: cvc-clinicdb/02, built before: its source has no such video any more"
    assert said in sam2s(*words)
    assert "left out: cvc-clinicdb/02, built before: " in sam2s("verify", tmp_path / "set")


def test_sources_names_the_videos_that_are_wrong(tmp_path):
    endovis18.draw(tmp_path)
    next(tmp_path.rglob("seq_5/labels/frame001.png")).unlink()
    found = {one["info"]["name"]: one for one in json.loads(sam2s("sources", "--root", tmp_path, "--json"))}
    assert found["endovis18"]["videos"] == 1
    assert found["endovis18"]["problem"].startswith("seq_5: ")
    assert "1 of 17 sources can be built" in sam2s("sources", "--root", tmp_path)


def test_split_patch_and_review(root, tmp_path):
    out = tmp_path / "set"
    sam2s("build", "--partial", "--root", root, "--out", out, "--source", "cvc-clinicdb", "--workers", 1)
    assert json.loads(sam2s("split", out, "--out", tmp_path, "--json"))["videos"] == {"train": 3}
    fix = {"format": "sasv-patch", "version": 1}
    fix["videos"] = {"cvc-clinicdb/02": {"base": None, "edits": [{"do": "drop", "id": 2}]}}
    (tmp_path / "fix.json").write_text(json.dumps(fix))
    assert "cvc-clinicdb/02: 1 new edits" in sam2s("patch", out, tmp_path / "fix.json")
    assert "all hashes hold" in sam2s("verify", out)
    sam2s("patch", out, "--export", tmp_path / "all.json", "--review")
    exported = json.loads((tmp_path / "all.json").read_text())["videos"]["cvc-clinicdb/02"]
    assert exported["edits"] == [{"do": "drop", "id": 2}]
    assert exported["base"]
