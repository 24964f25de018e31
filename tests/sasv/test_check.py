"""The usual mistakes with downloads, each with what is said of it."""

import json
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sam2s.cli.sasv import app
from sam2s.errors import DatasetError, OutputError
from sam2s.sasv.check import check_downloads
from sam2s.sasv.fixtures import autolaparo, cvc_clinicdb, draw_fixture, endovis18, grasp, kvasir_seg
from sam2s.sasv.fixtures.drawing import disc, picture, save
from sam2s.sasv.packed import archive_names, find_archives, is_broken
from sam2s.sasv.registry import all_adapters


def check(root, source):
    return next(check for check in check_downloads(root) if check.info.name == source)


def pack(root, archive):
    """Pack everything below a folder and leave the archive alone there."""
    inner = [path for path in root.rglob("*") if path.is_file()]
    if archive.endswith(".zip"):
        with zipfile.ZipFile(root.parent / archive, "w") as packed:
            for path in inner:
                packed.write(path, path.relative_to(root))
    else:
        with tarfile.open(root.parent / archive, "w:gz") as packed:
            for path in inner:
                packed.add(path, path.relative_to(root))
    shutil.rmtree(root)
    root.mkdir()
    (root.parent / archive).rename(root / archive)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "downloads").mkdir()
    return tmp_path / "downloads"


@pytest.mark.parametrize("archive", ["files.zip", "files.tar.gz"])
def test_an_archive_is_known_by_what_lies_in_it(root, archive):
    cvc_clinicdb.draw(root)
    pack(root, archive)
    found = check(root, "cvc-clinicdb")
    assert found.state == "not usable"
    assert found.advice == [f"still packed: {archive}; unpack it there"]
    assert check(root, "kvasir-seg").state == "not there"


def test_an_archive_that_cannot_be_read_is_known_by_its_name(root):
    (root / "kvasir-seg.zip").write_bytes(b"cut short")
    assert check(root, "kvasir-seg").advice == [
        "still packed: kvasir-seg.zip; unpack it there",
        "cannot be opened: kvasir-seg.zip; download again what was cut short",
    ]
    assert list(archive_names(root / "kvasir-seg.zip")) == []


def test_archives_that_are_still_packed_complete_a_partial_copy(root):
    endovis18.draw(root)
    (root / "endovis18/miccai_challenge_release_3.zip").write_bytes(b"x")
    found = check(root, "endovis18")
    assert found.state == "incomplete"
    assert "still packed: endovis18/miccai_challenge_release_3.zip; unpack it there" in found.advice


def test_an_archive_beside_a_complete_copy_is_no_matter(root):
    for number in range(1, 613):
        save(root / f"CVC-ClinicDB/Original/{number}.tif", picture(number, (8, 8)))
        save(root / f"CVC-ClinicDB/Ground Truth/{number}.tif", disc(4, 4, 3, (8, 8)))
    (root / "CVC-ClinicDB.zip").write_bytes(b"x")
    found = check(root, "cvc-clinicdb")
    assert (found.state, found.videos, found.frames, found.advice) == ("complete", 29, 612, [])


def test_a_folder_of_another_source_says_nothing_of_a_mapping_file_beside_it(root):
    draw_fixture("art-net", root)
    kvasir_seg.draw(root)
    found = check(root / "Kvasir-SEG", "art-net")
    assert (found.state, found.advice) == ("not there", [])


def test_a_missing_folder_of_masks_is_told_without_a_guess(root):
    kvasir_seg.draw(root)
    shutil.rmtree(root / "Kvasir-SEG/masks")
    (advice,) = check(root, "kvasir-seg").advice
    assert advice == f"half of it: {root / 'Kvasir-SEG'} has no masks/<id>.jpg (masks, saved with loss)"


def test_a_folder_of_an_organ_in_capitals_is_told(root):
    draw_fixture("dsad", root)
    (root / "dsad_images/colon").rename(root / "dsad_images/Colon")
    advice = check(root, "dsad").advice
    assert f"'Colon' in {root / 'dsad_images'} looks like a misnamed 'colon': rename it" in advice


