"""`sam2s explain`: a finished run is looked into without being changed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from runs_tools import masks, quiet, records
from sam2s.cli import app
from sam2s.errors import OutputError, PromptError
from sam2s.masks import rle
from sam2s.memory import SearchRule
from sam2s.runs import explain as explaining
from sam2s.runs import run
from sam2s.runs.explain import explain_workspace
from sam2s.runs.explain_picture import COLUMNS, GAP, HOT, PANEL, heat_over
from sam2s.video import ArraySource
from sam2s.workspace import Workspace
from tracking_tools import movie


@pytest.mark.parametrize("search", [None, SearchRule()])
def test_objects_that_change_nothing_of_the_one_in_question_are_not_tracked(job, clip, monkeypatch, search):
    settings = replace(job("run", stop=8), policy=replace(job("run").policy, search=search))
    run(settings, quiet)
    tracked, explain = [], explaining.explain

    def watched(session, **asked):
        tracked.append(set(session.tracker.tracks))
        return explain(session, **asked)

    monkeypatch.setattr(explaining, "explain", watched)
    explanation, _ = explain_workspace(settings.out, frame=7, object_id=2, video=str(clip))
    stored = next(record for record in records(settings.out) if record.index == 7).objects[2]
    assert np.array_equal(explanation.result.mask, stored.mask)
    assert tracked == [{2} if search is None else {1, 2}]
    with pytest.raises(PromptError, match="there is no object 9; tracked objects: 1, 2"):
        explain_workspace(settings.out, frame=7, object_id=9, video=str(clip))


def test_it_explains_the_mask_that_the_workspace_holds(job, clip):
    settings = job("whole", stop=16)
    run(settings, quiet, judged=lambda frame: frame.index != 9)
    before = masks(settings.out)
    explanation, sheet = explain_workspace(settings.out, frame=14, object_id=2, video=str(clip))
    stored = next(record for record in records(settings.out) if record.index == 14).objects[2]
    assert np.array_equal(explanation.result.mask, stored.mask)
    assert explanation.result.iou == pytest.approx(stored.iou, abs=1e-5)
    assert [d.frame for d in explanation.decisions] == list(range(3, 15))
    assert explanation.decisions[6].reason == "the frame was not judged"
    assert sheet.shape[1] == COLUMNS * (PANEL + GAP) + GAP
    assert masks(settings.out) == before


def test_the_command_writes_a_picture_and_numbers(job, clip, tmp_path):
    settings = job("run", stop=12)
    run(settings, quiet)
    flags = ["explain", str(settings.out), "--frame", "11", "--object", "1", "--video", str(clip)]
    told = CliRunner().invoke(app, flags)
    assert told.exit_code == 0, told.output
    assert "object 1 on frame 11: visible" in told.output
    assert "frame 3, conditioning" in told.output
    assert "frame 11: " in told.output
    picture = settings.out / "explain/frame-11-object-1.png"
    assert Image.open(picture).size[0] == COLUMNS * (PANEL + GAP) + GAP
    numbers = json.loads(picture.with_suffix(".json").read_text())
    printed = CliRunner().invoke(app, [*flags, "--out", str(tmp_path / "elsewhere"), "--json"])
    assert json.loads(printed.stdout) == numbers
    assert (tmp_path / "elsewhere/frame-11-object-1.png").exists()


def test_a_run_backward_is_explained_backward(job, clip):
    settings = replace(job("back", reverse=True, start=0), prompts=[job("x").prompts[0]._replace(frame=20)])
    run(settings, quiet)
    explanation, _ = explain_workspace(settings.out, frame=12, object_id=1, video=str(clip))
    assert explanation.reads[0].frame == 20
    assert explanation.decisions[-1].frame == 12


def test_other_weights_and_frames_that_were_not_tracked_are_refused(job, weights, clip):
    settings = job("run", stop=8)
    run(settings, quiet)
    with pytest.raises(PromptError, match="object 1 is not tracked on frame 1; it is from frame 3 on"):
        explain_workspace(settings.out, frame=1, object_id=1, video=str(clip))
    with Workspace.open(settings.out, write=True) as workspace, workspace._database.transaction() as connection:
        connection.execute("UPDATE runs SET weights_hash = 'of others'")
    with pytest.raises(OutputError, match="are other weights than those that made the masks"):
        explain_workspace(settings.out, frame=5, object_id=1, video=str(clip))
    explanation, _ = explain_workspace(settings.out, frame=5, object_id=1, weights=str(weights), video=str(clip))
    assert explanation.frame == 5


def test_a_workspace_that_nobody_pointed_into_has_nothing_to_explain(tmp_path):
    from sam2s.workspace import VideoIdentity

    source = ArraySource(movie(4))
    Workspace.create(tmp_path / "empty", VideoIdentity.of(source)).close()
    with pytest.raises(PromptError, match="nobody has pointed at an object in "):
        explain_workspace(tmp_path / "empty", frame=1, object_id=1)


def test_heat_is_strongest_where_attention_is():
    image = np.full((8, 8, 3), 100, np.uint8)
    heat = np.zeros((2, 2), np.float32)
    heat[1, 1] = 0.5
    shown = heat_over(image, heat, 0.5)
    assert shown[0, 0].tolist() == [100, 100, 100]
    strongest = (0.15 * 100 + 0.85 * HOT[1]).round()
    assert np.abs(shown[7, 7].astype(float) - strongest).max() <= 1
    assert rle.area(rle.encode((shown != 100).any(2))) < 40
