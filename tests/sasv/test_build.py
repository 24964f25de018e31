import json
import shutil

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import DatasetError, OutputError
from sam2s.processes import locked
from sam2s.sasv.build import run_build
from sam2s.sasv.fixtures import autolaparo, cvc_clinicdb, dsad, endovis18, grasp, polypgen, surgai38k
from sam2s.sasv.fixtures.drawing import picture, save
from sam2s.sasv.manifest import write_manifest
from sam2s.sasv.masklets import LabelState, MaskletDataset
from sam2s.sasv.plan import BuildOptions, BuildPlan, plan_build
from sasv.building import build


@pytest.fixture
def root(tmp_path):
    cvc_clinicdb.draw(tmp_path / "root")
    return tmp_path / "root"


def states(outcomes):
    return [outcome.state for outcome in outcomes.values()]


def test_second_run_keeps_what_is_there(root, tmp_path):
    out = tmp_path / "set"
    assert states(build(root, out)) == ["built"] * 3
    assert states(build(root, out)) == ["kept"] * 3
    assert states(build(root, out, fresh=True)) == ["built"] * 3


def test_an_interrupted_run_goes_on(root, tmp_path):
    out = tmp_path / "set"
    plan = plan_build(root, out, options=BuildOptions(partial=True))
    outcomes = run_build(plan, out)
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


def test_files_that_arrive_later_rebuild_their_video_alone(tmp_path):
    root, out = tmp_path / "root", tmp_path / "set"
    endovis18.draw(root)
    repairs = root / "endovis18/repairs"
    repairs.rename(tmp_path / "repairs")
    shutil.copy(root / "endovis18/miccai_challenge_2018_release_1/seq_1/labels/frame000.png", root / "mended.png")
    (root / "mended.png").rename(root / "endovis18/miccai_challenge_2018_release_1/seq_1/labels/frame001.png")
    assert set(states(build(root, out, everything=True))) == {"built"}
    shutil.move(tmp_path / "repairs", repairs)
    found = {name: outcome.state for name, outcome in build(root, out, everything=True).items()}
    assert found == {"endovis18/seq_1": "built", "endovis18/seq_2": "kept", "endovis18/seq_5": "kept"}
    assert set(states(build(root, out, everything=True))) == {"kept"}


def test_masks_that_arrive_later_rebuild_their_video(tmp_path):
    """Masks that need not be there: of a further organ, and of a frame that a mapping file lets go without."""
    root, out = tmp_path / "root", tmp_path / "set"
    dsad.draw(root)
    surgai38k.draw(root)
    mapping = root / "surgai3.8k.yaml"
    mapping.write_text(mapping.read_text().replace("missing: error", "missing: unknown"))
    late = [root / "dsad_images/multilabel/02/mask00_small_intestine.png", root / "surgai/case1/uterus_9.png"]
    content = [path.read_bytes() for path in late]
    for path in late:
        path.unlink()
    first = build(root, out, everything=True)
    assert set(states(first)) == {"built"}
    for path, data in zip(late, content, strict=True):
        path.write_bytes(data)
    again = {name for name, outcome in build(root, out, everything=True).items() if outcome.state == "built"}
    assert again == {"dsad/multilabel-02", "surgai3.8k/case1"}


def entries(out):
    manifest = json.loads((out / "manifest.json").read_text())
    return list(manifest["videos"]), manifest.get("stale", {})


def test_what_a_source_holds_no_more_is_left_out_of_the_set(root, tmp_path):
    out = tmp_path / "set"
    build(root, out)
    for part in ("Original", "Ground Truth"):
        (root / "CVC-ClinicDB" / part / "26.tif").rename(tmp_path / part)
    outcomes = build(root, out)
    assert (outcomes["cvc-clinicdb/02"].state, outcomes["cvc-clinicdb/02"].message) == (
        "stale",
        "its source has no such video any more",
    )
    assert entries(out)[0] == ["cvc-clinicdb/01", "cvc-clinicdb/05"]
    autolaparo.draw(tmp_path / "other")
    build(tmp_path / "other", out)  # its source is not looked at here, and stays as it was
    write_manifest(out)
    assert entries(out)[0] == ["autolaparo/001", "autolaparo/171", "cvc-clinicdb/01", "cvc-clinicdb/05"]
    assert set(entries(out)[1]) == {"cvc-clinicdb/02"}
    for part in ("Original", "Ground Truth"):
        (tmp_path / part).rename(root / "CVC-ClinicDB" / part / "26.tif")
    build(root, out)
    assert "cvc-clinicdb/02" in entries(out)[0]
    assert entries(out)[1] == {}


