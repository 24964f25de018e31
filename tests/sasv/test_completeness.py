"""What a complete copy holds, and that nothing that is missing passes without a word."""

import json
import shutil

import pytest
from PIL import Image
from typer.testing import CliRunner

from sam2s.cli import app as whole_app
from sam2s.cli.sasv import app
from sam2s.sasv.adapters import cvc_clinicdb as clinicdb_adapter
from sam2s.sasv.adapters import sar_rarp50 as rarp_adapter
from sam2s.sasv.completeness import shortfalls
from sam2s.sasv.fixtures import cholecseg8k, cvc_clinicdb, dsad, endovis18, grasp, polypgen, sar_rarp50
from sam2s.sasv.fixtures.drawing import disc, picture, save
from sam2s.sasv.manifest import write_manifest
from sam2s.sasv.masklets import MaskletDataset, missing_by_subset, read_manifest
from sam2s.sasv.plan import plan_build
from sam2s.sasv.raw import PublishedPart, RawVideo
from sam2s.sasv.registry import all_adapters, get_adapter
from sam2s.sasv.verify import verify
from sasv.building import build

# Numbers of the publishers (papers, readmes, file lists), written down here and not taken from the adapters.
PUBLISHED = {
    "autolaparo": {"": (1800, 300)},
    "bkai-igh": {"": (1000, 0)},
    "cholecinstanceseg": {
        "t50_full train": (19029, 10),
        "t50_full test": (7229, 4),
        "t50_full val": (2059, 1),
        "seg8k": (8080, 17),
        "t50_sparse": (2681, 0),
        "t80_sparse": (2855, 0),
    },
    "cholecseg8k": {"": (8080, 17)},
    "cvc-clinicdb": {"": (612, 29)},
    "dsad": {"single organs": (13195, 11)},
    "endoscapes": {"train_seg": (None, 0), "val_seg": (None, 0), "test_seg": (None, 0)},
    "endovis17": {"sequences of SA-SV": (900, 3), "other sequences": (2100, 7)},
    "endovis18": {"sequences of SA-SV": (596, 4), "other sequences": (1639, 11)},
    "grasp": {"training cases": (2324, 8), "test cases": (1125, 5)},
    "kvasir-seg": {"": (1000, 0)},
    "polypgen": {"positive sequences": (2225, 23), "negative sequences": (4275, 23), "single images": (1537, 6)},
    "robotool": {"": (514, 20)},
    "sar-rarp50": {"test videos": (3252, 10), "training videos": (13324, 40)},
    "art-net": {},
    "hyst-yt": {},
    "surgai3.8k": {},
}


def test_what_a_complete_copy_holds():
    known = {n: {p.name: (p.frames, len(p.groups)) for p in a.PARTS} for n, a in all_adapters().items()}
    assert known == PUBLISHED


def test_numbers_of_groups_add_up_to_those_of_their_part():
    for adapter in all_adapters().values():
        for part in adapter.PARTS:
            numbers = list(part.groups.values())
            if part.frames and numbers and None not in numbers:
                assert sum(numbers) == part.frames, (adapter.INFO.name, part.name)


def test_masks_and_instruments_that_the_records_name():
    assert [part.masks for part in get_adapter("endoscapes").PARTS] == [1615, 363, 270]
    first, rest = get_adapter("endovis17").PARTS
    assert (first.masklets, rest.masklets) == (
        {"seq_2": 3, "seq_5": 3, "seq_6": 4},
        {"seq_1": 4, "seq_3": 2, "seq_4": 3, "seq_7": 2, "seq_8": 4},
    )


def videos(*lengths, **kinds):
    return [RawVideo(f"v{i}", "ClinicDB", "train", "p", length=n, **kinds) for i, n in enumerate(lengths, 1)]


def test_a_complete_copy_lacks_nothing():
    part = PublishedPart(frames=5, groups={"v1": 2, "v2": 3})
    assert shortfalls([part], videos(2, 3), ["ClinicDB"]) == []


