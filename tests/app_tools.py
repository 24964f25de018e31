"""A served folder with a clip whose frames carry their numbers, and a client of the app on it."""

import time

from fastapi.testclient import TestClient

from app_masks import disc
from sam2s.app.server import create_app
from sam2s.app.settings import AppLimits, AppSettings
from sam2s.masks import rle

SIZE = (64, 96)
LENGTH = 24
ADDRESS = "http://127.0.0.1:8123"
SMALL = AppLimits(upload_bytes=1 << 20, upload_chunk_bytes=1 << 16, open_uploads=2, masks_per_request=16)


def open_client(folder, *, headers=None, base_url=ADDRESS, client=None, **settings):
    """A client of a new server; use it in a `with` block, which starts the tracking process."""
    settings.setdefault("limits", SMALL)
    app = create_app(AppSettings(folder=folder, **settings))
    return TestClient(app, base_url=base_url, headers={"X-Tab": "first", **(headers or {})})


def only_video(client):
    """The address of the only video of a folder."""
    (card,) = client.get("/api/videos").json()
    return f"/api/videos/{card['id']}"


def until(condition, seconds=60):
    """Wait for something that another process does."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def ready(client):
    """Wait until the weights are loaded."""
    until(lambda: client.get("/api/server").json()["ready"])


def new_object(client, video, **fields):
    return client.post(f"{video}/objects", json=fields).json()["object_id"]


def paint(client, video, object_id, frame, mask):
    """Put a mask on a frame by the brush."""
    body = {"frame": frame, "object_id": object_id, "rle": rle.encode(mask)}
    answer = client.post(f"{video}/brush", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def masks(client, video, frame):
    """Masks that are shown on a frame, by object."""
    shown = client.get(f"{video}/frames/{frame}/masks").json()["objects"]
    return {entry["object_id"]: entry for entry in shown}


def done(client, video, event_id):
    """Wait for the end of a propagation and return how it ended."""

    def ended():
        runs = {run["event_id"]: run for run in client.get(f"{video}/runs").json()}
        return runs[event_id] if runs[event_id]["state"] != "running" else None

    return until(ended)


__all__ = [
    "LENGTH",
    "SIZE",
    "disc",
    "done",
    "masks",
    "new_object",
    "only_video",
    "open_client",
    "paint",
    "ready",
    "until",
]
