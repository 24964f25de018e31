"""Exports and imports: what goes out comes in elsewhere with equal masks; what does not fit is refused whole."""

import io
import json
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app_tools import SMALL, disc, masks, new_object, only_video, open_client, paint, until
from sam2s.app.export_choice import check_pictures
from sam2s.app.problems import ApiError
from sam2s.app.transfers import EXPORT_FORMATS, IMPORT_FORMATS
from sam2s.masks import rle


def finished(client, video, answer):
    assert answer.status_code == 202, answer.text
    task = answer.json()

    def ended():
        state = client.get(f"{video}/tasks/{task['id']}").json()
        return state if state["state"] != "running" else None

    return until(ended)


def labelled(client):
    """A video with two named objects on some frames, one of which is accepted."""
    video = only_video(client)
    new_object(client, video, name="grasper")
    new_object(client, video, name="hook")
    for frame in (0, 3, 4):
        paint(client, video, 1, frame, disc((30, 30), 9))
    paint(client, video, 2, 3, disc((70, 34), 7))
    client.post(f"{video}/accept", json={"start": 3, "stop": 4, "objects": [2]})
    return video


@pytest.mark.parametrize("form", sorted(set(IMPORT_FORMATS) - {"dicom-seg"}))  # needs a DICOM recording
def test_what_is_exported_comes_in_elsewhere(folder, tmp_path, form):
    client = open_client(folder)
    video = labelled(client)
    task = finished(client, video, client.post(f"{video}/exports", json={"format": form}))
    assert task["state"] == "done", task["message"]
    data = client.get(f"{video}/tasks/{task['id']}/file").content
    other = tmp_path / "elsewhere"
    other.mkdir()
    shutil.copy(folder / "clip.mp4", other / "clip.mp4")
    away = open_client(other)
    place = only_video(away)
    answer = away.post(f"{place}/imports?format={form}&name={task['file']}", content=data)
    task = finished(away, place, answer)
    assert task["state"] == "done", task["message"]
    exact = form in ("coco", "ytvis", "davis", "jsonl", "sav", "cvat")
    for frame in (0, 3, 4):
        sent, came = masks(client, video, frame), masks(away, place, frame)
        drawn = {i: rle.decode(entry["rle"]) for i, entry in came.items()}
        drawn = {i: mask for i, mask in drawn.items() if mask.any()}
        assert sorted(drawn) == sorted(sent)
        for object_id, mask in drawn.items():
            wanted = rle.decode(sent[object_id]["rle"])
            overlap = (mask & wanted).sum() / (mask | wanted).sum()
            assert np.array_equal(mask, wanted) if exact else overlap > 0.85
    assert away.get(f"{place}/objects").json()[0]["name"] in ("grasper", "object")
    there = masks(away, place, 3)
    assert "an import" in away.post(f"{place}/undo").json()["message"]
    assert away.get(f"{place}/objects").json() == []
    away.post(f"{place}/redo")
    assert masks(away, place, 3) == there


def exported(client, video, form, tmp_path):
    task = finished(client, video, client.post(f"{video}/exports", json={"format": form}))
    assert task["state"] == "done", task["message"]
    path = tmp_path / task["file"]
    path.write_bytes(client.get(f"{video}/tasks/{task['id']}/file").content)
    return path


def test_coco_and_youtube_vis_are_read_by_the_library_of_coco(quiet, tmp_path):
    from pycocotools import mask as coco_mask
    from pycocotools.coco import COCO

    video = labelled(quiet)
    sent = {frame: {i: rle.decode(one["rle"]) for i, one in masks(quiet, video, frame).items()} for frame in (0, 3, 4)}
    coco = COCO(str(exported(quiet, video, "coco", tmp_path)))
    frames = {image["id"]: image["frame"] for image in coco.dataset["images"]}
    read = [(frames[one["image_id"]], coco.annToMask(one).astype(bool)) for one in coco.dataset["annotations"]]
    assert len(read) == 4
    for frame, mask in read:
        assert any(np.array_equal(mask, wanted) for wanted in sent[frame].values())
    tracks = json.loads(exported(quiet, video, "ytvis", tmp_path).read_text())["annotations"]
    drawn = [(k, coco_mask.decode(one).astype(bool)) for t in tracks for k, one in enumerate(t["segmentations"]) if one]
    assert sum(mask.any() for _, mask in drawn) == 4


