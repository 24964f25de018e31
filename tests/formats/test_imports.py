"""What is exported can be read back; what is damaged is refused by file and entry, and nothing of it is written."""

import json
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from result_tools import SIZE, wandering
from sam2s.errors import ConfigError, DatasetError
from sam2s.formats.dicom_seg import write_dicom_seg
from sam2s.formats.export import write_exports
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.imports import FORMS, form_of, import_masks
from sam2s.formats.outputs import KINDS, WITH_VIDEO
from sam2s.masks import rle
from sam2s.session.events import decode_prompt
from sam2s.tracking import Box
from sam2s.tracking.results import ObjectState
from sam2s.video.dicom import DicomReference
from sam2s.workspace import FrameRecord, Layer, ObjectInfo, ObjectRecord, VideoIdentity, Workspace
from workspace_tools import VIDEO, fill, masks_of

SMALL = (6, 7)
MASKS = st.dictionaries(
    st.tuples(st.integers(1, 3), st.integers(0, 4)), arrays(bool, SMALL).filter(np.any), min_size=1, max_size=6
)


def write_masks(workspace, masks, names):
    event = workspace.record("brush").event_id
    for number in sorted({object_id for object_id, _ in masks}):
        workspace.put_object(ObjectInfo(number, names[number]))
    for (object_id, frame), mask in masks.items():
        entry = ObjectRecord(object_id, rle.encode(mask), 0.5, 0.75, ObjectState.VISIBLE)
        workspace.write_frame(FrameRecord(frame, None, {object_id: entry}), event, layer=Layer.BRUSHED)


def write_form(workspace, form, folder):
    """Exports by form; a DICOM segmentation as if the video were a recording."""
    if form != "dicom-seg":
        return write_exports(workspace, None, [form], folder=folder)
    path = folder / KINDS[form]
    folder.mkdir(exist_ok=True)
    reference = DicomReference("1.2.840.10008.5.1.4.1.1.77.1.1.1", "1.2.3", "1.2.4", "1.2.5")
    write_dicom_seg(workspace.frames, ExportInfo.of(workspace), reference, path)
    return {form: path}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(masks=MASKS)
def test_round_trip(tmp_path_factory, form, masks):
    """All forms keep all masks, names and numbers; DAVIS keeps one object a pixel, YOLO no number."""
    folder = tmp_path_factory.mktemp("w")
    names = {1: "grasper", 2: "hæmostat, left", 3: "<clip> & 'co'"}
    if form == "davis":
        taken = {frame: np.zeros(SMALL, bool) for _, frame in masks}
        for key, mask in sorted(masks.items()):
            masks[key] = mask & ~taken[key[1]]
            taken[key[1]] |= mask
        masks = {key: mask for key, mask in masks.items() if mask.any()}
    video = VideoIdentity("clip 1", "f", SMALL, None, None, 5)
    with Workspace.create(folder / "a", video) as workspace:
        write_masks(workspace, masks, names)
        paths = write_form(workspace, form, folder)
    assert form_of(paths[form]) == form
    with Workspace.create(folder / "b", video) as workspace:
        report = import_masks(workspace, paths[form])
        assert (report.form, report.masks, report.boxes) == (form, len(masks), 0)
        found = {
            (object_id, record.index): entry.mask
            for record in workspace.frames()
            for object_id, entry in record.objects.items()
        }
        called = {info.object_id: info.name for info in workspace.objects()}
        assert all(entry.layer is Layer.IMPORTED for r in workspace.frames() for entry in r.objects.values())
    if form == "yolo":
        numbers = {name: number for number, name in called.items()}
        masks = {(numbers[names[number]], frame): mask for (number, frame), mask in masks.items()}
    else:
        assert called == {number: names[number] for number, _ in masks}
    assert found.keys() == masks.keys()
    assert all(np.array_equal(found[key], masks[key]) for key in masks)