def test_frames_videos_and_names_that_are_missing_are_told():
    part = PublishedPart("test", frames=9, groups={"v1": 2, "v2": 3, "v3": 4})
    (shortfall,) = shortfalls([part], videos(2, 1, part="test"), ["ClinicDB"])
    assert str(shortfall) == "test: 3 of 9 frames, 2 of 3 videos (missing: v3; v2 has 1 of 3 frames)"
    assert shortfall.subsets == ("ClinicDB",)


def test_numbers_that_are_missing_are_told():
    part = PublishedPart(frames=5, groups={"v1": 5})
    (shortfall,) = shortfalls([part], videos(3, missing=(2, 4)), ["ClinicDB"])
    assert str(shortfall) == "3 of 5 frames (v1 lacks 2, 4)"


def test_gaps_count_only_while_the_number_of_frames_is_not_reached():
    reached, open_end = PublishedPart(frames=3), PublishedPart()
    gaps = videos(3, missing=(2, 4))
    assert shortfalls([reached], gaps, []) == []
    assert str(shortfalls([open_end], gaps, [])[0]) == "2 frames are missing between others (v1 lacks 2, 4)"


def test_a_video_with_a_problem_is_told_by_itself():
    part = PublishedPart(frames=5, groups={"v1": 2, "v2": 3})
    assert shortfalls([part], [*videos(2), RawVideo("v2", None, "train", "p", problem="damaged")], []) == []


def test_what_sa_sv_leaves_out_counts_only_with_all():
    part = PublishedPart(frames=5, in_sasv=False)
    assert shortfalls([part], videos(1), ["ClinicDB"]) == []
    (shortfall,) = shortfalls([part], videos(1), ["ClinicDB"], everything=True)
    assert (shortfall.counts, shortfall.subsets) == ("1 of 5 frames", ())


def test_masks_and_masklets_are_counted():
    part = PublishedPart(masks=10, masklets={"v1": 3, "v2": 3})
    (shortfall,) = shortfalls([part], videos(1, 1, masks=4, masklets=2), [])
    assert shortfall.counts == "8 of 10 masks, 2 of 3 objects of v1, 2 of 3 objects of v2"


@pytest.fixture(scope="module")
def clinicdb(tmp_path_factory):
    """All 612 frames and masks, of a few pixels each."""
    root = tmp_path_factory.mktemp("complete")
    for number in range(1, 613):
        save(root / f"CVC-ClinicDB/Original/{number}.tif", picture(number, (8, 8)))
        save(root / f"CVC-ClinicDB/Ground Truth/{number}.tif", disc(4, 4, 3, (8, 8)))
    return root


def test_a_complete_copy_is_built_without_a_mark(clinicdb, tmp_path):
    plan = plan_build(clinicdb, tmp_path / "set")
    assert plan.without.get("cvc-clinicdb") is None
    assert len(plan.builds) == 29
    assert sum(build.video.length for build in plan.builds) == 612
    build(clinicdb, tmp_path / "set", partial=False)
    manifest = read_manifest(tmp_path / "set")
    assert "incomplete" not in manifest
    assert all("incomplete" not in entry for entry in manifest["videos"].values())


def test_a_frame_that_is_missing_with_its_mask_stops_the_source(clinicdb, tmp_path):
    shutil.copytree(clinicdb, tmp_path / "root")
    for part in ("Original", "Ground Truth"):
        (tmp_path / "root/CVC-ClinicDB" / part / "30.tif").unlink()
    plan = plan_build(tmp_path / "root", tmp_path / "set")
    assert plan.builds == []
    reason = plan.without["cvc-clinicdb"]
    assert reason.startswith("incomplete: 611 of 612 frames (02 lacks 30). Unpack the rest of the official download")
    assert "--partial" in reason