def test_cvat_tracks_have_the_form_that_cvat_publishes(quiet, tmp_path):
    """The form is that of "CVAT for videos 1.1": tracks of masks, whose runs go along the rows of their box."""
    import xml.etree.ElementTree as ET

    video = labelled(quiet)
    root = ET.parse(exported(quiet, video, "cvat", tmp_path)).getroot()
    assert (root.tag, root.findtext("version")) == ("annotations", "1.1")
    assert root.findtext("meta/task/mode") == "interpolation"
    labels = {label.findtext("name") for label in root.iter("label")}
    assert labels == {track.get("label") for track in root.iter("track")} == {"grasper", "hook"}
    seen = 0
    for track in root.iter("track"):
        for shape in track:
            assert shape.tag == "mask"
            assert {
                "frame",
                "keyframe",
                "outside",
                "occluded",
                "rle",
                "left",
                "top",
                "width",
                "height",
                "z_order",
            } <= set(shape.attrib)
            if shape.get("outside") == "1":
                continue
            left, top, width, height = (int(shape.get(name)) for name in ("left", "top", "width", "height"))
            runs = [int(run) for run in shape.get("rle").split(",")]
            inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
            mask = np.zeros((64, 96), bool)
            mask[top : top + height, left : left + width] = inside.reshape(height, width)
            shown = masks(quiet, video, int(shape.get("frame")))[int(track.get("id"))]
            assert np.array_equal(mask, rle.decode(shown["rle"]))
            seen += 1
    assert seen == 4


def test_an_export_may_hold_accepted_masks_alone(quiet):
    video = labelled(quiet)
    body = {"format": "coco", "accepted_only": True}
    task = finished(quiet, video, quiet.post(f"{video}/exports", json=body))
    content = json.loads(quiet.get(f"{video}/tasks/{task['id']}/file").content)
    assert len(content["annotations"]) == 1


@pytest.mark.parametrize("form", ["csv", "overlay"])
def test_tables_and_overlays_are_sent(quiet, form):
    video = labelled(quiet)
    task = finished(quiet, video, quiet.post(f"{video}/exports", json={"format": form}))
    assert task["state"] == "done", task["message"]
    answer = quiet.get(f"{video}/tasks/{task['id']}/file")
    assert "attachment" in answer.headers["content-disposition"]
    assert len(answer.content) > 100


def test_formats_are_listed(quiet):
    listed = quiet.get("/api/formats").json()
    assert {one["name"] for one in listed["export"]} == set(EXPORT_FORMATS)
    assert {one["name"] for one in listed["imported"]} == set(IMPORT_FORMATS)


def packed(entries):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return data.getvalue()


def test_what_cannot_be_imported_changes_nothing_and_says_why(folder):
    client = open_client(folder, limits=replace(SMALL, import_bytes=1 << 20))
    video = labelled(client)
    before = client.get(f"{video}/events").json()
    for name, data, text in (
        ("bad.json", b"{", "bad.json"),
        ("evil.zip", packed([("../../evil.txt", b"x")]), "names a place outside of itself"),
        ("bomb.zip", packed([("a.png", b"0" * (2 << 20))]), "unpacks to more than"),
    ):
        task = finished(client, video, client.post(f"{video}/imports?format=coco&name={name}", content=data))
        assert task["state"] == "failed"
        assert text in task["message"]
        assert str(folder) not in task["message"]
    assert client.get(f"{video}/events").json() == before
    assert not (folder / "evil.txt").exists()
    assert not list((folder / ".sam2s/imports").iterdir())
    assert client.post(f"{video}/imports?format=coco", content=b"x" * (2 << 20)).status_code == 413
    assert client.post(f"{video}/imports?format=nonsense", content=b"").status_code == 422
    assert client.post(f"{video}/exports", json={"format": "nonsense"}).status_code == 422
    assert client.get(f"{video}/tasks/nonsense").status_code == 404


