"""Programs of others on what a workspace holds: supervision, CVAT's own kit, napari's layers, COCO there and back."""

import json
import zipfile
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from result_tools import SIZE, make_result, wandering
from sam2s.errors import ConfigError, DatasetError, MissingExtraError, OutputError
from sam2s.formats import napari_layers as layers_module
from sam2s.formats.detections import to_detections
from sam2s.formats.export import write_exports
from sam2s.formats.imports import form_of, import_masks, read_shapes
from sam2s.formats.napari_layers import napari_layers
from sam2s.masks import rle
from sam2s.video import ArraySource
from sam2s.workspace import ObjectInfo, Workspace
from workspace_tools import VIDEO, masks_of

INDICES = [0, 1, 2, 4, 6]  # as the workspace has them
NAMES = {1: "grasper", 2: "hook"}


def test_detections_say_what_the_result_says():
    supervision = pytest.importorskip("supervision")
    result = make_result(4)
    found = to_detections(result, NAMES)
    assert isinstance(found, supervision.Detections)
    assert np.array_equal(found.mask, [wandering(4, 1), wandering(4, 2)])
    assert np.array_equal(found.xyxy, supervision.mask_to_xyxy(found.mask))
    assert (found.tracker_id.tolist(), found.class_id.tolist()) == ([1, 2], [0, 1])
    assert found.data["class_name"].tolist() == ["grasper", "hook"]
    assert found.confidence.tolist() == pytest.approx([result.objects[i].iou for i in (1, 2)])
    assert found.data["state"].tolist() == ["visible", "visible"]
    assert found.metadata == {"index": 4, "pts": result.pts}
    assert found[found.data["class_name"] == "hook"].tracker_id.tolist() == [2]
    drawn = supervision.MaskAnnotator().annotate(np.zeros((*SIZE, 3), np.uint8), found)
    assert np.array_equal(drawn.any(axis=2), wandering(4, 1) | wandering(4, 2))


def test_detections_of_absent_objects_and_of_stored_frames(store):
    pytest.importorskip("supervision")
    frame = make_result(2)  # without object 2
    assert to_detections(frame).tracker_id.tolist() == [1]
    with_empty = to_detections(frame, empty=True)
    assert (with_empty.tracker_id.tolist(), with_empty.xyxy[1].tolist()) == ([1, 2], [0, 0, 0, 0])
    assert with_empty.data["class_name"].tolist() == ["object", "object"]
    stored = [to_detections(record, NAMES) for record in store.frames()]
    assert [len(found) for found in stored] == [2, 2, 1, 2, 2]
    assert np.array_equal(stored[3].mask[0], wandering(4, 1))
    empty = next(iter(store.frames(object_ids=[])))
    assert len(to_detections(empty)) == 0


def test_detections_name_their_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "supervision", None)
    with pytest.raises(MissingExtraError, match=r"Detections need supervision; install it .*'\.\[supervision\]'"):
        to_detections(make_result(0))


def test_supervision_reads_the_coco_export_with_equal_pixels(store, tmp_path):
    supervision = pytest.importorskip("supervision")
    path = write_exports(store, None, ["coco"])["coco"]
    for index in INDICES:
        picture = tmp_path / "pictures" / "clip" / f"{index:05d}.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", SIZE[::-1]).save(picture)
    data = supervision.DetectionDataset.from_coco(str(tmp_path / "pictures"), str(path), force_masks=True)
    assert data.classes == ["grasper", "hook"]
    found = {int(name.split("/")[-1].removesuffix(".jpg")): detections for name, detections in data.annotations.items()}
    assert sorted(found) == INDICES
    for index, detections in found.items():
        expected = [wandering(index, i) for i in (1, 2) if wandering(index, i).any()]
        assert np.array_equal(detections.mask, expected)


def test_coco_goes_there_and_back_through_pycocotools(store, tmp_path):
    """The way to FiftyOne and others that read and write COCO: what they keep of it is enough to come back."""
    data = COCO(str(write_exports(store, None, ["coco"])["coco"]))
    kept = ("id", "image_id", "category_id", "segmentation", "bbox", "area", "iscrowd", "track_id")
    content = {
        "images": [{k: image[k] for k in ("id", "file_name", "height", "width")} for image in data.dataset["images"]],
        "annotations": [{k: entry[k] for k in kept} for entry in data.dataset["annotations"]],
        "categories": data.dataset["categories"],
    }
    (tmp_path / "back.json").write_text(json.dumps(content))
    with Workspace.create(tmp_path / "into", VIDEO) as workspace:
        report = import_masks(workspace, tmp_path / "back.json")
        assert (report.form, report.masks, report.objects) == ("coco", 9, {"1": 1, "2": 2})
        expected = {key: counts for key, counts in masks_of(store).items() if key != (2, 2)}
        assert masks_of(workspace) == expected