@pytest.fixture
def empty(tmp_path):
    with Workspace.create(tmp_path / "into", VIDEO) as workspace:
        yield workspace


def test_all_kinds_of_a_run_with_gaps_are_read_by_an_independent_library(store):
    paths = write_exports(store, None, [kind for kind in KINDS if kind not in WITH_VIDEO])
    data = COCO(str(paths["coco"]))
    content = json.loads(paths["sav"].read_text())
    assert content["frames"] == [0, 1, 2, 4, 6]
    for row, frame in zip(content["masklet"], content["frames"], strict=True):
        for number, mask in zip(content["masklet_id"], row, strict=True):
            assert np.array_equal(coco_mask.decode(mask), wandering(frame, number))
    assert len(data.getAnnIds()) == 9
    assert content["masklet_frame_count"] == [5, 4]


def test_imported_masks_stand_beside_what_is_there_and_can_be_taken_back(store, empty):
    path = write_exports(store, None, ["coco"])["coco"]
    fill(empty, range(3))
    before = masks_of(empty)
    report = import_masks(empty, path, author="ana")
    assert report.objects == {"1": 1, "2": 2}, "objects of the same number and name are the same"
    assert empty.read_frame(6).objects[1].layer is Layer.IMPORTED
    assert empty.events(kinds=["import"])[0].author == "ana"
    empty.undo(report.event_id)
    assert {key: value for key, value in masks_of(empty).items() if key[1] < 3} == before
    empty.put_object(ObjectInfo(1, "something else"))
    assert import_masks(empty, path).objects == {"1": 3, "2": 2}


def coco(**changes):
    segmentation = rle.encode(wandering(0, 1))
    content = {
        "images": [{"id": "a", "file_name": "C:\\data\\frames\\img_0007.jpg"}, {"id": 2, "file_name": "img_0009.jpg"}],
        "categories": [{"id": "g", "name": "grasper"}],
        "annotations": [
            {"image_id": "a", "category_id": "g", "track_id": "left hand", "segmentation": segmentation},
            {"image_id": 2, "category_id": "g", "track_id": "left hand", "bbox": [3, 4, 10, 5]},
        ],
    }
    for key, value in changes.items():
        content["annotations"][0][key] = value
    return content


