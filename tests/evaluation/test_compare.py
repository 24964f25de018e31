"""`sam2s score` on every form of masks, and on what people get wrong."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from davis_reference import slow_boundary_f, slow_jaccard
from sam2s.cli import app
from sam2s.errors import DatasetError
from sam2s.evaluation.compare import compare
from sam2s.evaluation.rules import CountedSpan, Layout, Missing, Rules
from sam2s.masks import rle
from sam2s.masks.palette import write_label_map

SIZE, FRAMES = (24, 30), 5
KEEP_GOING = Rules(missing=Missing.EMPTY)


def scene(video, error):
    """Label maps of two moving rectangles; object 3 comes on frame 2."""
    maps = []
    for frame in range(FRAMES):
        labels = np.zeros(SIZE, np.uint8)
        left = 2 + frame + video + error * (frame // 2)
        labels[3:11, left : left + 9] = 1
        if frame >= 2:
            labels[13:22, left : left + 7] = 3
        maps.append(labels)
    return maps


def write_labels(root, error, videos=("a/one", "a/two", "b/three")):
    for number, name in enumerate(videos):
        for frame, labels in enumerate(scene(number, error)):
            write_label_map(root / name / f"{frame:05}.png", labels)
    return root


def write_sav(root, error, videos=("one", "two", "three")):
    for number, name in enumerate(videos):
        for frame, labels in enumerate(scene(number, error)):
            for object_id in (0, 1, 3):
                file = root / name / f"{object_id:03}" / f"{frame:05}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(((labels == object_id) & (object_id > 0)).astype(np.uint8) * 255).save(file)
    return root


def write_ytvis(path, error, videos=("a/one", "a/two", "b/three"), *, bare=False):
    annotations = [
        {
            "id": 10 * number + object_id,
            "track_id": object_id,
            "video_id": number,
            "segmentations": [
                rle.encode(labels == object_id) if (labels == object_id).any() else None
                for labels in scene(number, error)
            ],
        }
        for number in range(len(videos))
        for object_id in (1, 3)
    ]
    names = [[f"{name}/{frame:05}.jpg" for frame in range(FRAMES)] for name in videos]
    listed = [
        {"id": n, "length": FRAMES, "file_names": names[n], "height": 24, "width": 30} for n in range(len(videos))
    ]
    path.write_text(json.dumps(annotations if bare else {"videos": listed, "annotations": annotations}))
    return path


def write_coco(path, error, videos=("a/one", "a/two", "b/three")):
    images, annotations = [], []
    for number, name in enumerate(videos):
        for frame, labels in enumerate(scene(number, error)):
            images.append({"id": len(images), "file_name": f"{name}/{frame:05}.jpg", "height": 24, "width": 30})
            for object_id in np.unique(labels[labels > 0]).tolist():
                mask = rle.encode_uncompressed(labels == object_id)
                annotations.append({"image_id": images[-1]["id"], "track_id": object_id, "segmentation": mask})
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


def expected(number, object_id, first):
    pairs = [
        (pred == object_id, gt == object_id)
        for pred, gt in zip(scene(number, 1)[first + 1 : -1], scene(number, 0)[first + 1 : -1], strict=True)
    ]
    return np.mean([slow_jaccard(*pair) for pair in pairs]), np.mean([slow_boundary_f(*pair) for pair in pairs])


def check(comparison, names=("a/one", "a/two", "b/three")):
    scores = {(score.video, score.object_id): score for score in comparison.scores}
    assert list(scores) == [(name, object_id) for name in sorted(names) for object_id in (1, 3)]
    for number, name in enumerate(names):
        for object_id, first in ((1, 0), (3, 2)):
            score = scores[name, object_id]
            assert (score.mean_j, score.mean_f) == pytest.approx(expected(number, object_id, first), abs=1e-9)


FORMS = {
    "labels": lambda folder, error: write_labels(folder / f"labels{error}", error),
    "ytvis": lambda folder, error: write_ytvis(folder / f"ytvis{error}.json", error),
    "coco": lambda folder, error: write_coco(folder / f"coco{error}.json", error),
}


@pytest.mark.parametrize("pred", FORMS)
@pytest.mark.parametrize("gt", FORMS)
def test_every_form_against_every_other(tmp_path, pred, gt):
    check(compare(FORMS[pred](tmp_path, 1), FORMS[gt](tmp_path, 0), workers=1))


def test_sav_layout(tmp_path):
    comparison = compare(write_sav(tmp_path / "pred", 1), write_sav(tmp_path / "gt", 0), workers=1)
    check(comparison, names=("one", "two", "three"))  # object 0 is never there


def test_sav_objects_are_annotated_on_frames_of_their_own(tmp_path):
    gt = write_sav(tmp_path / "gt", 0, videos=("one",))
    for frame in (0, 1):
        (gt / "one" / "003" / f"{frame:05}.png").unlink()
    (_, late) = compare(
        write_sav(tmp_path / "pred", 1, videos=("one",)), gt, rules=Rules(CountedSpan.VIDEO), workers=1
    ).scores
    assert late.frames == ("3",)  # of 2, 3, 4


def test_many_processes_give_the_same(tmp_path):
    pred, gt = write_labels(tmp_path / "pred", 1), write_labels(tmp_path / "gt", 0)
    assert compare(pred, gt, workers=2).scores == compare(pred, gt, workers=1).scores


def test_folders_of_sequences_and_differing_roots(tmp_path):
    pred = write_labels(tmp_path / "pred", 1, videos=("one", "two"))
    gt = write_labels(tmp_path / "gt", 0, videos=("Annotations/480p/one", "Annotations/480p/two"))
    assert [score.video for score in compare(pred, gt, workers=1).scores] == ["one", "one", "two", "two"]
    clips = write_labels(tmp_path / "clips", 0, videos=("set/one/masks", "set/one/frames"))
    (first, _) = compare(tmp_path / "pred" / "one", clips, workers=1).scores
    assert (first.video, first.subset) == ("set/one", "set")


def test_bare_results_take_their_frames_from_the_truth(tmp_path):
    pred, gt = write_ytvis(tmp_path / "pred.json", 1, bare=True), write_ytvis(tmp_path / "gt.json", 0)
    check(compare(pred, gt, workers=1))
    with pytest.raises(DatasetError, match="bare list of results"):
        compare(pred, write_labels(tmp_path / "gt", 0), workers=1)


def test_sparse_truth_counts_only_its_frames(tmp_path):
    pred, gt = write_labels(tmp_path / "pred", 1), write_labels(tmp_path / "gt", 0)
    for name in ("a/one", "a/two", "b/three"):
        (gt / name / "00001.png").unlink()
    assert compare(pred, gt, workers=1).scores[0].frames == ("2", "3")


def test_missing_masks_stop_or_count_as_empty(tmp_path):
    pred, gt = write_labels(tmp_path / "pred", 0), write_labels(tmp_path / "gt", 0)
    (pred / "a" / "one" / "00002.png").unlink()
    with pytest.raises(DatasetError, match=r"lacks masks of .*, by video: a/one \(1\); to count .*: --missing empty"):
        compare(pred, gt, workers=1)
    comparison = compare(pred, gt, rules=KEEP_GOING, workers=1)
    assert comparison.scores[0].j.tolist() == [1, 0, 1]
    assert comparison.missing_masks == {"a/one": 1}


def test_missing_and_extra_videos(tmp_path):
    pred, gt = write_labels(tmp_path / "pred", 0), write_labels(tmp_path / "gt", 0)
    shutil.move(pred / "b" / "three", pred / "b" / "four")
    with pytest.raises(DatasetError, match="lacks videos b/three;"):
        compare(pred, gt, workers=1)
    comparison = compare(pred, gt, rules=KEEP_GOING, workers=1)
    assert (comparison.missing_videos, comparison.missing_masks, comparison.extra_videos) == (
        ["b/three"],
        {},
        ["b/four"],
    )
    assert [score.mean_jf for score in comparison.scores] == [1, 1, 1, 1, 0, 0]
    assert compare(pred, gt, videos=("a/*",), workers=1).scores == comparison.scores[:4]
    with pytest.raises(DatasetError, match=r"no video of .* is called c; there are a/one"):
        compare(pred, gt, videos=("c",), workers=1)


def test_extra_objects_are_named_and_not_counted(tmp_path):
    pred, gt = write_labels(tmp_path / "pred", 0), write_labels(tmp_path / "gt", 0)
    labels = scene(0, 0)[1]
    labels[0, 0] = 9
    write_label_map(pred / "a" / "one" / "00001.png", labels)
    comparison = compare(pred, gt, workers=1)
    assert comparison.extra_objects == {"a/one": [9]}
    assert {score.mean_jf for score in comparison.scores} == {1}


@pytest.mark.parametrize("workers", [1, 2])
def test_sizes_must_agree(tmp_path, workers):
    pred, gt = write_labels(tmp_path / "pred", 0), write_labels(tmp_path / "gt", 0)
    write_label_map(pred / "a" / "two" / "00003.png", np.zeros((12, 15), np.uint8))
    with pytest.raises(DatasetError, match="a/two, frame 3: prediction is 15x12, truth 30x24; write the masks"):
        compare(pred, gt, workers=workers)


def test_label_maps_are_not_taken_for_masks_of_one_object(tmp_path):
    pred, gt = write_labels(tmp_path / "pred", 0, videos=("v/000", "v/001")), write_labels(tmp_path / "gt", 0)
    with pytest.raises(DatasetError, match="several ids, but was read as the mask of one object; --layout labels"):
        compare(pred, pred, workers=1)
    assert len(compare(pred, pred, layout=Layout.LABELS, workers=1).scores) == 4
    with pytest.raises(DatasetError, match="cannot be the folder of one object"):
        compare(gt, gt, layout=Layout.OBJECTS, workers=1)


def test_polygons_are_filled_as_coco_does(tmp_path):
    pred, gt = write_ytvis(tmp_path / "pred.json", 1), write_coco(tmp_path / "gt.json", 0)
    contents = [json.loads(path.read_text()) for path in (pred, gt)]
    box = [[4.0, 3.0, 20.0, 3.0, 20.0, 11.0, 4.0, 11.0]]
    for entry in contents[0]["annotations"]:
        entry["segmentations"] = [box for _ in entry["segmentations"]]
    mask = np.zeros((24, 30), bool)
    mask[3:11, 4:20] = True
    for entry in contents[1]["annotations"]:
        entry["segmentation"] = rle.encode_uncompressed(mask)
    for path, content in zip((pred, gt), contents, strict=True):
        path.write_text(json.dumps(content))
    scores = compare(pred, gt, workers=1).scores
    assert len(scores) == 6
    assert all(cell.j == cell.f == 1 for score in scores for cell in score.frame_scores)


def test_sav_masklets(tmp_path):
    """SA-V's JSON lists every fourth frame; its folders name those frames 00000, 00004, ..."""
    for error in (0, 1):
        masks = [
            [rle.encode(labels == object_id) if t else None for object_id in (1, 3)]
            for t, labels in enumerate(scene(0, error))
        ]
        content = {"video_id": "sav_000001", "video_height": 24.0, "video_width": 30.0, "masklet_id": [0, 1]}
        (tmp_path / str(error)).mkdir()
        path = tmp_path / str(error) / "sav_000001_manual.json"
        path.write_text(json.dumps(content | {"masklet": masks}))
        for t, labels in enumerate(scene(0, error)):
            for number, object_id in enumerate((1, 3)):
                folder = tmp_path / f"png{error}" / "sav_000001" / f"{number:03}"
                folder.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.uint8(labels == object_id) * np.uint8(t > 0)).save(folder / f"{4 * t:05}.png")
    whole = compare(tmp_path / "1", tmp_path / "0", workers=1).scores
    assert [(score.video, score.object_id) for score in whole] == [("sav_000001", 0), ("sav_000001", 1)]
    assert whole == compare(tmp_path / "png1", tmp_path / "0/sav_000001_manual.json", workers=1).scores
    assert whole[0].mean_j < 1