def sent_file(client, video, tmp_path, **body):
    task = finished(client, video, client.post(f"{video}/exports", json=body))
    assert task["state"] == "done", task["message"]
    path = tmp_path / task["file"]
    path.write_bytes(client.get(f"{video}/tasks/{task['id']}/file").content)
    return path, task["message"]


def test_a_span_and_every_so_many_frames_are_exported_alone(quiet, tmp_path):
    video = labelled(quiet)
    path, said = sent_file(quiet, video, tmp_path, format="coco", start=3, stop=4)
    assert [image["frame"] for image in json.loads(path.read_text())["images"]] == [3]
    assert said.startswith("1 frame written")
    path, said = sent_file(quiet, video, tmp_path, format="coco", step=4)
    assert [image["frame"] for image in json.loads(path.read_text())["images"]] == [0, 4]
    assert said.startswith("2 frames written")
    path, _ = sent_file(quiet, video, tmp_path, format="coco", start=3, accepted_only=True)
    assert [(one["image_id"], one["track_id"]) for one in json.loads(path.read_text())["annotations"]] == [(3, 2)]
    none = finished(quiet, video, quiet.post(f"{video}/exports", json={"format": "coco", "start": 1, "stop": 3}))
    assert none["message"] == "none of the chosen frames has a mask; choose others"


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("coco", "clip/00003.jpg"),
        ("ytvis", "clip/00003.jpg"),
        ("davis", "JPEGImages/clip/00003.jpg"),
        ("labelme", "00003.jpg"),
        ("yolo", "images/clip/00003.jpg"),
    ],
)
def test_pictures_lie_where_an_export_looks_for_them_and_do_not_hinder_an_import(quiet, folder, tmp_path, form, name):
    video = labelled(quiet)
    path, _ = sent_file(quiet, video, tmp_path, format=form, pictures=True, start=3)
    with zipfile.ZipFile(path) as archive:
        assert sorted(one for one in archive.namelist() if one.endswith(".jpg"))[0] == name
        drawn = np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB"))
        texts = b"".join(archive.read(one) for one in archive.namelist() if one.endswith((".json", ".yaml")))
    if form in ("coco", "ytvis", "labelme"):
        assert name.encode() in texts
    shown = quiet.get(f"{video}/frames/3?format=png").content
    difference = np.asarray(Image.open(io.BytesIO(shown)).convert("RGB")).astype(int) - drawn
    assert abs(difference).mean() < 4
    other = tmp_path / "elsewhere"
    other.mkdir()
    shutil.copy(folder / "clip.mp4", other / "clip.mp4")
    away = open_client(other)
    place = only_video(away)
    answer = away.post(f"{place}/imports?format={form}&name={path.name}", content=path.read_bytes())
    assert finished(away, place, answer)["state"] == "done"
    sent, came = ([one["area"] for one in masks(*where, 3).values()] for where in ((quiet, video), (away, place)))
    assert sum(came) == pytest.approx(sum(sent), rel=0.15)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"format": "csv", "pictures": True}, "pictures go with coco, ytvis, davis, labelme, yolo, not with csv"),
        ({"format": "coco", "start": 4, "stop": 4}, "frames 4 to 4 are none; give a stop behind the start"),
    ],
)
def test_an_export_of_nothing_or_without_place_for_pictures_is_refused(quiet, body, text):
    video = labelled(quiet)
    answer = quiet.post(f"{video}/exports", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == text


def test_more_pictures_than_are_packed_are_refused_with_the_way_out():
    with pytest.raises(ApiError, match="20001 pictures: at most 20000 are packed; give a span or a greater step"):
        check_pictures("coco", 20_001)
