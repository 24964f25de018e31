"""Clicks and propagation through the real tracking process with the bundled weights."""

import os
import signal

import numpy as np
import pytest

from app_tools import LENGTH, disc, done, masks, new_object, paint, ready, until
from sam2s.masks import rle


def mask_of(client, video, frame, object_id=1):
    return rle.decode(masks(client, video, frame)[object_id]["rle"])


def test_a_click_is_answered_with_a_mask_under_it(video):
    client, address = video
    new_object(client, address)
    body = {"frame": 3, "object_id": 1, "points": [{"x": 40, "y": 30, "positive": True}]}
    answer = client.post(f"{address}/prompts", json=body).json()
    (shown,) = answer["masks"]["objects"]
    assert shown["layer"] == "prompted"
    assert shown["prompted"]
    (prompt,) = client.get(f"{address}/prompts?frame=3").json()
    assert prompt["points"] == [{"x": 40.0, "y": 30.0, "positive": True}]
    assert client.post(f"{address}/prompts/clear", json={"frame": 3, "object_id": 1}).status_code == 200
    assert client.get(f"{address}/prompts?frame=3").json() == []
    assert not masks(client, address, 3)
    client.post(f"{address}/undo")
    assert masks(client, address, 3)[1] == shown


def test_a_propagation_writes_every_frame_of_its_span_and_no_other(video):
    client, address = video
    new_object(client, address)
    paint(client, address, 1, 8, disc())
    run = client.post(f"{address}/propagate", json={"frame": 8, "until": "frames", "frames": 4}).json()
    assert done(client, address, run["event_id"])["state"] == "done"
    assert [frame for frame in range(LENGTH) if masks(client, address, frame)] == [8, 9, 10, 11, 12]
    run = client.post(
        f"{address}/propagate", json={"frame": 8, "direction": "backward", "until": "frames", "frames": 3}
    )
    assert done(client, address, run.json()["event_id"])["state"] == "done"
    assert [frame for frame in range(LENGTH) if masks(client, address, frame)] == list(range(5, 13))
    layers = {frame: masks(client, address, frame)[1]["layer"] for frame in range(5, 13)}
    assert [frame for frame, layer in layers.items() if layer != "propagated"] == [8]


@pytest.mark.slow
def test_accepted_frames_are_not_rewritten_and_end_a_propagation_to_the_next_given_frame(video):
    client, address = video
    new_object(client, address)
    paint(client, address, 1, 0, disc())
    paint(client, address, 1, 10, disc((20, 20), 6))
    client.post(f"{address}/accept", json={"start": 10, "stop": 11})
    run = client.post(f"{address}/propagate", json={"frame": 0, "until": "prompt"}).json()
    assert done(client, address, run["event_id"])["state"] == "done"
    assert [frame for frame in range(LENGTH) if masks(client, address, frame)] == list(range(11))
    run = client.post(f"{address}/propagate", json={"frame": 0}).json()
    assert done(client, address, run["event_id"])["state"] == "done"
    assert [frame for frame in range(LENGTH) if masks(client, address, frame)] == list(range(LENGTH))
    assert np.array_equal(mask_of(client, address, 10), disc((20, 20), 6))
    assert masks(client, address, 10)[1]["accepted"]


def test_a_propagation_passes_several_frames_that_were_painted_ahead_of_it(video):
    client, address = video
    new_object(client, address)
    for frame in (0, 4, 8, 12):
        paint(client, address, 1, frame, disc((40 + frame, 32)))
    run = client.post(f"{address}/propagate", json={"frame": 0, "until": "frames", "frames": 14}).json()
    ended = done(client, address, run["event_id"])
    assert ended["state"] == "done", ended["message"]
    layers = [masks(client, address, frame)[1]["layer"] for frame in range(15)]
    assert [frame for frame, layer in enumerate(layers) if layer == "brushed"] == [0, 4, 8, 12]


def test_only_chosen_objects_are_carried(video):
    client, address = video
    for centre in ((25, 30), (70, 30)):
        paint(client, address, new_object(client, address), 0, disc(centre, 8))
    run = client.post(f"{address}/propagate", json={"frame": 0, "until": "frames", "frames": 2, "objects": [2]}).json()
    done(client, address, run["event_id"])
    assert list(masks(client, address, 2)) == [2]


