import shutil

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.sasv.build import plan, run
from sam2s.sasv.masklets import MaskletDataset, State
from sasv.fixtures import autolaparo, cvc_clinicdb, grasp, polypgen
from sasv.fixtures.drawing import picture


@pytest.fixture
def root(tmp_path):
    cvc_clinicdb.draw(tmp_path / "root")
    return tmp_path / "root"


def build(root, out, **options):
    jobs, _ = plan(root, out, **options)
    return {outcome.id: outcome for outcome in run(jobs, out)}


def states(outcomes):
    return [outcome.state for outcome in outcomes.values()]


def test_second_run_keeps_what_is_there(root, tmp_path):
    out = tmp_path / "set"
    assert states(build(root, out)) == ["built"] * 3
    assert states(build(root, out)) == ["kept"] * 3
    assert states(build(root, out, fresh=True)) == ["built"] * 3


def test_an_interrupted_run_goes_on(root, tmp_path):
    out = tmp_path / "set"
    jobs, _ = plan(root, out)
    outcomes = run(jobs, out)
    next(outcomes)
    outcomes.close()  # as Ctrl-C does
    assert MaskletDataset(out).ids == ["cvc-clinicdb/01"]
    assert states(build(root, out)) == ["kept", "built", "built"]


def test_half_a_video_left_by_a_kill_is_built_again(root, tmp_path):
    out = tmp_path / "set"
    build(root, out)
    folder = out / "videos/cvc-clinicdb/02"
    shutil.move(folder, folder.with_name(".partial-02"))
    (folder.with_name(".partial-02") / "video.json").unlink()
    assert states(build(root, out)) == ["kept", "built", "kept"]
    assert not folder.with_name(".partial-02").exists()


def test_one_bad_video_stops_no_other(root, tmp_path):
    broken = root / "CVC-ClinicDB/Original/26.tif"
    broken.write_bytes(broken.read_bytes()[:200])
    out = tmp_path / "set"
    outcomes = build(root, out)
    assert outcomes["cvc-clinicdb/02"].state == "failed"
    assert "26.tif" in outcomes["cvc-clinicdb/02"].message
    assert MaskletDataset(out).ids == ["cvc-clinicdb/01", "cvc-clinicdb/05"]


def test_a_failed_rebuild_leaves_the_old_video(root, tmp_path):
    out = tmp_path / "set"
    build(root, out)
    (root / "CVC-ClinicDB/Ground Truth/26.tif").unlink()
    assert build(root, out, fresh=True)["cvc-clinicdb/02"].state == "failed"
    assert len(MaskletDataset(out)["cvc-clinicdb/02"].objects) == 2


def test_more_frames_of_the_download_rebuild_a_video(root, tmp_path):
    out = tmp_path / "set"
    build(root, out)
    for part in ("Original", "Ground Truth"):
        shutil.copy(root / "CVC-ClinicDB" / part / "26.tif", root / "CVC-ClinicDB" / part / "27.tif")
    assert states(build(root, out)) == ["kept", "built", "kept"]


def test_a_changed_mask_or_picture_rebuilds_its_video_alone(root, tmp_path):
    out = tmp_path / "set"
    build(root, out)
    path = root / "CVC-ClinicDB/Ground Truth/26.tif"
    with Image.open(path) as image:
        flipped = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    flipped.save(path)
    assert states(build(root, out)) == ["kept", "built", "kept"]
    masks = MaskletDataset(out)["cvc-clinicdb/02"].masks(0)
    assert np.array_equal(np.any(list(masks.values()), axis=0), np.array(flipped) > 127)
    assert states(build(root, out)) == ["kept"] * 3
    root.rename(tmp_path / "moved")
    assert states(build(tmp_path / "moved", out)) == ["kept"] * 3


def test_a_changed_list_of_annotations_rebuilds_its_videos(tmp_path):
    """GraSP keeps its masks in files of a whole part, which are read before any video is built."""
    grasp.draw(tmp_path / "root")
    build(tmp_path / "root", tmp_path / "set")
    assert set(states(build(tmp_path / "root", tmp_path / "set"))) == {"kept"}
    for path in (tmp_path / "root").rglob("*.json"):
        path.write_text(path.read_text() + " ")
    assert set(states(build(tmp_path / "root", tmp_path / "set"))) == {"built"}


def test_frames_are_copied_as_they_are_or_made_png(root, tmp_path):
    autolaparo.draw(root)
    out = tmp_path / "set"
    build(root, out)
    data = MaskletDataset(out)
    source = next(root.glob("Task 3*")) / "imgs/001001.jpg"
    assert data["autolaparo/001"].image_path(0).read_bytes() == source.read_bytes()
    assert np.array_equal(data["cvc-clinicdb/01"].image(0), picture(1))  # TIF became PNG, without loss


def test_a_damaged_record_is_built_again_or_left_out(root, tmp_path, caplog):
    out = tmp_path / "set"
    build(root, out)
    (out / "videos/cvc-clinicdb/02/video.json").write_text("{")
    list(run([], out))
    assert MaskletDataset(out).ids == ["cvc-clinicdb/01", "cvc-clinicdb/05"]
    assert "left out of the manifest: cannot read" in caplog.text
    assert states(build(root, out)) == ["kept", "built", "kept"]


def test_hard_links_share_the_file(root, tmp_path):
    autolaparo.draw(root)
    build(root, tmp_path / "set", hard_link=True)
    source = next(root.glob("Task 3*")) / "imgs/001001.jpg"
    assert MaskletDataset(tmp_path / "set")["autolaparo/001"].image_path(0).samefile(source)


def test_absent_is_not_the_same_as_unknown(tmp_path):
    polypgen.draw(tmp_path / "root")
    build(tmp_path / "root", tmp_path / "set")
    video = MaskletDataset(tmp_path / "set")["polypgen/seq2"]
    assert [video.objects[0].state(t) for t in range(4)] == [State.MASK, State.MASK, State.EMPTY, State.MASK]
    assert video.guess["bridged"] == 1


def test_left_out_material_needs_all(tmp_path):
    polypgen.draw(tmp_path / "root")
    out = tmp_path / "set"
    assert list(build(tmp_path / "root", out)) == ["polypgen/seq2"]
    assert "polypgen/seq1_neg" in build(tmp_path / "root", out, everything=True)
    assert MaskletDataset(out, subset="PolypGen").ids == ["polypgen/seq2"]
    assert len(MaskletDataset(out, images=True)) == 3


def test_missing_sources_say_what_they_need(root, tmp_path):
    _, without = plan(root, tmp_path / "set")
    assert "cvc-clinicdb" not in without
    assert without["kvasir-seg"].startswith("not found below")
    assert "kavsir_bboxes.json" in without["kvasir-seg"]


def test_nothing_to_build_is_said(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere is not a folder; give the one .*\(--root\)"):
        plan(tmp_path / "nowhere", tmp_path / "set")
    with pytest.raises(DatasetError, match="there is no source 'cvc'; known sources: "):
        plan(tmp_path, tmp_path / "set", sources=["cvc"])


def test_a_foreign_frame_size_is_named(root, tmp_path):
    for part in ("Original", "Ground Truth"):
        path = root / "CVC-ClinicDB" / part / "2.tif"
        with Image.open(path) as image:
            image.resize((32, 24)).save(path)
    message = build(root, tmp_path / "set")["cvc-clinicdb/01"].message
    assert "frame 2 is (24, 32), those before" in message