def test_text_ids_windows_paths_byte_order_marks_boxes_and_numbers_in_names(tmp_path, empty):
    path = tmp_path / "masks.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(coco()).encode())
    report = import_masks(empty, path, first_frame=5)
    assert (report.objects, report.masks, report.boxes, report.frames) == ({"left hand": 1}, 1, 1, 2)
    assert empty.objects()[0].name == "grasper"
    assert np.array_equal(empty.read_frame(2).objects[1].mask, wandering(0, 1))
    (prompt,) = empty.events(kinds=["prompt"])
    assert (prompt.frame, decode_prompt(prompt.payload["prompt"])) == (4, Box(3, 4, 13, 9))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100000, "is not JSON: it is nested too deeply"),
        ({"images": 3, "annotations": []}, "is not of the form coco: it should hold the lists images, annotations"),
        ({"images": [], "annotations": []}, "holds no mask, polygon or box"),
        (coco(image_id="none"), "annotation 0: its image 'none' is not among the images"),
        (coco(segmentation={"size": [4, 4], "counts": "04L4"}), r"annotation 0: the mask has size \[4, 4\], frames of"),
        (coco(segmentation={"size": list(SIZE), "counts": "PP`0?"}), "annotation 0: damaged RLE"),
        (coco(segmentation={"size": list(SIZE), "counts": [5, "x"]}), "annotation 0: a run is 'x', not a whole"),
        (coco(segmentation=[[1, 2, 3]]), "annotation 0: a polygon has 3 numbers; it needs"),
        (coco(segmentation=[[1, 2, 3, float("nan"), 5, 6]]), "annotation 0: the coordinate nan of a polygon lies off"),
        (coco(segmentation=[[1, 2, 1e9, 4, 5, 6]]), "annotation 0: the coordinate 1e[+]09 of a polygon lies off"),
        (coco(segmentation="?"), "annotation 0: a mask is run lengths or polygons"),
        (coco(score=7), "annotation 0: the score 7 is not from 0 to 1"),
        (coco(segmentation=None), "annotation 0: 'bbox' is missing"),
        ({**coco(), "categories": [{"id": 1}]}, "category 0: 'name' is missing"),
        ({**coco(), "images": [{"id": "a", "frame": "x"}, {"id": 2, "frame": 1}]}, "images: frame is 'x', not a whole"),
        ({**coco(), "images": [{"id": "a", "frame": 10**6}, {"id": 2, "frame": 1}]}, "frames run from 0 to 299"),
        (
            {**coco(), "images": [{"id": "a", "file_name": "x1.png"}, {"id": 2, "file_name": "y1.png"}]},
            "x1.png and y1.png both are frame 1",
        ),
        ({"masklet": [[{"size": [1, 1]}]]}, r"frame 0: the mask has size \[1, 1\]"),
        ({"masklet": [[None]], "frames": [1, 2]}, "masklet: it has masks of 1 frames and names 2"),
        ({"videos": [{}, {}], "annotations": []}, "videos: it holds 2 videos; give a file of one"),
        (
            {"videos": [{"frames": [1]}], "annotations": [{"segmentations": []}]},
            "annotation 0: it has 0 masks, the video has 1 frames",
        ),
    ],
)
def test_bad_files_are_refused_by_entry_and_nothing_is_written(tmp_path, empty, content, message):
    path = tmp_path / "masks.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    form = None if isinstance(content, dict) and content.get("images") != 3 else "coco"
    with pytest.raises(DatasetError, match=message) as caught:
        import_masks(empty, path, form=form)
    assert str(path) in str(caught.value)
    assert (empty.events(), empty.objects(), masks_of(empty)) == ([], [], {})


def test_two_of_one_name_without_a_track_are_refused(tmp_path, empty):
    content = coco()
    content["annotations"][1]["image_id"] = "a"
    for entry in content["annotations"]:
        del entry["track_id"]
    (tmp_path / "masks.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="annotation 1: frame 7 has several 'grasper' and nothing tells which"):
        import_masks(empty, tmp_path / "masks.json")


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("<annotations><track", "is not XML"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><annotations/>", "declares entities of its own"),
        ('<a><track id="1" label="x"><mask frame="-1" rle="1"/></track></a>', "track 1, frame -1: frame is '-1'"),
        (
            '<a><track id="1"><mask frame="0" rle="1, 2" left="0" top="0" width="2" height="2"/></track></a>',
            "track 1, frame 0: the runs add up to 3, not to 2 x 2",
        ),
        (
            '<a><track id="1"><mask frame="0" rle="1, 99" left="60" top="0" width="50" height="2"/></track></a>',
            "lies off the frame of 64x48",
        ),
        ('<a><track id="1"><polygon frame="0" points="1,2;x,4;5,6"/></track></a>', "could not convert"),
        ('<a><track id="1"><box frame="0" xtl="1" ytl="1" xbr="5"/></track></a>', "'ybr' is missing"),
    ],
)
def test_bad_xml_is_refused(tmp_path, empty, xml, message):
    (tmp_path / "masks.xml").write_text(xml)
    with pytest.raises(DatasetError, match=message):
        import_masks(empty, tmp_path / "masks.xml")
    assert empty.events() == []


