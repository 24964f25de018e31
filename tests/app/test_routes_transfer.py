"""Exports and imports: what goes out comes in elsewhere with equal masks; what does not fit is refused whole."""

import io
import json
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from app_tools import SMALL, disc, masks, new_object, only_video, open_client, paint, until
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
