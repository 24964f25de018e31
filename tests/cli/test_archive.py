"""`sam2s archive` as a person runs it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from archive_tools import job
from result_tools import make_result
from sam2s.archive import Manifest
from sam2s.cli import app
from sam2s.errors import ConfigError, OutputError
from sam2s.tracking.mask_quality import Alarm, MaskQuality
from sam2s.workspace import FrameRecord, Workspace, to_record
from workspace_tools import VIDEO, fill


def sam2s(*arguments, status=0):
    done = CliRunner().invoke(app, ["archive", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == status, done.output
    return done.stdout


@pytest.fixture
def archive(tmp_path):
    with Manifest.create(tmp_path, [job("good"), job("bad"), job("late")]) as manifest:
        manifest.mark_running("good")
        manifest.mark_done("good", seconds=2.0, frames=1200, place="here:1")
        manifest.mark_running("bad")
        manifest.mark_failed("bad", fault="job", reason="bad.mp4 cannot be opened", seconds=0.5, place="here:1")
    return tmp_path


def test_status_and_report_say_what_became_of_every_job(archive):
    text = sam2s("status", archive)
    assert "good  done            1     1,200       2.0  here:1" in text
    assert "1 pending, 0 running, 1 done, 1 failed; 1,200 frames in 2.5 s of work" in text
    assert "    bad.mp4 cannot be opened" in text
    failed = sam2s("report", archive, status=1)
    assert "good" not in failed.splitlines()[1]
    assert "    bad.mp4 cannot be opened" in failed
    content = json.loads(sam2s("status", archive, "--json"))
    assert content["counts"] == {"pending": 1, "running": 0, "done": 1, "failed": 1}
    assert content["jobs"][1]["reason"] == "bad.mp4 cannot be opened"


def test_alarms_of_finished_videos_are_listed(archive):
    with Workspace.create(archive / "good", VIDEO) as workspace:
        fill(workspace, range(2))
        event = workspace.record("propagate").event_id
        for frame in (5, 6, 7):
            entry = to_record(make_result(frame, (1,))).objects[1]
            entry = replace(entry, quality=MaskQuality(0.3, 0.7, (Alarm.LEAK,)))
            workspace.write_frame(FrameRecord(frame, None, {1: entry}), event)
    text = sam2s("report", archive, "--alarms", status=1)
    lines = text.splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("good"))
    assert lines[place + 1] == "    grasper (1), frames 5 to 7: the mask has grown suddenly (leak)"
    assert lines[-1] == "1 stretches to look at, in 1 of 1 finished videos"
    assert "leak" not in sam2s("report", archive, status=1)
    good, bad, _ = json.loads(sam2s("report", archive, "--alarms", "--json", status=1))["jobs"]
    assert good["alarms"] == [{"object_id": 1, "name": "grasper", "alarm": "leak", "start": 5, "stop": 8}]
    assert "alarms" not in bad


def test_a_workspace_that_is_gone_is_said_where_its_alarms_would_be(archive):
    text = sam2s("report", archive, "--alarms", status=1)
    assert "    its alarms cannot be read: " in text
    assert str(archive / "good") in text
    assert "0 stretches to look at, in 0 of 1 finished videos" in text


def test_retry_makes_failed_jobs_pending(archive):
    assert "1 jobs are pending again" in sam2s("retry", archive)
    assert json.loads(sam2s("status", archive, "--json"))["counts"]["failed"] == 0
    assert sam2s("report", archive).splitlines()[1].startswith("2 pending")


@pytest.mark.parametrize("verb", ["status", "report", "retry"])
def test_a_folder_without_archive_is_refused(tmp_path, verb):
    with pytest.raises(OutputError, match="holds no archive"):
        sam2s(verb, tmp_path)


def test_split_writes_jobs_of_parts(tmp_path):
    np.save(tmp_path / "v.npy", np.zeros((30, 32, 32, 3), np.uint8))
    (tmp_path / "jobs.jsonl").write_text('{"video": "v.npy", "proposer": "d.py:f"}')
    text = sam2s("split", tmp_path / "jobs.jsonl", "--out", tmp_path / "parts.jsonl", "--longest", 20, "--overlap", 2)
    assert text.endswith("2 jobs\n")
    rows = [json.loads(line) for line in (tmp_path / "parts.jsonl").read_text().splitlines()]
    assert [(row["name"], row["start"], row["stop"]) for row in rows] == [("v.part-001", 0, 22), ("v.part-002", 20, 30)]
    with pytest.raises(ConfigError, match=r"must end in \.jsonl"):
        sam2s("split", tmp_path / "jobs.jsonl", "--out", tmp_path / "parts.csv")