def broken_json(change):
    def write(folder):
        content = json.loads(write_ytvis(folder / "broken.json", 0).read_text())
        change(content)
        (folder / "broken.json").write_text(json.dumps(content))
        return folder / "broken.json"

    return write


def empty(folder):
    (folder / "v").mkdir()
    write_label_map(folder / "v/0.png", np.zeros((8, 8), np.uint8))
    return folder / "v"


def colours(folder):
    (folder / "rgb").mkdir()
    picture = np.zeros((24, 30, 3), np.uint8)
    picture[2:10, 3:12], picture[12:20, 3:12] = (200, 20, 20), (20, 30, 200)
    Image.fromarray(picture).save(folder / "rgb/0.png")
    return folder / "rgb"


FAULTS = {
    "not there": (lambda folder: folder / "nowhere", "nowhere does not exist"),
    "no masks": (lambda folder: folder, "no masks in"),
    "not json": (lambda folder: write_text(folder / "x.json", "{"), "cannot read .*x.json"),
    "other json": (lambda folder: write_text(folder / "x.json", "{}"), "no list 'annotations'"),
    "no videos": (broken_json(lambda content: content.pop("videos")), "neither 'videos'"),
    "no object": (empty, "shows no object on any frame, so there is nothing to score"),
    "colours": (colours, "rgb/0.png .*colours"),
    "polygon": (
        broken_json(lambda c: c["annotations"][0]["segmentations"].__setitem__(0, [[1, 2, 3]])),
        "frame 0, object 1: a polygon has 3 numbers",
    ),
    "polygon without size": (
        broken_json(lambda c: (c["videos"][0].pop("width"), c["annotations"][0].update(segmentations=[[]] * 5))),
        "needs 'height' and 'width'",
    ),
    "no masklet ids": (lambda folder: write_text(folder / "x.json", '{"masklet": []}'), "it has no 'video_id'"),
    "wrong length": (broken_json(lambda c: c["annotations"][0]["segmentations"].pop()), "has 4 segmentations"),
    "other video": (broken_json(lambda c: c["annotations"][0].update(video_id=7)), "video 7, which is not in 'videos'"),
    "no video id": (broken_json(lambda c: c["annotations"][0].pop("video_id")), "'annotations' 0 is incomplete"),
    "twice": (broken_json(lambda c: c["annotations"][1].update(track_id=1)), "comes twice on one frame"),
    "damaged": (
        broken_json(lambda c: c["annotations"][0]["segmentations"][0].update(counts=[3])),
        "object 1: damaged RLE",
    ),
}


