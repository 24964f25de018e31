"""Text files with any one value replaced by another kind: a result or our own error, never a traceback.

Every value of a good file is replaced in turn by each odd one, and every key is left out in turn.
"""

import copy
import json

import pytest
import yaml

from sam2s.errors import DatasetError, Sam2sError
from sam2s.masks import rle
from sam2s.sasv import mapping
from sam2s.sasv.adapters import cholecinstanceseg, endoscapes, endovis18, grasp, surgai38k
from sam2s.sasv.build import patch_video
from sam2s.sasv.fixtures import cholecinstanceseg as cis_fixture
from sam2s.sasv.fixtures import cvc_clinicdb
from sam2s.sasv.fixtures import endoscapes as endoscapes_fixture
from sam2s.sasv.fixtures import endovis18 as endovis18_fixture
from sam2s.sasv.fixtures import grasp as grasp_fixture
from sam2s.sasv.fixtures import surgai38k as surgai_fixture
from sam2s.sasv.fixtures.drawing import disc
from sam2s.sasv.manifest import write_manifest
from sam2s.sasv.masklets import MaskletDataset, read_manifest, read_video
from sam2s.sasv.ontology import parse_ontology
from sam2s.sasv.patch import VideoPatch, read_patches
from sam2s.sasv.path_template import PathTemplate
from sam2s.sasv.plan import BuildOptions, plan_build
from sam2s.sasv.splits import make_split, read_split, write_split
from sam2s.sasv.text_files import inner_path, read_json, read_yaml, whole_number
from sam2s.sasv.traces import unchanged
from sasv.building import build

ODD = [None, True, -1, 2.5, 10**40, "", "x", "../../etc", "1/0", [], [1], {}, {"a": 1}, "9" * 5000]


def places(value, path=()):
    """Paths to every value inside nested lists (their first two items) and objects (their first eight)."""
    yield path
    if isinstance(value, dict):
        for key in list(value)[:25]:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for i in range(min(len(value), 2)):
            yield from places(value[i], (*path, i))


def variants(document):
    """The document with one value replaced, or one key left out."""
    for path in places(document):
        for odd in ODD:
            changed = copy.deepcopy(document)
            if not path:
                yield path, odd
                continue
            *outer, last = path
            holder = changed
            for key in outer:
                holder = holder[key]
            holder[last] = odd
            yield path, changed
        if path and isinstance(path[-1], str):
            changed = copy.deepcopy(document)
            holder = changed
            for key in path[:-1]:
                holder = holder[key]
            del holder[path[-1]]
            yield path, changed


def survives(document, write, use):
    """Use every variant; count those that were refused with our own error."""
    refused = 0
    for path, changed in variants(document):
        write(changed)
        try:
            use()
        except Sam2sError:
            refused += 1
        except Exception as error:
            pytest.fail(f"{path}: {type(error).__name__}: {error}")
    return refused


@pytest.fixture
def built(tmp_path):
    cvc_clinicdb.draw(tmp_path / "root")
    build(tmp_path / "root", tmp_path / "set")
    return tmp_path / "set"


@pytest.mark.slow
def test_video_records(built):
    folder = built / "videos/cvc-clinicdb/02"
    path = folder / "video.json"

    def use():
        video = read_video(folder)
        for t in range(len(video)):
            video.masks(t)
            video.image(t)

    refused = survives(json.loads(path.read_text()), lambda data: path.write_text(json.dumps(data)), use)
    assert refused > 300


@pytest.mark.slow
def test_manifests(built):
    path = built / "manifest.json"
    data = json.loads(path.read_text())

    def use():
        read_manifest(built)
        list(MaskletDataset(built, split="train"))
        make_split(read_manifest(built)["videos"])

    assert survives(data, lambda changed: path.write_text(json.dumps(changed)), use) > 200


def test_a_record_does_not_lead_out_of_its_folder(built):
    folder = built / "videos/cvc-clinicdb/02"
    record = json.loads((folder / "video.json").read_text())
    record["frames"][0]["file"] = "../01/frames/00000.png"
    (folder / "video.json").write_text(json.dumps(record))
    with pytest.raises(DatasetError, match=r"file is '\.\./01/frames/00000\.png'; it should be a path"):
        read_video(folder)


def test_a_record_with_areas_of_other_frames_is_refused(built):
    folder = built / "videos/cvc-clinicdb/02"
    record = json.loads((folder / "video.json").read_text())
    record["objects"][0]["area"].append(5)
    (folder / "video.json").write_text(json.dumps(record))
    with pytest.raises(DatasetError, match="object 1 has an area for 2 frames, the video has 1; build the video again"):
        read_video(folder)


