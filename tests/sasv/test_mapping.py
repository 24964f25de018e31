import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from sam2s.cli.sasv import app
from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.sasv.adapters import art_net, hyst_yt, surgai38k
from sam2s.sasv.assemble import assemble
from sam2s.sasv.completeness import shortfalls
from sam2s.sasv.fixtures import art_net as art_net_fixture
from sam2s.sasv.fixtures import hyst_yt as hyst_yt_fixture
from sam2s.sasv.fixtures import surgai38k as surgai_fixture
from sam2s.sasv.fixtures.drawing import SIZE, disc, picture, save
from sam2s.sasv.mapping import published_parts
from sam2s.sasv.path_template import PathTemplate


@pytest.fixture
def surgai(tmp_path):
    surgai_fixture.draw(tmp_path)
    return tmp_path


def rewrite(root, old, new, name="surgai3.8k.yaml"):
    path = root / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def build(video, source, tmp_path):
    (tmp_path / "out").mkdir()
    return assemble(video, source, {}, tmp_path / "out", hard_link=False)[0]


def test_without_a_mapping_file_nothing_is_found(tmp_path):
    for adapter in (surgai38k, art_net, hyst_yt):
        assert adapter.find(tmp_path) is None
        assert f"{adapter.INFO.name}.yaml" in adapter.INFO.layout


def test_videos_in_natural_order_with_their_split(surgai):
    videos = list(surgai38k.videos(surgai38k.find(surgai)))
    assert [(v.name, v.length, v.subset, v.split) for v in videos] == [
        ("case1", 2, "SurgAI3.8k", "test"),
        ("case2", 2, "SurgAI3.8k", "test"),
        ("case10", 2, None, "train"),
    ]
    assert [f.index for f in videos[0].frames()] == [9, 10]


def test_whole_is_one_object(surgai, tmp_path):
    labels = build(next(surgai38k.videos(surgai38k.find(surgai))), "surgai3.8k", tmp_path)
    (uterus,) = labels.objects.values()
    assert uterus.category == "uterus"
    assert rle.area(uterus.masks[0]) == (disc(20, 20, 9) | disc(45, 30, 6)).sum()


def test_single_pictures_with_codes_and_a_missing_mask(tmp_path):
    art_net_fixture.draw(tmp_path)
    videos = {v.name: v for v in art_net.videos(art_net.find(tmp_path))}
    assert set(videos) == {"train-001", "train-002", "val-001"}
    assert all(v.images and v.subset == "ART-Net" and v.split == "train" for v in videos.values())
    (mask,) = next(videos["val-001"].frames()).labels.masks
    assert (mask.mask == disc(20, 20, 9)).all()  # the mask is dark on white
    assert next(videos["train-002"].frames()).labels is None


def test_ids_that_last_keep_three_states_apart(tmp_path):
    hyst_yt_fixture.draw(tmp_path)
    (video,) = hyst_yt.videos(hyst_yt.find(tmp_path))
    labels = build(video, "hyst-yt", tmp_path)
    assert labels.size == (44, 56)
    assert video.fps == 1
    states = {o.track: [m and bool(rle.area(m)) for m in o.masks] for o in labels.objects.values()}
    assert states == {"1": [True, None, True], "2": [True, None, False]}
    assert labels.link_stats["doubtful"] == 0


def test_one_file_per_object_and_colours(tmp_path):
    for number in (1, 2):
        save(tmp_path / f"v/{number}.jpg", picture(number))
        for name in ("a", "b"):
            save(tmp_path / f"masks/{name}/v_{number}.png", disc(20 if name == "a" else 45, 20, 9))
    text = "images: '{video}/{frame}.jpg'\nmissing: absent\nfps: 30000/1001\n"
    objects = "masks: {instrument: 'masks/{object}/{video}_{frame}.png'}\nencoding: binary\nthreshold: 0\n"
    (tmp_path / "hyst-yt.yaml").write_text(f"{text}{objects}objects: lasting\n")
    (video,) = hyst_yt.videos(hyst_yt.find(tmp_path))
    assert [[m.track for m in f.labels.masks] for f in video.frames()] == [["a", "b"], ["a", "b"]]
    assert str(video.fps) == "30000/1001"

    colours = np.zeros((*SIZE, 3), np.uint8)
    colours[disc(20, 20, 9)] = (255, 0, 0)
    colours[0, :3] = (1, 2, 3)
    save(tmp_path / "colours/v_1.png", colours)
    (tmp_path / "hyst-yt.yaml").write_text(
        f"{text}masks: 'colours/{{video}}_{{frame}}.png'\nencoding: colours\nlabels: {{instrument: [255, 0, 0]}}\n"
        "objects: components\n"
    )
    (video,) = hyst_yt.videos(hyst_yt.find(tmp_path))
    first, second = (f.labels for f in video.frames())
    assert [m.mask.sum() for m in first.masks] == [disc(20, 20, 9).sum()]
    assert first.unknown == 3
    assert (second.masks, second.scope) == ((), {"instrument"})  # missing: absent


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("threshold: 127\n", "", "binary needs threshold"),
        ("objects: whole\n", "", "objects is missing; choose from each, lasting, components, whole"),
        ("missing: error", "missing: ignore", "missing is 'ignore'; choose from error, absent, unknown"),
        ("missing: error", "missing: error\nmask: x", "mask is not known; known are"),
        ("objects: whole", "objects: lasting", "each and lasting need ids or {object}"),
        ("encoding: binary", "encoding: codes", "codes and colours need masks: path"),
        ("{video}/frame_{frame}.jpg", "case1/frame_{frame}.jpg", r"images should hold {video}"),
        ("uterus_{frame}", "uterus_{number}", r"masks hold {number}, which images do not"),
        ("{uterus:", "{womb:", "label 'womb' of surgai3.8k is not in the ontology; known: uterus"),
        ("frame_{frame}.jpg", "frame_{frame}.tif", "no file below .* fits images"),
        ("uterus_{frame}", "womb_{frame}", "no file below .* fits masks"),
        (", train: [case10]", "", "'case10' is not listed"),
        ("[case10]", "[case10, case11]", "'case11' is listed"),
        ("[case10]", "[case10, case1]", "lists a video twice"),
        ("train: [", "training: [", "split 'training' is none of train, val, test"),
        ("threshold: 127", "threshold: high", "a value has the wrong form"),
        ("folder: surgai", "folder: surgai\npatient: '{ward}'", r"patient holds {ward}, which images do not"),
        ("folder: surgai", "folder: [", r"cannot read .*surgai3\.8k\.yaml: while parsing"),
    ],
)
def test_what_a_file_leaves_open_or_gets_wrong_is_said(surgai, old, new, message):
    rewrite(surgai, old, new)
    with pytest.raises(DatasetError, match=message):
        list(surgai38k.videos(surgai38k.find(surgai)))