def test_the_archive_for_cvat_is_read_back_and_by_its_own_kit(store, tmp_path):
    masks = pytest.importorskip("cvat_sdk.masks")
    path = write_exports(store, None, ["cvat-zip"])["cvat-zip"]
    assert zipfile.ZipFile(path).namelist() == ["annotations.xml"]
    assert form_of(path) == "cvat-zip"
    found = {(shape.key, shape.frame): rle.decode(shape.rle) for shape in read_shapes(path, "cvat-zip", VIDEO)}
    assert len(found) == 9
    assert all(np.array_equal(mask, wandering(frame, int(key))) for (key, frame), mask in found.items())
    import xml.etree.ElementTree as ET

    count = 0
    for track in ET.fromstring(zipfile.ZipFile(path).read("annotations.xml")).iter("track"):
        for element in track.iter("mask"):
            if element.get("outside") == "1":
                continue
            left, top, width, height = (int(element.get(n)) for n in ("left", "top", "width", "height"))
            runs = [int(run) for run in element.get("rle").split(",")]
            points = [*runs, left, top, left + width - 1, top + height - 1]
            mask = masks.decode_mask(points, image_width=SIZE[1], image_height=SIZE[0])
            assert np.array_equal(mask, wandering(int(element.get("frame")), int(track.get("id"))))
            count += 1
    assert count == 9


def test_archives_that_are_no_export_of_cvat(tmp_path):
    def archive(**files):
        with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as made:
            for name, text in files.items():
                made.writestr(f"{name}.xml", text)
        return list(read_shapes(tmp_path / "a.zip", "cvat-zip", VIDEO))

    with pytest.raises(DatasetError, match="holds 0 XML files; an export of CVAT has one"):
        archive()
    with pytest.raises(DatasetError, match="holds 2 XML files"):
        archive(one="<a/>", two="<a/>")
    with pytest.raises(DatasetError, match=r"a\.zip: one\.xml is not XML"):
        archive(one="<a>")
    whole = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="it is a damaged or encrypted archive"):
        list(read_shapes(tmp_path / "a.zip", "cvat-zip", VIDEO))


def test_napari_layers_are_tuples_of_its_convention(store):
    pictures = [np.full((*SIZE, 3), 10 * i, np.uint8) for i in range(8)]
    image, labels = napari_layers(store, ArraySource(pictures, name="clip"))
    assert (image[2], labels[2]) == ("image", "labels")
    assert np.array_equal(image[0], pictures[:7])
    assert (labels[0].dtype, labels[0].shape) == (np.uint8, (7, *SIZE))
    for index in range(7):
        first, second = (wandering(index, i) if index in INDICES else np.zeros(SIZE, bool) for i in (1, 2))
        assert np.array_equal(labels[0][index] == 1, first)
        assert np.array_equal(labels[0][index] == 2, second & ~first)
    assert labels[1]["metadata"] == {"names": NAMES, "start": 0, "fps": str(Fraction(30000, 1001))}
    # What `napari.layers.Labels` and `Image` take; the rest would be refused there.
    assert set(labels[1]) <= {"name", "metadata", "scale", "opacity", "visible"}
    assert set(image[1]) <= {"name", "metadata", "rgb", "scale", "visible"}


def test_napari_layers_of_a_stretch_and_their_bounds(store, tmp_path, monkeypatch):
    ((labels, described, _),) = napari_layers(store, start=4, stop=6)
    assert np.array_equal(labels[0] == 1, wandering(4, 1))
    assert (labels[1].any(), described["metadata"]["start"]) == (False, 4)
    with pytest.raises(ConfigError, match="frames 5 to 5 are none; give start below stop"):
        napari_layers(store, start=5, stop=5)
    with Workspace.create(tmp_path / "many", VIDEO) as workspace:
        workspace.put_object(ObjectInfo(300, "needle"))
        assert napari_layers(workspace, stop=2)[0][0].dtype == np.uint16
        workspace.put_object(ObjectInfo(70000, None))
        with pytest.raises(OutputError, match="object id 70000 does not fit into labels of 16 bits"):
            napari_layers(workspace, stop=2)
    monkeypatch.setattr(layers_module, "MOST_BYTES", 3 * SIZE[0] * SIZE[1])
    with pytest.raises(OutputError, match="7 frames take 21504 bytes; give start and stop at most 3 frames apart"):
        napari_layers(store)