def test_split_files(built, tmp_path):
    path = tmp_path / "s.json"
    write_split(path, "s", 1, make_split(read_manifest(built)["videos"]))
    data = json.loads(path.read_text())

    def use():
        read_split(path)
        MaskletDataset(built, split_file=path)

    assert survives(data, lambda changed: path.write_text(json.dumps(changed)), use) > 40


@pytest.mark.slow
def test_patch_files_and_edits(built, tmp_path):
    encoded = rle.encode(disc(30, 20, 6))
    edits = [
        {"do": "mask", "id": 50, "frame": 0, "category": "polyp", "rle": dict(encoded)},
        {"do": "merge", "ids": [1, 2]},
        {"do": "drop", "id": 1, "frames": [0]},
        {"do": "split", "id": 1, "frame": 0, "new": 7},
        {"do": "rename", "id": 1, "category": "hook"},
        {"do": "swap", "ids": [1, 2], "frame": 0},
        {"do": "relabel", "id": 1, "new": 9},
    ]
    path = tmp_path / "fix.json"
    name = "cvc-clinicdb/02"
    for edit in edits:
        document = {"format": "sasv-patch", "version": 1, "videos": {name: {"base": None, "edits": [edit]}}}

        def use():
            for patched, patch in read_patches([path]).videos.items():
                if patched == name:
                    patch_video(MaskletDataset(built)[name], patch)
                    build(tmp_path / "root", built, fresh=True)

        before = (built / "videos" / name / "SHA256SUMS").read_bytes()
        tried = 0
        for place, changed in variants(document):
            path.write_text(json.dumps(changed))
            try:
                patches = read_patches([path]).videos
                if name in patches:
                    tried += 1
                    from sam2s.sasv.patch import apply
                    from sam2s.sasv.video_labels import read_labels

                    apply(read_labels(MaskletDataset(built)[name]), patches[name])
            except Sam2sError:
                pass
            except Exception as error:
                pytest.fail(f"{edit['do']} {place}: {type(error).__name__}: {error}")
        assert tried > 10
        assert (built / "videos" / name / "SHA256SUMS").read_bytes() == before


def test_merging_an_object_with_itself_is_refused(built):
    with pytest.raises(DatasetError, match=r"ids are \[1, 1\]; name each object once"):
        patch_video(MaskletDataset(built)["cvc-clinicdb/02"], VideoPatch([{"do": "merge", "ids": [1, 1]}]))


def test_a_frame_number_that_is_no_whole_number_is_refused(built):
    with pytest.raises(DatasetError, match=r"frame is 0\.7; it should be a whole number"):
        patch_video(MaskletDataset(built)["cvc-clinicdb/02"], VideoPatch([{"do": "swap", "ids": [1, 2], "frame": 0.7}]))


def test_mapping_files(tmp_path):
    surgai_fixture.draw(tmp_path)
    path = tmp_path / "surgai3.8k.yaml"
    good = yaml.safe_load(path.read_text())
    good |= {"crop": [0, 0, 32, 32], "fps": 2, "patient": "{video}", "expected": {"videos": 3, "frames": 6}}

    def use():
        mapping.published_parts(path, surgai38k.INFO)
        for video in surgai38k.videos(path):
            list(video.frames())

    assert survives(good, lambda data: path.write_text(yaml.safe_dump(data)), use) > 150


def test_mapping_files_with_codes_and_colours(tmp_path):
    surgai_fixture.draw(tmp_path)
    path = tmp_path / "surgai3.8k.yaml"
    good = yaml.safe_load(path.read_text())
    del good["threshold"]
    for encoding, labels in (("codes", {1: "uterus", 2: None}), ("colours", {"uterus": [255, 0, 0]})):
        document = good | {"encoding": encoding, "labels": labels, "masks": "{video}/uterus_{frame}.png"}

        def use():
            for video in surgai38k.videos(path):
                list(video.frames())

        assert survives(document, lambda data: path.write_text(yaml.safe_dump(data)), use) > 100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it should be a path inside the folder"),
        ("/data/{frame}.png", "it should be a path inside the folder"),
        ("../{frame}.png", "it should be a path inside the folder"),
        ("C:/{frame}.png", "it should be a path inside the folder"),
        ("{1}/{frame}.png", "has braces that hold no name"),
        ("{video/{frame}.png", "has braces that hold no name"),
        ("{}.png", "has braces that hold no name"),
    ],
)
def test_paths_that_are_none(text, message):
    with pytest.raises(ValueError, match=message):
        PathTemplate(text).check()


def test_paths_with_fields_are_good():
    PathTemplate("{video}/a b/{part_2}-{frame}.png").check()


