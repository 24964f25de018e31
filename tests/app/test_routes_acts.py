"""Acts: each is in the workspace when it is answered, each can be undone, none is another's."""

import numpy as np
import pytest

from app_tools import LENGTH, disc, masks, new_object, only_video, open_client, paint
from sam2s.masks import rle
from sam2s.workspace import Workspace


def stored(folder):
    return Workspace.open(folder / "clip.mp4.sam2s")


def test_a_stroke_is_in_the_workspace_when_it_is_answered(quiet, folder):
    video = only_video(quiet)
    assert new_object(quiet, video, name="hook") == 1
    answer = paint(quiet, video, 1, 5, disc())
    (shown,) = answer["masks"]["objects"]
    assert shown["layer"] == "brushed"
    assert shown["confidence"] == 1
    with stored(folder) as workspace:
        assert np.array_equal(workspace.read_frame(5).objects[1].mask, disc())
        assert [event.kind for event in workspace.events()] == ["object", "brush"]


def test_every_act_is_undone_and_done_again_also_after_a_restart(quiet, folder):
    video = only_video(quiet)
    first, second = new_object(quiet, video), new_object(quiet, video)
    for frame in range(8):
        paint(quiet, video, first, frame, disc((30, 30)))
        paint(quiet, video, second, frame, disc((70, 30)))
    before = [masks(quiet, video, frame) for frame in range(8)]
    acts = [
        ("accept", {"start": 2, "stop": 5}),
        ("unaccept", {"start": 3, "stop": 4}),
        ("delete-masks", {"start": 0, "stop": 8, "objects": [first]}),
        ("swap", {"a": first, "b": second, "frame": 4}),
        ("split", {"object_id": second, "frame": 2}),
        ("merge", {"into": first, "object_id": second}),
    ]
    states = [before]
    for act, body in acts:
        answer = quiet.post(f"{video}/{act}", json=body)
        assert answer.status_code == 200, answer.text
        states.append([masks(quiet, video, frame) for frame in range(8)])
        assert states[-1] != states[-2], act
    quiet.app.state.context.desks.close()
    again = open_client(folder)
    for (act, _), state in zip(reversed(acts), reversed(states[:-1]), strict=True):
        assert "taken back" in again.post(f"{video}/undo").json()["message"]
        assert [masks(again, video, frame) for frame in range(8)] == state, act
    for (act, _), state in zip(acts, states[1:], strict=True):
        assert "done again" in again.post(f"{video}/redo").json()["message"]
        assert [masks(again, video, frame) for frame in range(8)] == state, act
    assert again.post(f"{video}/redo").json()["message"] == "there is nothing to redo"


def test_accepted_masks_are_neither_deleted_nor_lost_by_a_stroke(quiet):
    video = only_video(quiet)
    new_object(quiet, video)
    for frame in (3, 4):
        paint(quiet, video, 1, frame, disc())
    quiet.post(f"{video}/accept", json={"start": 3, "stop": 4})
    quiet.post(f"{video}/delete-masks", json={"start": 0, "stop": LENGTH})
    assert masks(quiet, video, 3)[1]["accepted"]
    assert not masks(quiet, video, 4)
    changed = paint(quiet, video, 1, 3, disc(radius=5))["masks"]["objects"][0]
    assert changed["accepted"]
    assert np.array_equal(rle.decode(changed["rle"]), disc(radius=5))


def test_what_is_locked_is_not_changed(quiet):
    video = only_video(quiet)
    new_object(quiet, video)
    paint(quiet, video, 1, 0, disc())
    assert quiet.patch(f"{video}/objects/1", json={"locked": True}).status_code == 200
    body = {"frame": 1, "object_id": 1, "rle": rle.encode(disc())}
    for act, payload in (
        ("brush", body),
        ("delete-masks", {"start": 0, "stop": 2}),
        ("split", {"object_id": 1, "frame": 0}),
    ):
        answer = quiet.post(f"{video}/{act}", json=payload)
        assert answer.status_code == 423
        assert "object 1 is locked" in answer.json()["error"]["message"]
    assert list(masks(quiet, video, 0)) == [1]


def test_objects_are_named_coloured_hidden_ended_and_removed(quiet):
    video = only_video(quiet)
    new_object(quiet, video, name="grasper", colour="#102030")
    for frame in (2, 9):
        paint(quiet, video, 1, frame, disc())
    quiet.patch(f"{video}/objects/1", json={"instance": 2, "hidden": True, "end_frame": 5})
    (item,) = quiet.get(f"{video}/objects").json()
    assert (item["name"], item["colour"], item["instance"], item["hidden"]) == ("grasper", "#102030", 2, True)
    assert list(masks(quiet, video, 2)) == [1]
    assert not masks(quiet, video, 9)
    quiet.patch(f"{video}/objects/1", json={"end_frame": -1})
    assert list(masks(quiet, video, 9)) == [1]
    quiet.delete(f"{video}/objects/1")
    assert quiet.get(f"{video}/objects").json() == []
    assert not masks(quiet, video, 2)
    quiet.post(f"{video}/undo")
    assert list(masks(quiet, video, 2)) == [1]


@pytest.mark.parametrize(
    ("act", "body", "text"),
    [
        ("brush", {"frame": 0, "object_id": 7, "rle": rle.encode(disc())}, "there is no object 7"),
        ("brush", {"frame": 99, "object_id": 1, "rle": rle.encode(disc())}, "frames run from 0 to 23"),
        ("brush", {"frame": 0, "object_id": 1, "rle": rle.encode(disc(size=(8, 8)))}, "the mask has size [8, 8]"),
        ("brush", {"frame": 0, "object_id": 1, "rle": {"size": [64, 96], "counts": "zz"}}, "cannot be read"),
        ("accept", {"start": 0, "stop": 99}, "the video has 24"),
        ("accept", {"start": 5, "stop": 5}, "stop is left out"),
        ("prompts", {"frame": 0, "object_id": 1}, "either points or a box"),
        ("prompts", {"frame": 0, "object_id": 1, "points": [{"x": 500, "y": 5}]}, "outside 96 x 64"),
        ("prompts", {"frame": 0, "object_id": 1, "box": [5, 5, 5, 9]}, "is empty"),
        ("swap", {"a": 1, "b": 1, "frame": 0}, "cannot be swapped with itself"),
        ("merge", {"into": 1, "object_id": 3}, "there is no object 3"),
        ("propagate", {"frame": 0, "until": "frames"}, 'until "frames" needs their number'),
        ("propagate", {"frame": 0, "nonsense": 1}, "nonsense"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_shape_and_changes_nothing(quiet, folder, act, body, text):
    video = only_video(quiet)
    new_object(quiet, video)
    answer = quiet.post(f"{video}/{act}", json=body)
    assert 400 <= answer.status_code < 500
    error = answer.json()["error"]
    assert set(error) == {"kind", "message", "field"}
    assert text in error["message"]
    with stored(folder) as workspace:
        assert [event.kind for event in workspace.events()] == ["object"]
