"""Every fixture there is, built, verified, counted and drawn through the command line."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sam2s.cli.sasv import app
from sam2s.sasv.fixtures import cvc_clinicdb, endovis18
from sam2s.sasv.registry import all_adapters

FIXTURES = sorted(p.stem for p in (Path(__file__).parent / "fixtures").glob("*.py") if p.stem != "drawing")


def sam2s(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("downloads")
    for name in FIXTURES:
        import_module(f"sam2s.sasv.fixtures.{name}").draw(folder)
    return folder


@pytest.fixture(scope="module")
def report(root):
    return json.loads(
        sam2s("build", "--partial", "--root", root, "--out", root / "set", "--workers", 1, "--all", "--json")
    )


def test_every_adapter_has_a_fixture():
    assert {Path(module.__file__).stem for module in all_adapters().values()} <= set(FIXTURES)


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


def test_every_subset_has_masks(root, report):
    rows = {row["subset"]: row for row in json.loads(sam2s("stats", root / "set", "--json"))}
    wanted = {subset for module in all_adapters().values() for subset in module.INFO.subsets}
    assert wanted <= set(rows)
    assert all(row["instruments"] + row["tissues"] for row in rows.values())


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
