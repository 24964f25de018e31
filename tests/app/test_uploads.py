"""Uploads: in parts, taken up again, bounded, checked."""

import pytest

from app_tools import open_client

PART = 1 << 14


def send(client, data, name="op.mp4", start=0):
    state = client.post("/api/uploads", json={"name": name, "size": len(data)}).json()
    for offset in range(start, len(data), PART):
        chunk = data[offset : offset + PART]
        answer = client.patch(f"/api/uploads/{state['id']}?offset={offset}", content=chunk)
        if answer.status_code != 200:
            return answer
        state = answer.json()
    return state


def test_a_video_arrives_whole_and_is_listed(quiet, folder, clip):
    data = clip.read_bytes()
    state = send(quiet, data)
    assert state["video"]["length"] == 24
    assert (folder / "op.mp4").read_bytes() == data
    assert {card["name"] for card in quiet.get("/api/videos").json()} == {"clip.mp4", "op.mp4"}
    assert not list((folder / ".sam2s/uploads").iterdir())


def test_an_upload_that_was_cut_off_goes_on_where_it_was_also_after_a_restart(quiet, folder, clip):
    data = clip.read_bytes()
    begun = quiet.post("/api/uploads", json={"name": "op.mp4", "size": len(data)}).json()
    quiet.patch(f"/api/uploads/{begun['id']}?offset=0", content=data[:100])
    again = open_client(folder)
    taken_up = again.post("/api/uploads", json={"name": "op.mp4", "size": len(data)}).json()
    assert (taken_up["id"], taken_up["offset"]) == (begun["id"], 100)
    wrong = again.patch(f"/api/uploads/{begun['id']}?offset=50", content=b"x")
    assert "goes on at 100" in wrong.json()["error"]["message"]
    again.patch(f"/api/uploads/{begun['id']}?offset=100", content=data[100:300])
    assert send(again, data, start=300)["video"]["name"] == "op.mp4"
    assert (folder / "op.mp4").read_bytes() == data


def test_what_is_there_is_not_replaced(quiet, folder, clip):
    before = (folder / "clip.mp4").stat().st_ino
    assert send(quiet, clip.read_bytes(), "clip.mp4")["video"]["name"] == "clip (2).mp4"
    assert (folder / "clip.mp4").stat().st_ino == before


@pytest.mark.parametrize("name", ["../../evil.mp4", "/etc/evil.mp4", "..\\..\\evil.mp4", ".evil.mp4"])
def test_names_cannot_leave_the_folder(quiet, folder, clip, name):
    state = send(quiet, clip.read_bytes(), name)
    path = folder / state["video"]["path"]
    assert path.resolve().parent == folder.resolve()
    assert not path.name.startswith(".")


def test_sizes_numbers_and_parts_are_bounded(quiet):
    for size in (2 << 20, 1 << 44):
        assert quiet.post("/api/uploads", json={"name": "a.mp4", "size": size}).status_code == 413
    assert quiet.post("/api/uploads", json={"name": "a.exe", "size": 5}).status_code == 422
    first = quiet.post("/api/uploads", json={"name": "a.mp4", "size": 5}).json()
    assert quiet.patch(f"/api/uploads/{first['id']}?offset=0", content=b"123456").status_code == 413
    assert quiet.patch(f"/api/uploads/{first['id']}?offset=0", content=b"1" * 70_000).status_code == 413
    quiet.post("/api/uploads", json={"name": "b.mp4", "size": 5})
    assert quiet.post("/api/uploads", json={"name": "c.mp4", "size": 5}).status_code == 429
    assert quiet.delete(f"/api/uploads/{first['id']}").status_code == 204
    assert quiet.post("/api/uploads", json={"name": "c.mp4", "size": 5}).status_code == 201
    assert quiet.get("/api/uploads/../../etc").status_code == 404


def test_what_holds_no_pictures_is_removed_and_says_so(quiet, folder):
    answer = send(quiet, b"\x00\x01\x02 nothing" * 200)
    assert answer.status_code == 409
    assert "op.mp4" in answer.json()["error"]["message"]
    answer = send(quiet, b"#EXTM3U\nhttp://10.0.0.1/x.ts\n")
    assert "is text" in answer.json()["error"]["message"]
    assert [path.name for path in folder.iterdir() if not path.name.startswith(".")] == ["clip.mp4"]