def test_a_partial_copy_is_marked_wherever_it_is_counted(clinicdb, tmp_path):
    shutil.copytree(clinicdb, tmp_path / "root")
    for part in ("Original", "Ground Truth"):
        (tmp_path / "root/CVC-ClinicDB" / part / "30.tif").unlink()
    out = tmp_path / "set"
    assert len(build(tmp_path / "root", out)) == 29
    missing = {"ClinicDB": "611 of 612 frames (02 lacks 30)"}
    assert missing_by_subset(read_manifest(out)) == missing
    assert read_manifest(out)["videos"]["cvc-clinicdb/02"]["incomplete"] == "24 of 25 frames; missing: 30"
    dataset = MaskletDataset(out)
    assert [v.id for v in dataset if v.incomplete] == ["cvc-clinicdb/02"]
    assert verify(out).incomplete == missing
    table = CliRunner().invoke(app, ["stats", str(out)]).stdout
    assert "ClinicDB*" in table
    assert "* ClinicDB is incomplete: 611 of 612 frames (02 lacks 30)" in table
    rows = json.loads(CliRunner().invoke(app, ["stats", str(out), "--by-video", "--json"]).stdout)
    assert [row["subset"] for row in rows if row["incomplete"]] == ["cvc-clinicdb/02"]
    assert CliRunner().invoke(app, ["verify", str(out), "--strict"]).exit_code == 1
    checked = CliRunner().invoke(whole_app, ["data", "check", str(out)]).stdout
    assert "look  part  ClinicDB is incomplete: 611 of 612 frames (02 lacks 30)" in checked
    write_manifest(out)  # as `sam2s sasv patch` does
    assert missing_by_subset(read_manifest(out)) == missing


def test_the_mark_goes_when_the_copy_is_completed(clinicdb, tmp_path):
    shutil.copytree(clinicdb, tmp_path / "root")
    folder = tmp_path / "root/CVC-ClinicDB"
    for part in ("Original", "Ground Truth"):
        (folder / part / "30.tif").rename(tmp_path / part)
    build(tmp_path / "root", tmp_path / "set")
    for part in ("Original", "Ground Truth"):
        (tmp_path / part).rename(folder / part / "30.tif")
    outcomes = build(tmp_path / "root", tmp_path / "set", partial=False)
    assert [name for name, outcome in outcomes.items() if outcome.state == "built"] == ["cvc-clinicdb/02"]
    assert missing_by_subset(read_manifest(tmp_path / "set")) == {}


def test_a_video_that_cannot_be_built_makes_its_subset_incomplete(clinicdb, tmp_path):
    shutil.copytree(clinicdb, tmp_path / "root")
    path = tmp_path / "root/CVC-ClinicDB/Original/30.tif"
    path.write_bytes(path.read_bytes()[:100])
    outcomes = build(tmp_path / "root", tmp_path / "set", partial=False)
    assert outcomes["cvc-clinicdb/02"].state == "failed"
    assert missing_by_subset(read_manifest(tmp_path / "set")) == {"ClinicDB": "1 of 29 videos are not built"}


def test_a_video_that_vanished_from_the_set_is_told_by_the_next_manifest(clinicdb, tmp_path):
    build(clinicdb, tmp_path / "set", partial=False)
    shutil.rmtree(tmp_path / "set/videos/cvc-clinicdb/07")
    write_manifest(tmp_path / "set")
    assert missing_by_subset(read_manifest(tmp_path / "set")) == {"ClinicDB": "1 of 29 videos are not built"}


def plan_reason(root, source, **options):
    from sam2s.sasv.plan import BuildOptions

    return plan_build(root, root / "set", options=BuildOptions(**options)).without[source]


def test_a_case_of_grasp_without_its_list_is_told(tmp_path):
    grasp.draw(tmp_path)
    for path in tmp_path.rglob("grasp_short-term_test.json"):
        path.unlink()
    reason = plan_reason(tmp_path, "grasp")
    assert (
        "test cases: 0 of 1,125 frames, 0 of 5 cases (missing: CASE041, CASE047, CASE050, CASE051, CASE053)" in reason
    )
    assert "annotations/grasp_short-term_test.json" in reason


@pytest.mark.parametrize("everything", [False, True])
def test_a_video_of_sar_rarp50_without_segmentation_is_told(tmp_path, everything):
    sar_rarp50.draw(tmp_path)
    shutil.rmtree(tmp_path / "sar-rarp50/test/video_41/segmentation")
    outcomes = build(tmp_path, tmp_path / "set", sources=["sar-rarp50"], everything=everything)
    assert outcomes["sar-rarp50/video_41"].state == "failed"
    assert "video_41 has no folder segmentation" in outcomes["sar-rarp50/video_41"].message
    missing = missing_by_subset(read_manifest(tmp_path / "set"))["RARP50"]
    assert missing.startswith("test videos: 2 of 10 videos (missing: video_43")
    assert missing.endswith("1 of 2 videos are not built")


