"""Which results count: those of the very video, and averages only of all of them."""

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from evaluation_tools import write_sequence
from sam2s.cli import app
from sam2s.evaluation.collect import collect
from sam2s.evaluation.datasets import open_videos
from sam2s.evaluation.evaluate import evaluate
from sam2s.evaluation.plan import EvalRun, EvalSettings
from sam2s.evaluation.rules import Prompting, Rules
from sam2s.evaluation.tables import markdown
from sam2s.masks.palette import write_label_map
from sam2s.sasv.build import run_build as build
from sam2s.sasv.fixtures import endovis18
from sam2s.sasv.plan import BuildOptions, plan_build

COPY = EvalRun("copy", "copy", Prompting.MASK)


@pytest.fixture
def data(tmp_path):
    for number, name in enumerate(("a/one", "a/two", "b/three")):
        write_sequence(tmp_path / "data" / name, seed=number)
    return tmp_path / "data"


def test_results_of_changed_videos_are_done_again(data, tmp_path):
    """A mask that is corrected, and a frame that is replaced."""
    evaluate(open_videos([str(data)]), [COPY], EvalSettings(), tmp_path)
    before = {path.stem: path.stat().st_mtime_ns for path in tmp_path.rglob("results/*/*.json")}
    write_label_map(data / "a/two/masks/003.png", np.ones((40, 56), np.uint8))
    Image.fromarray(np.zeros((40, 56, 3), np.uint8)).save(data / "b/three/frames/004.png")
    videos = open_videos([str(data)])
    missing = collect(tmp_path, COPY, videos, Rules()).missing
    assert missing == dict.fromkeys(("a/two", "b/three"), "changed since it was done")
    evaluate(videos, [COPY], EvalSettings(), tmp_path)
    after = {path.stem: path.stat().st_mtime_ns for path in tmp_path.rglob("results/*/*.json")}
    assert {name for name in after if after[name] != before[name]} == {"two", "three"}
    assert not collect(tmp_path, COPY, videos, Rules()).missing


def test_a_changed_video_that_fails_has_no_score(data, tmp_path):
    evaluate(open_videos([str(data)]), [COPY], EvalSettings(), tmp_path)
    (data / "b/three/masks/002.png").write_bytes(b"no picture")
    videos = open_videos([str(data)])
    evaluate(videos, [COPY], EvalSettings(), tmp_path)
    assert "002.png" in collect(tmp_path, COPY, videos, Rules()).missing["b/three"]


def test_a_moved_copy_is_not_done_again(data, tmp_path):
    evaluate(open_videos([str(data)]), [COPY], EvalSettings(), tmp_path)
    shutil.copytree(data, tmp_path / "elsewhere")  # with other times
    assert not collect(tmp_path, COPY, open_videos([str(tmp_path / "elsewhere")]), Rules()).missing


def test_missing_videos_mark_their_column_and_leave_no_average(data, tmp_path):
    (data / "a/two/masks/002.png").write_bytes(b"no picture")
    videos = open_videos([str(data)])
    evaluate(videos, [COPY], EvalSettings(), tmp_path)
    outcome = collect(tmp_path, COPY, videos, Rules())
    assert outcome.incomplete == {"a"}
    lines = [re.sub(" +", " ", line) for line in markdown([outcome]).splitlines()]
    head = next(line for line in lines if line.startswith("| Model | Res | a | b | Avg |"))
    row = lines[lines.index(head) + 2].split(" | ")
    assert row[2] == f"{outcome.subsets()['a']:.2f}*"
    assert row[3] == f"{outcome.subsets()['b']:.2f}"
    assert row[4] == "-"
    assert "Numbers with * are without the videos under Missing" in markdown([outcome])
    report = outcome.to_json(Rules())
    assert (report["incomplete_subsets"], report["macro_average"]) == (["a"], None)
    write_sequence(data / "a/two", seed=1)
    videos = open_videos([str(data)])
    evaluate(videos, [COPY], EvalSettings(), tmp_path)
    whole = collect(tmp_path, COPY, videos, Rules())
    assert "*" not in markdown([whole]).replace("**", "")
    assert whole.to_json(Rules())["macro_average"]["objects"] == 6


def test_a_result_of_some_objects_is_none_of_all(tmp_path):
    endovis18.draw(tmp_path / "root")
    list(build(plan_build(tmp_path / "root", tmp_path / "set", options=BuildOptions(partial=True)), tmp_path / "set"))
    tools = open_videos([str(tmp_path / "set")], subsets=["EV18-I"])
    evaluate(tools, [COPY], EvalSettings(), tmp_path / "out")
    everything = open_videos([str(tmp_path / "set")])
    assert not collect(tmp_path / "out", COPY, tools, Rules()).missing
    assert len(collect(tmp_path / "out", COPY, everything, Rules()).missing) == 2


def test_a_part_of_a_benchmark_is_said(tmp_path):
    endovis18.draw(tmp_path / "root")
    list(build(plan_build(tmp_path / "root", tmp_path / "set", options=BuildOptions(partial=True)), tmp_path / "set"))
    words = ["eval", "--data", str(tmp_path / "set"), "--method", "copy", "--prompt", "mask", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    said = "Only a part of EndoVis18 is built: sequences of SA-SV: 4 of 596 frames, 2 of 4 sequences"
    assert said in done.stdout
    assert said in (tmp_path / "report.md").read_text()
    part = json.loads((tmp_path / "report.json").read_text())["partial"]
    assert part["EndoVis18"].startswith("sequences of SA-SV: 4 of 596 frames")
    assert "**copy** †" in (tmp_path / "report.md").read_text()
    masks = ["score", str(tmp_path / "copy-mask/masks"), str(tmp_path / "set/videos")]
    scored = CliRunner().invoke(app, [*masks, "--workers", "1", "--layout", "labels", "--missing", "empty"])
    assert f"† Only a part of EndoVis18 is built: {part['EndoVis18']}." in scored.stdout
    assert "all objects †" in scored.stdout
