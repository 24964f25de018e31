"""Marks of the video through the API: a search makes them, they are seen as they are found, one undo takes all back."""

import pytest

from app_tools import new_object, only_video, open_client, until
from event_tools import BLACK, LENGTH, LONG, write_events, write_long
from sam2s.app import routes_marks

PATIENCE = 120


@pytest.fixture
def client(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    write_events(folder / "op.mp4")
    return open_client(folder)


def ended(client, video):
    state = client.get(f"{video}/marks/search").json()
    return state if state["state"] != "running" else None


def desk_of(client, video):
    return client.app.state.context.desks.open(client.app.state.context.library.find(video.rsplit("/", 1)[1]))


def black(client, video):
    return [mark for mark in client.get(f"{video}/marks").json() if mark["kind"] == "black"]


def test_a_search_marks_the_video_and_one_undo_takes_all_of_it_back(client):
    video, found = only_video(client), {"kind": "black", "start": BLACK.start, "stop": BLACK.stop}
    assert client.get(f"{video}/marks").json() == []
    assert client.get(f"{video}/marks/search").json()["state"] == "idle"
    answer = client.post(f"{video}/marks/search", headers={"X-User": "Ada"})
    assert (answer.status_code, answer.json()["state"], answer.json()["author"]) == (202, "running", "Ada")
    state = until(lambda: ended(client, video), PATIENCE)
    assert (state["state"], state["done"], state["message"]) == ("done", LENGTH, None)
    assert black(client, video) == [found]
    assert found in client.get(f"{video}/timeline?start=0&stop=64&buckets=64").json()["marks"]
    assert client.get(f"{video}/frames/30/masks").json()["marks"] == ["black"]
    (event,) = client.get(f"{video}/events").json()
    assert (event["event_id"], event["kind"], event["author"]) == (state["event_id"], "video_mark", "Ada")
    assert client.post(f"{video}/undo").json()["message"] == "a search for events taken back"
    assert client.get(f"{video}/marks").json() == []
    client.post(f"{video}/redo")
    assert black(client, video) == [found]


def test_what_a_search_has_found_is_shown_before_it_is_written(client):
    video = only_video(client)
    desk = desk_of(client, video)
    desk.marks.pending = [BLACK]
    marks = [{"kind": "black", "start": BLACK.start, "stop": BLACK.stop}]
    assert client.get(f"{video}/timeline?start=0&stop=64&buckets=64").json()["marks"] == marks
    desk.writer().put_video_marks({"black": [(BLACK.start, BLACK.stop, None)], "smoke": [(2, 3, None)]})
    assert client.get(f"{video}/marks").json() == [{"kind": "smoke", "start": 2, "stop": 3}, *marks]


def test_it_is_refused_while_another_edits_or_too_many_run(client, monkeypatch):
    video = only_video(client)
    new_object(client, video)
    answer = client.post(f"{video}/marks/search", headers={"X-Tab": "second", "X-User": "Bob"})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (423, "locked")
    monkeypatch.setattr(routes_marks, "MOST_SEARCHES", 0)
    answer = client.post(f"{video}/marks/search")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (429, "too-many")
    assert "0 videos are looked through already" in answer.json()["error"]["message"]
    assert client.post(f"{video}/marks/search/stop").json()["state"] == "idle"
    assert client.get("/api/videos/none/marks").status_code == 404


@pytest.mark.slow
def test_a_stopped_search_keeps_marks_that_lie_beyond_the_frames_it_has_seen(client):
    served = client.app.state.context.library.root
    (served / "op.mp4").unlink()
    write_long(served / "long.mp4")
    video = only_video(client)
    desk_of(client, video).writer().put_video_marks({"smoke": [(1, 2, None), (LONG - 9, LONG - 1, None)]})
    client.post(f"{video}/marks/search")
    answer = client.post(f"{video}/marks/search", headers={"X-Tab": "first"})
    assert answer.status_code == 429
    assert "has this video looked through already" in answer.json()["error"]["message"]
    until(lambda: client.get(f"{video}/marks/search").json()["done"], PATIENCE)
    assert client.post(f"{video}/marks/search/stop").json()["state"] == "stopped"
    smoke = [mark for mark in client.get(f"{video}/marks").json() if mark["kind"] == "smoke"]
    assert smoke == [{"kind": "smoke", "start": LONG - 9, "stop": LONG - 1}]
