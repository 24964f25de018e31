"""`sam2s redact` and `sam2s events` as they are typed."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from sam2s.cli import app
from sam2s.errors import ConfigError, WorkspaceError
from sam2s.quality import EventKind, EventSpan, read_marks
from sam2s.video import VideoWriter, open_source
from sam2s.workspace import VideoIdentity, Workspace


def reddish(t):
    """Noise over a ground in shades of red that drifts."""
    shades = np.roll(np.kron(np.random.default_rng(3).integers(60, 250, (8, 8, 1)), np.ones((8, 8, 1))), 2 * t, 1)
    return (shades * np.array([1.0, 0.5, 0.4])).astype(np.uint8)


@pytest.fixture
def video(tmp_path):
    """40 frames, of which 20 to 29 are black."""
    with VideoWriter(tmp_path / "in.mp4", (64, 64), 25) as writer:
        for t in range(40):
            writer.write(np.zeros((64, 64, 3), np.uint8) if 20 <= t < 30 else reddish(t))
    return tmp_path / "in.mp4"


def typed(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_areas_and_frames_are_hidden_and_the_log_is_printed(video, tmp_path):
    out = tmp_path / "out.mp4"
    done = typed("redact", video, "--out", out, "--area", "0,0,16,16", "--frames", "3-5", "--no-out-of-body", "--json")
    assert done.exit_code == 0, done.output
    log = json.loads(done.stdout)
    assert log["hidden_spans"] == [{"start": 3, "stop": 6, "reason": "given", "seconds": [0.12, 0.24]}]
    assert log["hidden_areas"] == [{"x0": 0, "y0": 0, "x1": 20, "y1": 20}]
    frames = [frame.image for frame in open_source(str(out)).frames()]
    assert max(frames[t].max() for t in (3, 4, 5)) < 8 < frames[6].max()
    assert frames[10][:16, :16].max() < 16


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--area", "1,2,3"], r"--area 1,2,3 is not X0,Y0,X1,Y1"),
        (["--area", "0,0,-4,9"], r"--area 0,0,-4,9 is not"),
        (["--frames", "9-3"], r"--frames 9-3 is not FIRST-LAST"),
        (["--frames", "all"], r"--frames all is not FIRST-LAST"),
    ],
)
def test_flags_that_say_nothing_are_refused(video, tmp_path, flags, message):
    done = typed("redact", video, "--out", tmp_path / "out.mp4", *flags)
    assert isinstance(done.exception, ConfigError)
    with pytest.raises(ConfigError, match=message):
        raise done.exception
    assert not (tmp_path / "out.mp4").exists()


def test_events_are_printed_and_written_into_a_workspace(video, tmp_path):
    source = open_source(str(video))
    Workspace.create(tmp_path / "w", VideoIdentity.of(source)).close()
    source.close()
    done = typed("events", "--workspace", tmp_path / "w", "--json")
    assert done.exit_code == 0, done.output
    black = [row for row in json.loads(done.stdout) if row["kind"] == "black"]
    assert black == [{"kind": "black", "start": 20, "stop": 30, "start_seconds": 0.8, "stop_seconds": 1.2}]
    with Workspace.open(tmp_path / "w") as workspace:
        assert EventSpan(EventKind.BLACK, 20, 30) in read_marks(workspace)
    assert "black         frames 20 to 29  0.80 s, 0.40 s long" in typed("events", video).stdout


def test_events_need_a_video_and_its_own_workspace(video, tmp_path):
    assert "VIDEO is missing" in str(typed("events").exception)
    Workspace.create(tmp_path / "w", VideoIdentity("other", "another", (64, 64))).close()
    done = typed("events", video, "--workspace", tmp_path / "w")
    assert isinstance(done.exception, WorkspaceError)
    assert "belongs to other, which is another video" in str(done.exception)
