"""Runs with `events`: frames of a black screen are not judged, a killed run goes on exactly, marks are left behind."""

import json
from dataclasses import replace

import numpy as np
import pytest

from runs_tools import checkpoint_every, masks, quiet, records
from sam2s.errors import DamagedWorkspaceError
from sam2s.quality import EventKind, EventSpan, read_marks
from sam2s.runs import run
from sam2s.tracking import ObjectState
from sam2s.workspace import Workspace


def reddish(frames=30, height=48, width=80):
    """uint8 [T, H, W, 3]: blocks of red in many shades that drift."""
    shades = np.random.default_rng(3).integers(60, 250, (height // 8, (width + 2 * frames) // 8 + 1, 1))
    wide = np.kron(shades, np.ones((8, 8, 1))) * np.array([1.0, 0.5, 0.4])
    return np.stack([wide[:, 2 * t : 2 * t + width] for t in range(frames)]).astype(np.uint8)


@pytest.fixture
def dark_job(job, tmp_path):
    """Jobs on a clip that is black from frame 12 to 17."""
    frames = reddish()
    frames[12:18] = 0
    np.save(tmp_path / "dark.npy", frames)
    return lambda out, **changes: replace(job(out), input=str(tmp_path / "dark.npy"), **{"events": True, **changes})


def states(folder):
    return {record.index: record.objects[1].state for record in records(folder)}


def unjudged(folder):
    return [index for index, state in states(folder).items() if state is ObjectState.NOT_JUDGED]


def marks(folder):
    with Workspace.open(folder) as workspace:
        return [span for span in read_marks(workspace) if span.kind is EventKind.BLACK]


def test_black_frames_are_not_judged_and_marked(dark_job):
    run(dark_job("out"), quiet)
    # The event is known on its second frame, and known to be over on the fourth frame behind it.
    assert unjudged(dark_job("out").out) == [13, 14, 15, 16, 17, 18, 19, 20]
    assert marks(dark_job("out").out) == [EventSpan(EventKind.BLACK, 12, 18)]


def test_without_the_flag_all_frames_are_judged(dark_job, tmp_path):
    run(dark_job("out", events=False), quiet)
    assert unjudged(dark_job("out").out) == []
    assert marks(dark_job("out").out) == []


@pytest.mark.parametrize("crash_at", [6, 14, 20])
def test_a_killed_run_knows_the_events_so_far(dark_job, monkeypatch, crash_at):
    checkpoint_every(4, monkeypatch)
    run(dark_job("whole"), quiet)

    def crash(what, done, total):
        if done == crash_at:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        run(dark_job("broken"), crash)
    (file,) = (dark_job("broken").out / "snapshots").glob("*.events-*.json")
    assert json.loads(file.read_text())["detector"]["usual"]["count"] > 0
    assert run(dark_job("broken"), quiet).resumed_at is not None
    assert masks(dark_job("broken").out) == masks(dark_job("whole").out)
    assert marks(dark_job("broken").out) == marks(dark_job("whole").out)
    assert not (dark_job("broken").out / "snapshots").exists()


def test_a_run_whose_knowledge_of_events_is_lost_says_so(dark_job, monkeypatch):
    checkpoint_every(4, monkeypatch)

    def crash(what, done, total):
        if done == 14:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        run(dark_job("broken"), crash)
    (file,) = (dark_job("broken").out / "snapshots").glob("*.events-*.json")
    file.write_text("{}")
    with pytest.raises(DamagedWorkspaceError, match=r"what the run knew of events .* lost or damaged .* --overwrite"):
        run(dark_job("broken"), quiet)


def test_backward_runs_judge_too(dark_job):
    settings = dark_job("out", reverse=True)
    late = [entry._replace(frame=26) for entry in settings.prompts]
    run(replace(settings, prompts=late), quiet)
    assert unjudged(settings.out) == [9, 10, 11, 12, 13, 14, 15, 16]
    assert marks(settings.out) == [EventSpan(EventKind.BLACK, 12, 18)]
