"""`sam2s demo` makes a clip, tracks two instruments and says where everything is."""

import json
import os
import signal

import numpy as np
import pytest
from typer.testing import CliRunner

from model_tools import nano
from sam2s.checkpoints import save_checkpoint
from sam2s.cli import app
from sam2s.errors import CheckpointError, OutputError
from sam2s.video import VideoWriter
from sam2s.workspace import VideoIdentity, Workspace


def test_demo(tmp_path):
    model = nano()
    save_checkpoint(tmp_path / "nano.safetensors", model.state_dict(), model.config)
    out = tmp_path / "demo"
    done = CliRunner().invoke(
        app, ["demo", "--out", str(out), "--frames", "4", "--weights", str(tmp_path / "nano.safetensors"), "--json"]
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert len(told["j_and_f"]) == 2
    assert all(0 <= score <= 100 for score in told["j_and_f"].values())
    assert {path.split("/")[-1] for path in told["outputs"].values()} == {
        "clip.mp4",
        "overlay.mp4",
        "davis",
        "masks.csv",
    }
    assert (out / "run" / "overlay.mp4").stat().st_size > 1000


def test_a_stopped_demo_says_so_by_its_status(tmp_path, monkeypatch):
    model, write_frame = nano(), Workspace.write_frame
    save_checkpoint(tmp_path / "nano.safetensors", model.state_dict(), model.config)

    def write_and_stop(workspace, *arguments, **keywords):
        write_frame(workspace, *arguments, **keywords)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Workspace, "write_frame", write_and_stop)
    done = CliRunner().invoke(
        app, ["demo", "--out", str(tmp_path / "demo"), "--frames", "3", "--weights", str(tmp_path / "nano.safetensors")]
    )
    assert done.exit_code == 130, done.output


def test_a_demo_overwrites_nothing_but_a_demo(tmp_path):
    model = nano()
    save_checkpoint(tmp_path / "nano.safetensors", model.state_dict(), model.config)
    demo = ["demo", "--out", str(tmp_path / "d"), "--frames", "3", "--weights", str(tmp_path / "nano.safetensors")]

    def start(*more):
        return CliRunner().invoke(app, [*demo, *more], catch_exceptions=False)

    def state():
        return {path: path.read_bytes() for path in (tmp_path / "d").rglob("*") if path.is_file()}

    assert start().exit_code == 0
    assert start("--seed", "3").exit_code == 0, "a demo replaces a demo"
    database = tmp_path / "d" / "run" / "workspace.sqlite"
    ours = database.read_bytes()
    Workspace.create(database.parent, VideoIdentity("other", "0", (64, 64)), overwrite=True).close()
    before = state()
    with pytest.raises(OutputError, match=r"run holds a run of another video than the demo's; move it or give another"):
        start()
    assert state() == before
    database.write_bytes(ours)
    with VideoWriter(tmp_path / "d" / "clip.mp4", (64, 64), 25, title="mine") as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
    before = state()
    with pytest.raises(OutputError, match=r"clip.mp4 is there and was not drawn by sam2s demo; move it or"):
        start()
    assert state() == before


def test_a_demo_that_stopped_early_is_in_the_way_of_none(tmp_path):
    model = nano()
    save_checkpoint(tmp_path / "nano.safetensors", model.state_dict(), model.config)
    demo = ["demo", "--out", str(tmp_path / "d"), "--frames", "3", "--weights"]
    good = str(tmp_path / "nano.safetensors")
    assert CliRunner().invoke(app, [*demo, good]).exit_code == 0
    with pytest.raises(CheckpointError):  # when another clip has been drawn already
        CliRunner().invoke(app, [*demo, str(tmp_path / "none.safetensors"), "--seed", "3"], catch_exceptions=False)
    assert CliRunner().invoke(app, [*demo, good]).exit_code == 0