@pytest.mark.slow
def test_a_stopped_propagation_keeps_what_is_done_and_goes_on_as_if_it_had_not_been_stopped(video):
    client, address = video
    paint(client, address, new_object(client, address), 0, disc())
    run = client.post(f"{address}/propagate", json={"frame": 0}).json()
    done(client, address, run["event_id"])
    whole = [mask_of(client, address, frame) for frame in range(LENGTH)]
    client.post(f"{address}/undo")
    assert not masks(client, address, 1)
    run = client.post(f"{address}/propagate", json={"frame": 0}).json()
    until(lambda: masks(client, address, 4))
    stopped = client.post(f"{address}/runs/{run['event_id']}/stop").json()
    assert stopped["state"] == "stopped"
    written = [frame for frame in range(LENGTH) if masks(client, address, frame)]
    assert written == list(range(len(written)))
    assert len(written) < LENGTH
    run = client.post(f"{address}/propagate", json={"frame": written[-1]}).json()
    done(client, address, run["event_id"])
    again = [mask_of(client, address, frame) for frame in range(LENGTH)]
    assert all(np.array_equal(one, other) for one, other in zip(whole, again, strict=True))


def test_what_it_remembers_is_told_can_be_dropped_and_marks_what_rests_on_it(video):
    client, address = video
    paint(client, address, new_object(client, address), 2, disc())
    run = client.post(f"{address}/propagate", json={"frame": 2, "until": "frames", "frames": 6}).json()
    done(client, address, run["event_id"])
    memory = client.get(f"{address}/memory?object_id=1&frame=6").json()
    assert [(frame["frame"], frame["kind"]) for frame in memory["frames"]].count((2, "conditioning")) == 1
    timeline = f"{address}/timeline?start=0&stop={LENGTH}&buckets={LENGTH}"
    assert sum(client.get(timeline).json()["rows"]["1"]["stale"]) == 0
    client.post(f"{address}/memory/drop", json={"object_id": 1, "frame": 2})
    assert client.get(timeline).json()["rows"]["1"]["stale"][:10] == [0, 0, 0, 1, 1, 1, 1, 1, 1, 0]
    assert client.get(f"{address}/memory?object_id=1&frame=6").json()["frames"] == []
    client.post(f"{address}/undo")
    assert sum(client.get(timeline).json()["rows"]["1"]["stale"]) == 0


@pytest.mark.slow
def test_a_tracking_process_that_dies_is_replaced_and_nothing_is_lost(video):
    client, address = video
    paint(client, address, new_object(client, address), 0, disc())
    engine = client.app.state.context.engine
    run = client.post(f"{address}/propagate", json={"frame": 0}).json()
    until(lambda: masks(client, address, 3))
    old = engine.pid
    os.kill(old, signal.SIGKILL)
    ended = done(client, address, run["event_id"])
    assert ended["state"] == "failed"
    assert "what it had done is saved" in ended["message"]
    assert masks(client, address, 3)
    until(lambda: engine.pid != old)
    ready(client)
    run = client.post(f"{address}/propagate", json={"frame": 3}).json()
    assert done(client, address, run["event_id"])["state"] == "done"
    assert masks(client, address, LENGTH - 1)


def test_frames_that_are_marked_as_hiding_the_scene_are_not_judged(video):
    client, address = video
    new_object(client, address)
    paint(client, address, 1, 2, disc())
    desk = client.app.state.context.desks.open(client.app.state.context.library.find(address.rsplit("/", 1)[1]))
    desk.writer().put_video_marks({"black": [(4, 6, None)]})
    desk.writer().put_video_marks({"smoke": [(6, 7, None)]})
    run = client.post(f"{address}/propagate", json={"frame": 2, "until": "frames", "frames": 5}).json()
    assert done(client, address, run["event_id"])["state"] == "done"
    states = {record.index: str(record.objects[1].state) for record in desk.writer().frames()}
    assert [frame for frame, state in states.items() if state == "not_judged"] == [4, 5]
    assert set(states) == {2, 3, 4, 5, 6, 7}


def test_a_propagation_that_searches_doubts_what_it_finds_and_one_after_it_does_not(video):
    client, address = video
    new_object(client, address)
    paint(client, address, 1, 2, disc())
    states = {}
    for search in (True, False):
        body = {"frame": 2, "until": "frames", "frames": 8, "search": search}
        run = client.post(f"{address}/propagate", json=body).json()
        assert done(client, address, run["event_id"])["state"] == "done"
        states[search] = {masks(client, address, frame)[1]["state"] for frame in range(3, 11)}
    assert states[True] & {"uncertain", "searching"}
    assert not states[False] & {"uncertain", "searching"}
    plans = [e["payload"] for e in client.get(f"{address}/events").json() if e["kind"] == "propagate"]
    assert [plan["search"] for plan in plans] == [True, False]
    assert client.post(f"{address}/propagate", json={"frame": 2, "search": "far"}).json()["error"]["field"] == "search"
