"""`sam2s serve`: the API without pages, driven by the example that speaks HTTP alone."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from app_tools import SIZE, open_client
from sam2s.masks import rle
from sam2s.workspace import Workspace

CLIENT = Path(__file__).parents[2] / "examples" / "serve_client.py"


def test_pages_are_left_out_and_nothing_else(tmp_path, clip):
    shutil.copy(clip, tmp_path / "clip.mp4")
    with open_client(tmp_path, pages=False) as client, open_client(tmp_path) as whole:
        assert [client.get(page).status_code for page in ("/", "/work/x", "/static/work.js")] == [404] * 3
        assert whole.get("/").status_code == 200
        assert client.get("/api/openapi.json").json() == whole.get("/api/openapi.json").json()
        assert [card["name"] for card in client.get("/api/videos").json()] == ["clip.mp4"]
        assert client.get("/").json()["error"]["kind"] == "not-found"


def test_a_program_tracks_over_http(tmp_path, clip):
    shutil.copy(clip, tmp_path / "clip.mp4")
    command = [sys.executable, "-m", "sam2s", "serve", str(tmp_path), "--port", "0", "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = re.fullmatch(r"open (http://127\.0\.0\.1:\d+)/api/openapi\.json\n", server.stdout.readline())[1]
            words = [sys.executable, str(CLIENT), address, "--box", "8,8,60,50", "--frames", "4"]
            done = subprocess.run(words, capture_output=True, text=True, timeout=300)
        finally:
            server.send_signal(signal.SIGINT)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "tracking done"
    found = {}
    for line in lines[1:]:
        number, text = re.fullmatch(r"frame (\d+) object 1 (.*)", line).groups()
        found[int(number)] = rle.decode(json.loads(text))
    with Workspace.open(tmp_path / "clip.mp4.sam2s") as workspace:
        stored = {record.index: record.objects[1].mask for record in workspace.frames()}
    assert list(stored) == [0, 1, 2, 3]
    assert found[0].shape == SIZE
    assert found[0].any()
    assert all(np.array_equal(found[index], mask) for index, mask in stored.items() if index in found)
