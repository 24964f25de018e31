"""The server is killed at ten random moments; what it confirmed is there."""

import random
import shutil
import threading
import time

import httpx
import numpy as np
import pytest

from app_browser import Server
from app_masks import disc
from sam2s.masks import rle
from sam2s.workspace import Workspace

pytestmark = pytest.mark.slow


def act(client, video, confirmed, rng):
    """One random act; what was confirmed is noted once the answer is there."""
    frame = rng.randrange(24)
    mask = disc((rng.randrange(20, 70), rng.randrange(20, 40)), rng.randrange(4, 14))
    kind = rng.choice(["brush", "brush", "rename", "propagate", "prompt"])
    if kind == "brush":
        body = {"frame": frame, "object_id": 1, "rle": rle.encode(mask)}
        client.post(f"{video}/brush", json=body).raise_for_status()
        confirmed["masks"][frame] = mask
    elif kind == "prompt":
        body = {"frame": frame, "object_id": 2, "points": [{"x": 40, "y": 30}]}
        answer = client.post(f"{video}/prompts", json=body)
        if answer.status_code == 200:
            (shown,) = [one for one in answer.json()["masks"]["objects"] if one["object_id"] == 2]
            confirmed["prompted"][frame] = rle.decode(shown["rle"])
    elif kind == "rename":
        name = f"name {rng.random()}"
        client.patch(f"{video}/objects/1", json={"name": name}).raise_for_status()
        confirmed["name"] = name
    else:
        client.post(f"{video}/propagate", json={"frame": frame, "until": "frames", "frames": 3, "objects": [1]})


def work(address, confirmed, rng, stop):
    with httpx.Client(base_url=address, headers={"X-Tab": "t", "X-User": "Ada"}, timeout=60) as client:
        try:
            (card,) = client.get("/api/videos").json()
            video = f"/api/videos/{card['id']}"
            while len(client.get(f"{video}/objects").json()) < 2:
                client.post(f"{video}/objects", json={}).raise_for_status()
            while not stop.is_set():
                act(client, video, confirmed, rng)
        except (httpx.TransportError, ValueError):
            return  # killed in the middle of a request, which was not confirmed


def test_nothing_confirmed_is_lost_when_the_server_is_killed_ten_times(tmp_path, clip):
    shutil.copy(clip, tmp_path / "clip.mp4")
    rng = random.Random(3)
    server = Server(tmp_path)
    confirmed = {"masks": {}, "prompted": {}, "name": None}
    for _ in range(10):
        server.start()
        if rng.random() < 0.5:  # also while the weights are being loaded
            server.ready()
        stop = threading.Event()
        worker = threading.Thread(target=work, args=(server.address, confirmed, rng, stop))
        worker.start()
        time.sleep(0.3 + 2.5 * rng.random())
        server.kill()
        stop.set()
        worker.join(60)
        if not Workspace.exists(tmp_path / "clip.mp4.sam2s"):
            assert not confirmed["masks"]
            continue
        with Workspace.open(tmp_path / "clip.mp4.sam2s") as workspace:
            report = workspace.check()
            assert report.whole, report.problems
            if confirmed["name"] is not None:
                assert workspace.objects()[0].name == confirmed["name"]
            for frame, mask in confirmed["masks"].items():
                assert np.array_equal(workspace.read_frame(frame).objects[1].mask, mask), frame
            for frame, mask in confirmed["prompted"].items():
                assert np.array_equal(workspace.read_frame(frame).objects[2].mask, mask), frame
    assert len(confirmed["masks"]) > 5