def write_text(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named(tmp_path, fault):
    make, message = FAULTS[fault]
    path = make(tmp_path)
    with pytest.raises(DatasetError, match=message):
        compare(path, path, workers=1)


def run(*arguments):
    return CliRunner().invoke(app, ["score", *map(str, arguments), "--workers", "1"])


def test_command_prints_table_and_json(tmp_path):
    pred, gt = write_labels(tmp_path / "pred", 1), write_labels(tmp_path / "gt", 0)
    table = run(pred, gt, "--by", "subset")
    assert table.exit_code == 0
    assert "average of subsets" in table.stdout
    assert "without its first and last annotated frames" in table.stdout
    report = json.loads(run(pred, gt, "--json", "--per-frame").stdout)
    want = [expected(number, object_id, first) for number in range(3) for object_id, first in ((1, 0), (3, 2))]
    assert (report["all"]["j"], report["all"]["f"]) == pytest.approx(tuple(100 * np.mean(want, axis=0)))
    assert set(report["subsets"]) == {"a", "b"}
    assert report["objects"][0]["frame"] == ["1", "2", "3"]
    rules = {"span": "object", "skip_first_last": True, "missing": "error", "tolerance": 0.008, "void": "auto"}
    assert report["rules"] == rules
    assert json.loads(run(pred, gt, "--json", "--all-frames").stdout)["objects"][0]["frames"] == FRAMES


def test_command_calibrates_predicted_iou(tmp_path):
    pred, gt = write_labels(tmp_path / "pred", 0, videos=("one",)), write_labels(tmp_path / "gt", 0, videos=("one",))
    table = write_text(tmp_path / "masks.csv", "frame,object_id,iou\n1,1,0.9\n00002,1,0.7\n")
    assert json.loads(run(pred, gt, "--json", "--confidence", table).stdout)["calibration_error"] == pytest.approx(20)
    failed = run(pred, gt, "--confidence", write_text(table, "frame,object_id\n1,1\n"))
    assert isinstance(failed.exception, DatasetError)
    assert "has no column 'iou'" in str(failed.exception)