def test_a_missing_mask_is_an_error_unless_the_file_says_what_it_means(surgai):
    (surgai / "surgai/case1/uterus_9.png").unlink()
    with pytest.raises(DatasetError, match=r"frame_9\.jpg has no mask case1/uterus_9\.png; say what that means"):
        list(next(surgai38k.videos(surgai38k.find(surgai))).frames())


def test_masks_without_a_picture_are_told_and_a_copy_with_them_is_partial(surgai):
    (surgai / "surgai/case1/frame_9.jpg").unlink()
    shutil.rmtree(surgai / "surgai/case10")
    (surgai / "surgai/case10").mkdir()
    save(surgai / "surgai/case10/uterus_3.png", disc(20, 20, 9))
    file = surgai38k.find(surgai)
    videos = {video.name: video for video in surgai38k.videos(file)}
    assert (videos["case1"].length, videos["case1"].missing) == (1, (9,))
    assert videos["case2"].missing == ()
    assert videos["case10"].problem == (
        "1 masks are there without a picture that fits images: '{video}/frame_{frame}.jpg'"
    )
    (shortfall,) = shortfalls(published_parts(file, surgai38k.INFO), list(videos.values()), surgai38k.INFO.subsets)
    assert str(shortfall) == "1 frames are missing between others (case1 lacks 9)"


@pytest.mark.parametrize("change", ["nothing", "picture", "mask", "both", "folder", "packed"])
def test_a_sweep_of_deleted_files_leaves_no_silent_loss(surgai, change):
    """What a copy of SurgAI3.8k can lack; a picture that is gone with its mask is known by `expected` alone."""
    case = surgai / "surgai/case2"
    if change in ("picture", "both"):
        (case / "frame_10.jpg").unlink()
    if change in ("mask", "both"):
        (case / "uterus_10.png").unlink()
    if change == "folder":
        shutil.rmtree(case)
    if change == "packed":
        shutil.make_archive(str(surgai / "surgai3.8k_v1p0"), "zip", surgai / "surgai")
        shutil.rmtree(surgai / "surgai")
    out = surgai / "out"
    command = ["build", "--root", str(surgai), "--out", str(out), "--source", "surgai3.8k"]
    done = CliRunner().invoke(app, command)
    said = done.output if done.exception is None else f"{done.output} {done.exception}"
    if change in ("nothing", "both"):
        assert done.exit_code == 0, said
        rewrite(surgai, "threshold: 127", "threshold: 127\nexpected: {videos: 3, frames: 6}")
        again = CliRunner().invoke(app, [*command[:4], str(surgai / "again"), *command[5:]])
        assert (again.exit_code == 0) == (change == "nothing")
        assert change == "nothing" or "5 of 6 frames" in f"{again.output} {again.exception}"
        return
    assert done.exit_code == 1, said
    expected = {
        "picture": "case2 lacks 10",
        "mask": "has no mask case2/uterus_10.png",
        "folder": "split should list every video once; 'case2' is listed",
        "packed": "fits images",
    }
    assert expected[change] in said


def test_two_files_of_one_frame_number_are_refused(surgai):
    save(surgai / "surgai/case1/frame_09.jpg", picture(0))
    with pytest.raises(DatasetError, match="would both be frame"):
        list(surgai38k.videos(surgai38k.find(surgai)))


def test_templates_take_everything_literally_but_fields(tmp_path):
    for name in ("a[1]/x_1.png", "a1/x_1.png", "a[1]/x_b.png", "a[1]/x_b_2.png"):
        save(tmp_path / name, disc(5, 5, 2))
    assert [v for _, v in PathTemplate("a[1]/{name}_{frame}.png").matches(tmp_path)] == [
        {"name": "x", "frame": "1"},
        {"name": "x_b", "frame": "2"},
    ]
