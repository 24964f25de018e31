"""Remarks: left by anybody, also while another edits; settled once; kept with the video."""

import pytest

from app_tools import disc, new_object, only_video, open_client, paint


def test_a_remark_is_left_by_one_who_looks_on_and_settled_by_one_who_edits(quiet, folder):
    video = only_video(quiet)
    assert quiet.get(f"{video}/remarks").json() == []
    paint(quiet, video, new_object(quiet, video), 0, disc())  # this tab edits
    looker = {"X-Tab": "other", "X-User": "Bob"}
    later = quiet.post(
        f"{video}/remarks", json={"frame": 9, "text": "is this the hook?", "object_id": 1}, headers=looker
    )
    assert later.status_code == 201
    first = quiet.post(f"{video}/remarks", json={"frame": 2, "text": "tip is missing"}, headers=looker).json()
    found = quiet.get(f"{video}/remarks").json()
    assert [(one["frame"], one["text"], one["object_id"], one["author"], one["settled_by"]) for one in found] == [
        (2, "tip is missing", None, "Bob", None),
        (9, "is this the hook?", 1, "Bob", None),
    ]
    settle = f"{video}/remarks/{first['event_id']}/settle"
    assert quiet.post(settle, headers={"X-User": "Ada"}).json()["settled_by"] == "Ada"
    assert quiet.post(settle, headers=looker).json()["settled_by"] == "Ada"
    again = open_client(folder).get(f"{video}/remarks").json()
    assert [one["settled_by"] for one in again] == ["Ada", None]
    assert quiet.get(f"{video}/interrupted").json() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"frame": 0, "text": ""}, 422),
        ({"frame": 0, "text": "  "}, 422),
        ({"frame": 0, "text": "x" * 2001}, 422),
        ({"frame": 99, "text": "x"}, 404),
        ({"frame": 0, "text": "x", "object_id": 7}, 404),
    ],
)
def test_what_is_no_remark_is_refused(quiet, body, status):
    video = only_video(quiet)
    assert quiet.post(f"{video}/remarks", json=body).status_code == status
    assert quiet.post(f"{video}/remarks/3/settle").status_code == 404
    assert quiet.get(f"{video}/remarks").json() == []
