"""Teaching over the API: a plan before anything is begun, weights that are taken and given back."""

import pytest

from app_tools import disc, done, masks, new_object, only_video, open_client, paint, ready, until
from sam2s.teaching import TaughtFolder
from taught_tools import SCORES, add_taught

SPANS = ((0, 12), (14, 24))


def accept_spans(client, video, spans=SPANS):
    """Paint a disc on frames and accept them."""
    object_id = new_object(client, video, name="hook")
    for start, stop in spans:
        for frame in range(start, stop):
            paint(client, video, object_id, frame, disc((40, 30), 10))
        client.post(f"{video}/accept", json={"start": start, "stop": stop}).raise_for_status()
    return object_id


def test_the_plan_says_what_would_be_done_and_begins_nothing(quiet, folder):
    accept_spans(quiet, only_video(quiet))
    state = quiet.get("/api/teaching").json()
    assert state["learnable"] == [{"id": only_video(quiet).rsplit("/", 1)[1], "name": "clip.mp4", "accepted": 22}]
    assert (state["weights"], state["current"], state["taught"], state["task"]) == ("micro", 0, [], None)
    plan = quiet.post("/api/teaching/plan", json={"minutes": 2}).json()
    assert (plan["train"], plan["held_out"], plan["objects"], plan["minutes"]) == (12, 10, 1, 2.0)
    assert plan["lines"][0] == "learns from 12 accepted frames of 1 object, for 2 minutes"
    assert not (folder / ".sam2s" / "taught").exists()


@pytest.mark.parametrize(
    ("spans", "message"),
    [((), "nothing is accepted yet"), (((0, 9),), "too few frames are accepted to learn from|to measure on")],
)
def test_what_is_too_little_is_refused_before_anything_begins(quiet, spans, message):
    if spans:
        accept_spans(quiet, only_video(quiet), spans)
    for path in ("/api/teaching/plan", "/api/teaching"):
        answer = quiet.post(path, json={"minutes": 1})
        assert answer.status_code == 422
        assert any(part in answer.json()["error"]["message"] for part in message.split("|"))
    assert quiet.get("/api/teaching").json()["task"] is None


def test_a_video_that_is_not_there_and_minutes_that_cannot_be_are_refused(quiet):
    accept_spans(quiet, only_video(quiet))
    assert quiet.post("/api/teaching/plan", json={"videos": ["nothing"]}).status_code == 404
    assert quiet.post("/api/teaching/plan", json={"videos": []}).status_code == 422
    for minutes in (0, -1, 1e9, "much"):
        assert quiet.post("/api/teaching", json={"minutes": minutes}).status_code == 422


def test_taught_weights_are_listed_with_what_they_learned_from_and_their_pictures(quiet, folder):
    add_taught(folder)
    add_taught(folder, better=False)
    first, second = quiet.get("/api/teaching").json()["taught"]
    assert (first["number"], first["name"], first["parent"]) == (1, "micro, taught 1", "micro")
    assert (first["better"], first["chosen"], first["author"]) == (True, "after", "Ada")
    assert (first["videos"], first["train"], first["held_out"]) == (["clip.mp4"], 12, 10)
    assert (first["scores"], first["pictures"]) == (SCORES, ["clip-000014.jpg"])
    assert (second["better"], second["chosen"]) == (False, "before")
    picture = quiet.get("/api/teaching/1/pictures/clip-000014.jpg")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    for path in ("2/pictures/clip-000014.jpg", "1/pictures/..%2F..%2Ftaught.json", "1/pictures/taught.json"):
        assert quiet.get(f"/api/teaching/{path}").status_code == 404


def test_weights_that_are_not_there_cannot_be_used(quiet, folder):
    add_taught(folder)
    add_taught(folder, better=False)
    for number in (2, 7):
        answer = quiet.post("/api/teaching/use", json={"number": number})
        assert answer.status_code == 404
        assert answer.json()["error"]["message"].endswith("there are 0, 1")
    TaughtFolder(folder / ".sam2s/taught/micro", "micro").path(1).unlink()
    gone = quiet.post("/api/teaching/use", json={"number": 1})
    assert "the file of weights 1 is gone" in gone.json()["error"]["message"]


def test_a_server_begins_with_the_weights_that_were_in_use(folder):
    number = add_taught(folder)
    taught = TaughtFolder(folder / ".sam2s/taught/micro", "micro")
    taught.use(number)
    assert open_client(folder).get("/api/server").json()["weights"] == "micro, taught 1"
    other = open_client(folder, weights="sam2.1-tiny").get("/api/teaching").json()
    assert (other["weights"], other["taught"]) == ("sam2.1-tiny", [])
    taught.path(number).unlink()
    assert open_client(folder).get("/api/server").json()["weights"] == "micro"


@pytest.mark.slow
def test_other_weights_take_over_while_a_propagation_runs_and_clicks_wait(folder):
    add_taught(folder)
    with open_client(folder) as client:
        ready(client)
        video = only_video(client)
        object_id = new_object(client, video)
        paint(client, video, object_id, 0, disc((40, 30), 10))
        run = client.post(f"{video}/propagate", json={"frame": 0}).json()["event_id"]
        until(lambda: masks(client, video, 2))
        state = client.post("/api/teaching/use", json={"number": 1}).json()
        assert (state["current"], state["weights"]) == (1, "micro, taught 1")
        ended = done(client, video, run)
        assert ended["state"] in ("stopped", "done")
        assert masks(client, video, ended["frame"])  # what was done stays
        body = {"frame": 5, "object_id": object_id, "points": [{"x": 40, "y": 30}]}
        answer = client.post(f"{video}/prompts", json=body)
        assert answer.status_code == 200, answer.text
        assert masks(client, video, 5)[object_id]["layer"] == "prompted"
        again = client.post(f"{video}/propagate", json={"frame": 5}).json()["event_id"]
        assert done(client, video, again)["state"] == "done"
        events = {event["event_id"]: event["payload"] for event in client.get(f"{video}/events").json()}
        assert events[run]["weights"] == "micro"
        assert events[again]["weights"].endswith("001/weights.safetensors")
        assert client.post("/api/teaching/use", json={"number": 0}).json()["weights"] == "micro"