@pytest.mark.parametrize(("name", "broken"), [("a.zip", True), ("a.tar.gz", True), ("a.tar", True), ("a.7z", False)])
def test_archives_that_were_cut_short(tmp_path, name, broken):
    (tmp_path / name).write_bytes(b"PK\x03\x04 cut short")
    assert is_broken(tmp_path / name) == broken


def test_archives_are_found_in_any_folder_but_junk(tmp_path):
    for name in ("a.zip", "x/b.tar.gz", "x/y/c.7z", "__MACOSX/d.zip", ".hidden/e.zip", "f.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert [path.name for path in find_archives(tmp_path)] == ["a.zip", "b.tar.gz", "c.7z"]


def test_a_source_that_lies_too_deep_is_told_with_its_place(root):
    cvc_clinicdb.draw(root / "1/2/3/4")
    found = check(root, "cvc-clinicdb")
    assert found.folder is None
    (advice,) = found.advice
    assert advice.startswith(f"too deep: it lies in {root / '1/2/3/4/CVC-ClinicDB'}, readers look 3 folders deep")


@pytest.mark.parametrize("inner", ["Original", "Ground Truth"])
def test_a_folder_inside_a_source_is_told(root, inner):
    cvc_clinicdb.draw(root)
    given = root / "CVC-ClinicDB" / inner
    (advice,) = check(given, "cvc-clinicdb").advice
    assert advice == f"{given} is a folder inside it: give {root / 'CVC-ClinicDB'} instead"


@pytest.mark.parametrize("name", ["GroundTruth", "ground_truth", "Ground truth", "Ground-Truth"])
def test_a_misnamed_folder_is_told(root, name):
    cvc_clinicdb.draw(root)
    (root / "CVC-ClinicDB/Ground Truth").rename(root / "CVC-ClinicDB" / name)
    (advice,) = check(root, "cvc-clinicdb").advice
    assert f"{name!r} in {root / 'CVC-ClinicDB'} looks like a misnamed 'Ground Truth': rename it" in advice


def test_a_half_set_is_told(root):
    cvc_clinicdb.draw(root)
    shutil.rmtree(root / "CVC-ClinicDB/Original")
    (advice,) = check(root, "cvc-clinicdb").advice
    assert advice.startswith(f"half of it: {root / 'CVC-ClinicDB'} has no Original/<n>.tif (pictures 1 to 612)")


def test_a_half_set_of_common_names_is_known_by_the_name_of_its_folder(root):
    kvasir_seg.draw(root)
    (root / "Kvasir-SEG/kavsir_bboxes.json").rename(root / "Kvasir-SEG/kvasir_bboxes.json")
    (advice,) = check(root, "kvasir-seg").advice
    assert "'kvasir_bboxes.json' in" in advice
    assert "looks like a misnamed 'kavsir_bboxes.json': rename it" in advice


def test_pictures_of_another_kind_are_told(root):
    cvc_clinicdb.draw(root)
    for path in (root / "CVC-ClinicDB/Original").iterdir():
        path.rename(path.with_suffix(".png"))
    (advice,) = check(root, "cvc-clinicdb").advice
    assert f"{root / 'CVC-ClinicDB/Original'} has only .png files" in advice


def test_a_misnamed_list_of_masks_is_told(root):
    grasp.draw(root)
    folder = root / "GraSP/GraSP_30fps/annotations"
    for path in folder.glob("grasp_short*"):
        path.rename(path.with_name(path.name.replace("grasp_short-term", "grasp short term")))
    (advice,) = check(root, "grasp").advice
    assert "has no GraSP_30fps/annotations/grasp_short-term_{train,test}.json" in advice


def test_one_misnamed_mask_is_told_with_its_right_name(root):
    cvc_clinicdb.draw(root)
    (root / "CVC-ClinicDB/Ground Truth/26.tif").rename(root / "CVC-ClinicDB/Ground Truth/26 (1).tif")
    (problem,) = check(root, "cvc-clinicdb").problems
    assert problem.startswith("02: 1 file is missing: ")
    assert "(there is '26 (1).tif': rename it to '26.tif')" in problem


def test_everything_that_is_wrong_is_told_in_one_run(root):
    autolaparo.draw(root)
    cvc_clinicdb.draw(root)
    for path in [*root.rglob("masks/001*.png"), *root.rglob("Ground Truth/*.tif")]:
        path.unlink()
    assert len(check(root, "autolaparo").problems) == 1
    assert "6 files are missing: " in check(root, "autolaparo").problems[0]
    problems = check(root, "cvc-clinicdb").problems
    assert [problem[:14] for problem in problems] == ["01: 3 files ar", "02: 1 file is ", "05: 2 files ar"]


def test_many_problems_are_counted(root):
    draw_fixture("bkai-igh", root)
    folder = root / "bkai-igh-neopolyp"
    for number in range(12):
        save(folder / f"train/train/{number:04d}.jpeg", picture(number))
    problems = check(root, "bkai-igh").problems
    assert len(problems) == 9
    assert problems[-1] == "and the same or other things with 4 more: 0008, 0009, 0010, 0011"


def test_suffixes_in_capitals_are_no_mistake(root):
    cvc_clinicdb.draw(root)
    for path in root.rglob("*.tif"):
        path.rename(path.with_suffix(".TIF"))
    found = check(root, "cvc-clinicdb")
    assert (found.videos, found.frames, found.problems) == (3, 6, [])


def test_the_command_prints_all_and_fails_where_something_is_to_be_done(root):
    cvc_clinicdb.draw(root)
    (root / "CVC-ClinicDB/Ground Truth/26.tif").unlink()
    result = CliRunner().invoke(app, ["sources", "--check", str(root)])
    assert result.exit_code == 1
    assert f"cvc-clinicdb: wrong in {root / 'CVC-ClinicDB'}: 2 videos or images, 5 frames" in result.stdout
    assert "  missing: 2 of 29 videos" not in result.stdout
    assert "not there: art-net, autolaparo, " in result.stdout
    records = json.loads(CliRunner().invoke(app, ["sources", "--check", str(root), "--json"]).stdout)
    assert {record["state"] for record in records} == {"wrong", "not there"}


def test_nothing_below_a_folder_is_no_mistake(root):
    assert CliRunner().invoke(app, ["sources", "--check", str(root)]).exit_code == 0
    with pytest.raises(DatasetError, match="nowhere is not a folder; give the one"):
        check_downloads(root / "nowhere")


def test_a_tiny_copy_never_lies_over_a_real_one(root):
    assert [path.name for path in draw_fixture("cvc-clinicdb", root)] == ["CVC-ClinicDB"]
    before = sorted(root.rglob("*"))
    with pytest.raises(OutputError, match="CVC-ClinicDB is there already; give an empty folder for the tiny copy"):
        draw_fixture("cvc-clinicdb", root)
    assert sorted(root.rglob("*")) == before
    with pytest.raises(DatasetError, match="there is no source 'cvc'; known sources: art-net"):
        draw_fixture("cvc", root)


def test_fixtures_of_all_sources_are_found_again(root):
    result = CliRunner().invoke(app, ["fixture", "all", str(root)])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 21
    states = {found.info.name: found.state for found in check_downloads(root)}
    assert set(states) == set(all_adapters())
    assert {name for name, state in states.items() if state == "found"} == {"art-net", "hyst-yt", "surgai3.8k"}
    assert {state for name, state in states.items() if name not in ("art-net", "hyst-yt", "surgai3.8k")} == {
        "incomplete"
    }


def test_fixtures_end_with_the_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*file"):
        draw_fixture("kvasir-seg", Path(tmp_path / "file"))
