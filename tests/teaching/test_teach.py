"""The whole way, from accepted masks to weights in use, and back."""

import json

import pytest
from typer.testing import CliRunner

from sam2s.checkpoints import load_checkpoint
from sam2s.cli import app
from sam2s.synth import Scene
from sam2s.synth.export import write_clip
from sam2s.teaching import TaughtFolder, plan_teaching
from sam2s.teaching.trial import LEAST_GAIN
from teaching_tools import make_workspace


@pytest.fixture
def workspace(tmp_path):
    clip = tmp_path / "clip"
    write_clip(Scene(5, 96, 40, kind="robotic", drift=0.0), clip)
    make_workspace(tmp_path / "w", clip, [(0, (0, 20)), (1, (0, 20)), (0, (24, 36)), (1, (24, 36))])
    return tmp_path / "w"


def test_the_plan_says_what_will_be_done(workspace, tmp_path):
    plan = plan_teaching([workspace], tmp_path / "taught", minutes=3)
    assert plan.lines()[0] == "learns from 20 accepted frames of 2 objects, for 3 minutes"
    assert plan.lines()[1].startswith("measures on 12 frames held out: the last accepted span")
    assert not (tmp_path / "taught/taught.json").exists()


@pytest.mark.parametrize("minutes", ["0", "-3", "1e9", "nan"])
def test_minutes_that_cannot_be_are_refused(workspace, tmp_path, minutes):
    done = CliRunner().invoke(app, ["teach", str(workspace), "--out", str(tmp_path / "t"), "--minutes", minutes])
    assert "cannot be used; give more than 0 and at most 10000" in str(done.exception)


@pytest.mark.slow
def test_teaching_measures_every_candidate_and_keeps_what_is_better(workspace, tmp_path):
    out = tmp_path / "taught"
    done = CliRunner().invoke(
        app, ["teach", str(workspace), "--out", str(out), "--minutes", "0.3", "--json"], catch_exceptions=False
    )
    taught = json.loads(done.stdout)
    assert list(taught["scores"]) == [
        "before",
        "average, 0.25 new",
        "average, 0.5 new",
        "average, 0.75 new",
        "after",
    ]
    assert all({"val_jf", "val_jf_mask", "val_jf_box", "val_jf_3-click"} <= set(s) for s in taught["scores"].values())
    best = max(taught["scores"].values(), key=lambda scores: scores["val_jf"])
    assert taught["taken"] == (best["val_jf"] >= taught["scores"]["before"]["val_jf"] + LEAST_GAIN)
    folder = TaughtFolder(out, "micro")
    if taught["taken"]:
        assert load_checkpoint(folder.current).metadata.training
        folder.use(0)
    assert folder.current == "micro"
