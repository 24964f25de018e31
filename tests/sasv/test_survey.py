"""What of the sources is there, in short."""

import pytest

from sam2s.errors import DatasetError
from sam2s.sasv.fixtures import cvc_clinicdb, endovis18, polypgen
from sam2s.sasv.registry import all_adapters
from sam2s.sasv.survey import survey


def by_name(root):
    return {source.info.name: source for source in survey(root)}


def test_without_a_folder_every_source_is_listed_and_nothing_looked_for():
    surveys = survey(None)
    assert [source.info.name for source in surveys] == list(all_adapters())
    assert not any(source.folder or source.problem or source.videos for source in surveys)


def test_what_is_there_is_counted_as_far_as_sa_sv_takes_it(tmp_path):
    polypgen.draw(tmp_path)
    found = by_name(tmp_path)
    assert (found["polypgen"].videos, found["polypgen"].frames) == (1, 4)  # seq1 and single images are left out
    assert found["polypgen"].folder == tmp_path / "PolypGen2021_MultiCenterData_v3"
    assert found["grasp"].folder is None


def test_videos_with_a_problem_are_not_counted_and_the_first_is_named(tmp_path):
    endovis18.draw(tmp_path)
    for sequence in ("seq_2", "seq_5"):
        next(tmp_path.rglob(f"{sequence}/labels/frame001.png")).unlink()
    source = by_name(tmp_path)["endovis18"]
    assert (source.videos, source.frames) == (0, 0)
    assert source.problem.startswith("seq_2: ")
    assert source.problem.endswith("(and something with 1 more videos)")


def test_a_source_that_cannot_be_listed_hides_no_other(tmp_path):
    cvc_clinicdb.draw(tmp_path)
    endovis18.draw(tmp_path)
    (tmp_path / "CVC-ClinicDB/Original/1.tif").rename(tmp_path / "CVC-ClinicDB/Original/cover.tif")
    found = by_name(tmp_path)
    assert "cover.tif is not one of the official 1.tif to 612.tif" in found["cvc-clinicdb"].problem
    assert found["endovis18"].videos == 2


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere is not a folder; give the one that holds .* \(--root\)"):
        survey(tmp_path / "nowhere")
