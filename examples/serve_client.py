"""Drive `sam2s serve` from a program: point at an object, track it, read its masks. The standard library is enough.

sam2s serve operations/ --port 8123 &
python examples/serve_client.py http://127.0.0.1:8123 --box 195,48,550,293 --frames 50
"""

from __future__ import annotations

import argparse
import json
import time
import urllib.request
from typing import Any


class Server:
    """Calls of the API; answers that are no success raise `urllib.error.HTTPError`, whose body says why."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.address = address.rstrip("/")
        self.headers = {"X-Tab": "robot", "X-User": "robot", "Content-Type": "application/json"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request; returns what the JSON answer holds."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, self.headers, method=method)
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.loads(answer.read())


def main() -> None:
    """Track one object through the first video of the server and print the area of its mask on each frame."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address")
    parser.add_argument("--token", help="needed when the server listens beyond this machine")
    parser.add_argument("--box", required=True, help="x0,y0,x1,y1 in pixels of the video")
    parser.add_argument("--frames", type=int, default=50, help="how many to track")
    given = parser.parse_args()
    server = Server(given.address, given.token)
    video = f"/api/videos/{server.call('GET', '/api/videos')[0]['id']}"
    found = server.call("POST", f"{video}/objects", {"name": "grasper"})["object_id"]
    box = [float(value) for value in given.box.split(",")]
    server.call("POST", f"{video}/prompts", {"frame": 0, "object_id": found, "box": box})
    plan = {"frame": 0, "until": "frames", "frames": given.frames - 1, "objects": [found]}
    run = server.call("POST", f"{video}/propagate", plan)["event_id"]
    while (state := run_state(server, video, run)) in ("waiting", "running"):
        time.sleep(0.1)  # masks of frames that are done can be read meanwhile
    print(f"tracking {state}")
    for frame in range(given.frames):
        for mask in server.call("GET", f"{video}/frames/{frame}/masks")["objects"]:
            print(f"frame {frame} object {mask['object_id']} {json.dumps(mask['rle'])}")


def run_state(server: Server, video: str, run: int) -> str:
    """How a propagation stands."""
    return next(item["state"] for item in server.call("GET", f"{video}/runs") if item["event_id"] == run)


if __name__ == "__main__":
    main()