def test_polygons_and_boxes_of_cvat_labelme_and_yolo(tmp_path, empty):
    square = np.zeros(SIZE, bool)
    square[4:9, 2:12] = True
    (tmp_path / "a.xml").write_text(
        '<annotations><track id="0" label="hook"><polygon frame="3" outside="0" points="2,4;12,4;12,9;2,9"/>'
        '<polygon frame="4" outside="1" points="2,4;12,4;12,9;2,9"/></track>'
        '<track id="1" label="clip"><box frame="0" outside="0" xtl="1" ytl="2" xbr="9.5" ybr="8"/></track>'
        "</annotations>"
    )
    report = import_masks(empty, tmp_path / "a.xml")
    assert (report.masks, report.boxes) == (1, 1)
    hook, clip = report.objects["0"], report.objects["1"]
    assert np.array_equal(empty.read_frame(3).objects[hook].mask, square)
    assert [(event.frame, event.object_id) for event in empty.events(kinds=["prompt"])] == [(0, clip)]

    folder = tmp_path / "labelme"
    folder.mkdir()
    shapes = [
        {"label": "hook", "points": [[2, 4], [12, 4], [12, 9], [2, 9]], "shape_type": "polygon", "group_id": None},
        {"label": "clip", "points": [[9, 8], [1, 2]], "shape_type": "rectangle", "group_id": 7},
    ]
    content = {"shapes": shapes, "imageHeight": SIZE[0], "imageWidth": SIZE[1], "imagePath": "..\\x_0012.jpg"}
    (folder / "x_0012.json").write_text(json.dumps(content))
    report = import_masks(empty, folder)
    assert np.array_equal(empty.read_frame(12).objects[report.objects["name hook"]].mask, square)
    shapes[0]["shape_type"] = "circle"
    (folder / "x_0012.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"x_0012.json: shape 0: shapes of type 'circle' are not read"):
        import_masks(empty, folder)

    yolo = tmp_path / "yolo"
    (yolo / "labels").mkdir(parents=True)
    (yolo / "data.yaml").write_text("names: [clip, hook]\n")
    (yolo / "labels/0020.txt").write_text(
        f"1 {2 / 64} {4 / 48} {12 / 64} {4 / 48} {12 / 64} {9 / 48} {2 / 64} {9 / 48}\n0 0.5 0.5 0.25 0.5\n"
    )
    report = import_masks(empty, yolo)
    assert np.array_equal(empty.read_frame(20).objects[report.objects["class 1"]].mask, square)
    assert decode_prompt(empty.events(kinds=["prompt"])[-1].payload["prompt"]) == Box(24, 12, 40, 36)
    (yolo / "labels/0020.txt").write_text("1 0.5 x\n")
    with pytest.raises(DatasetError, match=r"0020.txt: line 1: could not convert string to float: 'x'"):
        import_masks(empty, yolo)


def test_forms_that_are_not_read(tmp_path, empty):
    (tmp_path / "x.txt").touch()
    for path, message in ((tmp_path / "x.txt", "is of no form that is read"), (tmp_path / "none", "no such file")):
        with pytest.raises(DatasetError, match=message):
            import_masks(empty, path)
    with pytest.raises(ConfigError, match="form 'csv' is not read; allowed are davis, coco"):
        import_masks(empty, tmp_path / "x.txt", form="csv")
    with pytest.raises(DatasetError, match="is not a folder, as masks of the form yolo are kept in"):
        import_masks(empty, tmp_path / "x.txt", form="yolo")


def test_files_with_any_bytes_changed_end_in_results_or_messages(store, tmp_path, empty):
    rng, messages = random.Random(5), []
    paths = {form: write_form(store, form, tmp_path / "out")[form] for form in FORMS}
    for form in FORMS:
        files = [path for path in [paths[form], *paths[form].rglob("*")] if path.is_file()]
        for _ in range(25):
            file = rng.choice(files)
            whole = file.read_bytes()
            data = bytearray(whole)
            for _ in range(rng.randint(1, 3)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            file.write_bytes(data[: rng.randrange(1, len(data) + 1)] if rng.random() < 0.3 else data)
            try:
                import_masks(empty, paths[form], form=form)
                empty.undo()
            except DatasetError as error:
                messages.append(str(error))
            file.write_bytes(whole)
    assert len(messages) > 20
    assert all(str(tmp_path) in message for message in messages)
    assert empty.check().whole