def check_source(adapter, root, path):
    document = json.loads(path.read_text())
    name = adapter.INFO.name

    def use():
        plan = plan_build(root, root / "set", sources=[name], options=BuildOptions(everything=True, partial=True))
        reason = plan.without.get(name, "")
        assert "cannot be listed" not in reason, reason
        for item in plan.builds:
            if not item.video.problem:
                list(item.video.frames())

    return survives(document, lambda data: path.write_text(json.dumps(data)), use)


@pytest.mark.slow
def test_records_of_cholecinstanceseg(tmp_path):
    cis_fixture.draw(tmp_path)
    assert check_source(cholecinstanceseg, tmp_path, next(tmp_path.rglob("t50_VID14_000000.json"))) > 50


@pytest.mark.slow
def test_records_of_endoscapes(tmp_path):
    endoscapes_fixture.draw(tmp_path)
    path = next(tmp_path.rglob("train_seg/annotation_coco.json"))

    def use():
        for video in endoscapes.videos(endoscapes.find(tmp_path)):
            if not video.problem:
                list(video.frames())

    assert survives(json.loads(path.read_text()), lambda data: path.write_text(json.dumps(data)), use) > 100


@pytest.mark.slow
def test_records_of_grasp(tmp_path):
    grasp_fixture.draw(tmp_path)
    for name in ("train", "fold1"):
        path = next(tmp_path.rglob(f"grasp_short-term_{name}.json"))
        if name == "fold1":
            path.unlink()
            continue
        good = path.read_text()
        assert check_source(grasp, tmp_path, path) > 50
        path.write_text(good)


def test_colour_tables_of_endovis18(tmp_path):
    endovis18_fixture.draw(tmp_path)
    path = next(tmp_path.rglob("miccai_challenge_release_2/labels.json"))
    document = json.loads(path.read_text())
    refused = 0
    for place, changed in variants(document):
        path.write_text(json.dumps(changed))
        for video in endovis18.videos(endovis18.find(tmp_path)):
            refused += bool(video.problem)
        assert place is not None
    assert refused > 30


@pytest.mark.parametrize("text", ["", "[", "- 1", "a: [", "{", "null", "\x00", "[" * 5_000, "2021-99-99"])
def test_files_that_hold_no_object(tmp_path, text):
    path = tmp_path / "file"
    path.write_text(text)
    for read in (read_json, read_yaml):
        with pytest.raises(DatasetError, match=r"cannot read .*file: .*; mend it"):
            read(path, "mend it")
    with pytest.raises(DatasetError):
        parse_ontology(text)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DatasetError, match="No such file or directory; mend it"):
        read_json(tmp_path / "nowhere.json", "mend it")
    with pytest.raises(DatasetError, match="Is a directory; mend it"):
        read_json(tmp_path, "mend it")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(DatasetError, match="codec can't decode"):
        read_json(tmp_path / "binary.json", "mend it")


def test_a_byte_order_mark_is_passed_over(tmp_path):
    (tmp_path / "a.json").write_text('\ufeff{"a": 1}', "utf-8")
    assert read_json(tmp_path / "a.json", "") == {"a": 1}


@pytest.mark.parametrize("value", [True, -1, 1.0, "1", None])
def test_numbers_that_are_no_whole_numbers(value):
    with pytest.raises(ValueError, match=r"n is .*; it should be a whole number of at least 0"):
        whole_number(value, "n")


@pytest.mark.parametrize("value", ["a//b", "a/../b", "/a", "c:x", "a\0b", "", "..\\a"])
def test_paths_that_leave_their_folder(value):
    with pytest.raises(ValueError, match=r"file is .*; it should be a path inside the folder"):
        inner_path(value, "file")


def test_the_ontology_with_parts_missing():
    for text in ("version: 1", "instruments: 5", "instruments: {a: }\ntissues: {}\nextra: 3\nsources: {}\nversion: 1"):
        with pytest.raises(DatasetError, match=r"the ontology cannot be read: .*; restore sasv/ontology\.yaml"):
            parse_ontology(text)


@pytest.mark.parametrize("text", ["[]", "{}", '{"listed": "x", "read": []}', '{"listed": "x", "read": {"a": {}}}', "{"])
def test_a_damaged_trace_counts_as_changed(tmp_path, text):
    place = tmp_path / ".sources/a/b.json"
    assert unchanged(tmp_path, "a/b", tmp_path, "x")  # a set from elsewhere has none
    place.parent.mkdir(parents=True)
    place.write_text(text)
    assert not unchanged(tmp_path, "a/b", tmp_path, "x")


def test_a_damaged_manifest_is_written_anew(built):
    good = json.loads((built / "manifest.json").read_text())
    (built / "manifest.json").write_text("{")
    write_manifest(built)
    assert json.loads((built / "manifest.json").read_text())["videos"] == good["videos"]