def test_a_gap_between_masks_of_sar_rarp50_is_told(tmp_path):
    sar_rarp50.draw(tmp_path)
    (tmp_path / "sar-rarp50/test/video_41/segmentation/000000060.png").unlink()
    by_name = {video.name: video for video in rarp_adapter.videos(rarp_adapter.find(tmp_path))}
    assert by_name["video_41"].missing == (60,)
    assert "video_41 lacks 60" in plan_reason(tmp_path, "sar-rarp50")


def test_a_video_of_sar_rarp50_that_was_cut_short_is_refused(tmp_path):
    sar_rarp50.draw(tmp_path)
    masks = tmp_path / "sar-rarp50/test/video_41/segmentation"
    shutil.copy(masks / "000000180.png", masks / "000000240.png")
    outcome = build(tmp_path, tmp_path / "set", sources=["sar-rarp50"])["sar-rarp50/video_41"]
    assert outcome.state == "failed"
    assert "before 2 of its masks (the last is for frame 240); the download was cut short" in outcome.message


def test_a_frame_of_a_clip_of_cholecseg8k_is_told(tmp_path):
    cholecseg8k.draw(tmp_path)
    reason = plan_reason(tmp_path, "cholecseg8k")
    assert reason.startswith("incomplete: 6 of 8,080 frames, 1 of 17 videos (missing: video09, video12")
    assert "video01_00080 lacks 80 to 98, 101 to 159, 162 to 239" in reason


def test_a_gap_in_the_numbers_of_dsad_is_told(tmp_path):
    dsad.draw(tmp_path)
    assert "colon-01 lacks 50 to 98" in plan_reason(tmp_path, "dsad")


def test_a_sequence_of_polypgen_that_is_missing_is_told(tmp_path):
    polypgen.draw(tmp_path)
    reason = plan_reason(tmp_path, "polypgen")
    assert reason.startswith("incomplete: positive sequences: 8 of 2,225 frames, 2 of 23 sequences (missing: seq3")
    assert "single images" not in reason
    assert "single images: 3 of 1,537 frames, 3 of 6 centres (missing: C2, C5, C6" in plan_reason(
        tmp_path, "polypgen", everything=True
    )


def test_frames_of_endovis18_are_counted(tmp_path):
    endovis18.draw(tmp_path)
    reason = plan_reason(tmp_path, "endovis18")
    assert "sequences of SA-SV: 4 of 596 frames, 2 of 4 sequences (missing: seq_9, seq_15; seq_2 lacks 2 to" in reason
    assert "repairs.zip" in reason


def test_the_command_line_refuses_a_partial_copy_and_builds_it_on_demand(tmp_path):
    cvc_clinicdb.draw(tmp_path)
    words = ["build", "--root", str(tmp_path), "--out", str(tmp_path / "set"), "--workers", "1"]
    refused = CliRunner().invoke(app, words)
    assert "cvc-clinicdb: incomplete: 6 of 612 frames, 3 of 29 videos" in str(refused.exception)
    assert not (tmp_path / "set").exists()
    built = CliRunner().invoke(app, [*words, "--partial"])
    assert built.exit_code == 0
    assert "incomplete cvc-clinicdb: 6 of 612 frames, 3 of 29 videos" in built.stdout
    report = json.loads(CliRunner().invoke(app, [*words, "--partial", "--json"]).stdout)
    assert report["incomplete"]["cvc-clinicdb"][0].startswith("6 of 612 frames, 3 of 29 videos")


def test_names_in_capitals_are_read_all_the_same(tmp_path):
    cvc_clinicdb.draw(tmp_path)
    for path in tmp_path.rglob("*.tif"):
        path.rename(path.with_suffix(".TIF"))
    folder = clinicdb_adapter.find(tmp_path)
    frames = [frame for video in clinicdb_adapter.videos(folder) for frame in video.frames()]
    assert [frame.index for frame in frames] == [1, 2, 3, 26, 99, 100]
    with Image.open(frames[0].image) as image:
        assert image.size == (64, 48)
