"""The folder of a report: pages that need nothing beside them, tables, and refusals that say what to do."""

import csv
import json
import re

import pytest
from typer.testing import CliRunner

from analysis_tools import bar, write_video, write_workspace
from sam2s.analysis import AnalysisSettings, analyze
from sam2s.analysis.compare import interval
from sam2s.analysis.plots import NOT_JUDGED
from sam2s.cli import app
from sam2s.errors import ConfigError
from sam2s.tracking.results import ObjectState

pytest.importorskip("matplotlib")


@pytest.fixture
def cases(tmp_path):
    video = write_video(tmp_path / "op.mp4", 40)
    folders = []
    for number in range(2):
        masks = [{1: bar(40 + t + 20 * number, 30), 2: bar(80, 60) if t > 10 else None} for t in range(40)]
        names = {1: "grasper", 2: "hook <b>"}
        folders.append(write_workspace(tmp_path / f"case{number}", masks, names, video=str(video)))
    return folders


def test_a_report_of_two_cases(cases, tmp_path):
    out, told = tmp_path / "report", []
    found = analyze(cases, out, report_progress=lambda *at: told.append(at))
    assert sorted(path.name for path in out.iterdir()) == [
        "case0.html",
        "case0.json",
        "case1.html",
        "case1.json",
        "index.html",
        "objects.csv",
        "pairs.csv",
    ]
    assert told[-1] == ("case1: camera", 40, 40)
    page = (out / "case0.html").read_text()
    assert "hook &lt;b&gt;" in page
    assert "hook <b>" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.S)
    assert page.count("data:image/jpeg;base64,") == 6
    assert page.count("<svg") == 5  # the timeline, and path and heat map of both objects
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert not re.search(r"https?://(?!www\.w3\.org)", page)
    index = (out / "index.html").read_text()
    assert 'href="case1.html"' in index
    rows = list(csv.DictReader((out / "objects.csv").open()))
    assert [(row["case"], row["name"]) for row in rows][:2] == [("case0", "grasper"), ("case0", "hook <b>")]
    assert float(rows[0]["tip_path_px"]) == pytest.approx(found[0].objects[0].tip.path, abs=1e-5)
    assert abs(float(rows[0]["tip_without_camera_path_px"]) - float(rows[0]["tip_path_px"])) < 2
    assert json.loads((out / "case1.json").read_text())["name"] == "case1"


def test_spans_that_were_not_judged_are_drawn_and_explained(tmp_path):
    hidden = {1: ObjectState.NOT_JUDGED, 2: ObjectState.NOT_JUDGED}
    shown = {1: bar(60, 30), 2: bar(80, 60)}
    masks = [hidden if 10 <= t < 20 or t >= 35 else shown for t in range(40)]
    settings = AnalysisSettings(camera=False, pictures=False)
    folders = [
        write_workspace(tmp_path / name, frames, {1: "grasper", 2: "hook"})
        for name, frames in (("judged", [shown] * 40), ("hidden", masks))
    ]
    analyze(folders, tmp_path / "report", settings)
    judged, page = ((tmp_path / f"report/{name}.html").read_text() for name in ("judged", "hidden"))
    assert page.count(f"fill: {NOT_JUDGED}") == 4, "two spans of two objects"
    assert NOT_JUDGED not in judged
    assert "Grey: not" in page
    assert "Grey: not" not in judged
    assert "share of the video not judged" in page
    row = next(csv.DictReader((tmp_path / "report/objects.csv").open()))
    assert float(row["not_judged_share"]) == 0


def test_without_the_video_figures_are_made_all_the_same(cases, tmp_path):
    (tmp_path / "op.mp4").unlink()
    analyze(cases[:1], tmp_path / "report", AnalysisSettings(camera=False, pictures=False))
    assert "data:image/jpeg" not in (tmp_path / "report/case0.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--unit", "mm"], "millimetres need a known length; give --shaft NAME=MM"),
        (["--unit", "mm", "--shaft", "clip=5"], r"has no object called 'clip'; there are grasper, hook <b>"),
        (["--shaft", "grasper"], "--shaft grasper is not NAME=MM"),
        (["--shaft", "grasper=-1"], "--shaft grasper=-1 is not NAME=MM"),
    ],
)
def test_refusals_say_what_to_give(cases, tmp_path, arguments, message):
    done = CliRunner().invoke(app, ["analyze", str(cases[0]), "--out", str(tmp_path / "r"), *arguments])
    assert isinstance(done.exception, ConfigError)
    assert re.search(message, str(done.exception))


def test_a_folder_of_workspaces_is_taken_whole(cases, tmp_path):
    arguments = ["analyze", str(tmp_path), "--out", str(tmp_path / "r"), "--no-camera", "--no-pictures", "--json"]
    done = CliRunner().invoke(app, [*arguments, "--unit", "mm", "--shaft", "grasper=5"])
    assert [case["name"] for case in json.loads(done.stdout)] == ["case0", "case1"]
    assert json.loads(done.stdout)[0]["unit"] == "mm"
    empty = tmp_path / "empty"
    empty.mkdir()
    done = CliRunner().invoke(app, ["analyze", str(empty), "--out", str(tmp_path / "r2")])
    assert "is not a workspace and contains none" in str(done.exception)


def test_bootstrap_intervals_hold_the_mean_and_narrow_with_cases():
    import numpy as np

    rng = np.random.default_rng(0)
    few, many = (interval(list(rng.normal(5, 1, count)), np.random.default_rng(1)) for count in (5, 200))
    for found in (few, many):
        assert found.low < found.mean < found.high
    assert many.high - many.low < (few.high - few.low) / 2
    assert many.high - many.low == pytest.approx(2 * 1.96 / np.sqrt(200), rel=0.2)
    alone = interval([3.0], rng)
    assert (alone.mean, alone.cases) == (3.0, 1)
    assert np.isnan(alone.low)
    assert interval([], rng).cases == 0