def test_what_cannot_be_built_again_is_left_out_of_the_set(root, tmp_path):
    out = tmp_path / "set"
    build(root, out)
    (root / "CVC-ClinicDB/Ground Truth/26.tif").unlink()
    assert build(root, out)["cvc-clinicdb/02"].state == "failed"
    videos, stale = entries(out)
    assert videos == ["cvc-clinicdb/01", "cvc-clinicdb/05"]
    assert stale["cvc-clinicdb/02"].startswith("it could not be built again: ")


def test_what_sa_sv_drops_now_is_left_out_even_without_all(tmp_path, monkeypatch):
    polypgen.draw(tmp_path / "root")
    out = tmp_path / "set"
    build(tmp_path / "root", out, everything=True)
    build(tmp_path / "root", out)
    assert "polypgen/seq1_neg" in entries(out)[0]  # is as it would be
    monkeypatch.setattr("sam2s.sasv.adapters.polypgen.LEFT_OUT", ("seq1", "seq2"))
    outcomes = build(tmp_path / "root", out)
    assert outcomes["polypgen/seq2"].message == "it would be another video now; build it again"
    assert "polypgen/seq2" not in entries(out)[0]


def test_one_bad_sequence_stops_no_other(tmp_path):
    endovis18.draw(tmp_path / "root")
    (tmp_path / "root/endovis18/miccai_challenge_2018_release_1/seq_1/labels/frame001.png").unlink()
    outcomes = build(tmp_path / "root", tmp_path / "set", everything=True)
    assert {name: outcome.state for name, outcome in outcomes.items()} == {
        "endovis18/seq_1": "failed",
        "endovis18/seq_2": "built",
        "endovis18/seq_5": "built",
    }


def test_a_source_without_a_complete_video_is_said(tmp_path):
    (tmp_path / "root/instrument_dataset_1/left_frames").mkdir(parents=True)
    save(tmp_path / "root/instrument_dataset_1/left_frames/frame000.png", picture())
    reason = plan_build(tmp_path / "root", tmp_path / "set").without["endovis17"]
    assert "holds no video that is complete; it should have instrument_dataset_N/left_frames" in reason


def test_a_source_of_which_sa_sv_takes_nothing_is_said(tmp_path, caplog):
    polypgen.draw(tmp_path / "root")
    shutil.rmtree(next((tmp_path / "root").rglob("seq2")))
    assert build(tmp_path / "root", tmp_path / "set") == {}
    assert "polypgen: SA-SV leaves out all 5 videos in " in caplog.text


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
    list(run_build(BuildPlan(), out))
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
    assert [video.objects[0].state(t) for t in range(4)] == [
        LabelState.MASK,
        LabelState.MASK,
        LabelState.EMPTY,
        LabelState.MASK,
    ]
    assert video.link_stats["bridged"] == 1


def test_left_out_material_needs_all(tmp_path):
    polypgen.draw(tmp_path / "root")
    out = tmp_path / "set"
    assert list(build(tmp_path / "root", out)) == ["polypgen/seq2"]
    assert "polypgen/seq1_neg" in build(tmp_path / "root", out, everything=True)
    assert MaskletDataset(out, subset="PolypGen").ids == ["polypgen/seq2"]
    assert len(MaskletDataset(out, images=True)) == 3


def test_missing_sources_say_what_they_need(root, tmp_path):
    without = plan_build(root, tmp_path / "set").without
    assert without["cvc-clinicdb"].startswith("incomplete: 6 of 612 frames, 3 of 29 videos")
    assert without["kvasir-seg"].startswith("not found below")
    assert "kavsir_bboxes.json" in without["kvasir-seg"]


def test_nothing_to_build_is_said(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere is not a folder; give the one .*\(--root\)"):
        plan_build(tmp_path / "nowhere", tmp_path / "set")
    with pytest.raises(DatasetError, match="there is no source 'cvc'; known sources: "):
        plan_build(tmp_path, tmp_path / "set", sources=["cvc"])


def test_a_foreign_frame_size_is_named(root, tmp_path):
    for part in ("Original", "Ground Truth"):
        path = root / "CVC-ClinicDB" / part / "2.tif"
        with Image.open(path) as image:
            image.resize((32, 24)).save(path)
    message = build(root, tmp_path / "set")["cvc-clinicdb/01"].message
    assert "frame 2 is (24, 32), those before" in message


def test_a_second_process_does_not_write_the_same_set(root, tmp_path):
    out = tmp_path / "set"
    with (
        locked(out),
        pytest.raises(OutputError, match=r"set: process \d+ is writing it; wait for it"),
    ):
        build(root, out)
    assert states(build(root, out)) == ["built"] * 3
    with locked(out), pytest.raises(OutputError, match="is writing it"):
        list(run_build(BuildPlan(), out))
