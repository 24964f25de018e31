"""`sam2s eval` as a person runs it: stopped, shared out, over broken videos, with trackers from outside."""

import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from evaluation_tools import write_sequence
from model_tools import nano
from sam2s.checkpoints import save_checkpoint
from sam2s.cli import app
from sam2s.errors import ConfigError, DatasetError, OutputError
from sam2s.evaluation import protocols
from sam2s.evaluation.collect import collect
from sam2s.evaluation.compare import compare
from sam2s.evaluation.datasets import open_videos
from sam2s.evaluation.evaluate import evaluate
from sam2s.evaluation.plan import EvalRun, EvalSettings, plan_runs
from sam2s.evaluation.rules import Missing, Prompting, Rules
from sam2s.evaluation.tables import markdown, published
from sam2s.masks.palette import read_label_map, write_label_map
from sam2s.sasv.build import patch_video
from sam2s.sasv.build import run_build as build
from sam2s.sasv.fixtures import cvc_clinicdb
from sam2s.sasv.patch import VideoPatch
from sam2s.sasv.plan import BuildOptions, plan_build

COPY = """
import json, shutil, sys
from pathlib import Path
import numpy as np
from PIL import Image
frames, prompts, out = map(Path, sys.argv[1:])
starts = json.loads(prompts.read_text())
for index, _ in enumerate(sorted(frames.glob("*.png"))):
    labels = 0
    for object_id, start in starts.items():
        if start["frame"] <= index:
            labels = np.maximum(labels, np.array(Image.open(prompts.parent / start["mask"])) * np.uint8(object_id))
    Image.fromarray(labels).save(out / f"{index:05}.png")
"""
TRACKER = """
class Still:
    def track(self, frames, starts):
        for index in range(len(frames)):
            assert frames[index].shape == (40, 56, 3)
            yield {i: start.mask for i, start in starts.items()}

class Broken:
    def track(self, frames, starts):
        yield {}
        raise RuntimeError("out of luck")
"""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    model = nano()
    path = tmp_path_factory.mktemp("weights") / "nano.safetensors"
    save_checkpoint(path, model.state_dict(), model.config, dtype="fp32")
    return path


@pytest.fixture
def data(tmp_path):
    for number, name in enumerate(("a/one", "a/two", "b/three")):
        write_sequence(tmp_path / "data" / name, seed=number)
    return tmp_path / "data"


@pytest.fixture
def settings(weights):
    return EvalSettings(device="cpu", probe=False)


@pytest.fixture
def ours(weights):
    return EvalRun("nano", "sam2s", Prompting.CLICK_1, weights=str(weights))


def frame_scores(out, run, videos):
    return [score.frame_scores for score in collect(out, run, videos, Rules()).scores]


def files(out):
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.png")}


def test_what_was_finished_before_a_kill_is_kept(data, settings, ours, tmp_path, monkeypatch):
    videos = open_videos([str(data)])
    evaluate(videos, [ours], settings, tmp_path / "whole")
    real, tracked = protocols.track, []

    def track(model, policy, video, *args, **options):
        tracked.append(video.name)
        for result in real(model, policy, video, *args, **options):
            if len(tracked) == 2 and result.index == 3:
                raise KeyboardInterrupt
            yield result

    monkeypatch.setattr(protocols, "track", track)
    out = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        evaluate(videos, [ours], settings, out)
    assert list(collect(out, ours, videos, Rules()).missing) == ["a/two", "b/three"]
    (out / ours.folder / "masks" / "a" / ".partial-two").mkdir(parents=True)  # what a harder kill leaves
    tracked.append("a third, so that nothing stops it")
    evaluate(videos, [ours], settings, out)
    assert tracked[3:] == ["a/two", "b/three"]
    assert frame_scores(out, ours, videos) == frame_scores(tmp_path / "whole", ours, videos)
    assert files(out) == files(tmp_path / "whole")


def test_one_broken_video_stops_nothing(data, weights, tmp_path):
    (data / "a/two/frames/004.png").write_bytes(b"no picture")
    (data / "b/three/masks/002.png").write_bytes(b"no picture")
    arguments = ["eval", "--data", str(data), "--weights", str(weights), "--prompt", "1-click", "--json"]
    done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    (run,) = json.loads(done.stdout)["runs"]
    assert list(run["videos"]) == ["a/one"]
    assert set(run["failed"]) == {"a/two", "b/three"}
    assert "004.png" in run["failed"]["a/two"]
    assert "002.png" in run["failed"]["b/three"]
    for number, name in enumerate(("a/one", "a/two", "b/three")):
        write_sequence(data / name, seed=number)
    done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert not list((tmp_path / "out").rglob("*.error"))


def test_results_of_other_settings_are_not_mixed(data, settings, ours, tmp_path):
    videos = open_videos([str(data)], subsets=["b"])
    evaluate(videos, [ours], settings, tmp_path)
    with pytest.raises(
        OutputError, match=r"three.json was made with other settings \(image_size None\); give the row another name"
    ):
        evaluate(videos, [ours], EvalSettings(image_size=96, device="cpu", probe=False), tmp_path)


def test_shards_make_one_whole(data, weights, tmp_path):
    common = [
        "eval",
        "--data",
        str(data),
        "--weights",
        str(weights),
        "--method",
        "copy",
        "--out",
        str(tmp_path / "out"),
    ]
    first = CliRunner().invoke(app, [*common, "--shard", "0/2"])
    assert first.exit_code == 1
    assert "- a/two (copy, 3-click): not done yet" in first.stdout
    assert CliRunner().invoke(app, [*common, "--shard", "1/2"]).exit_code == 0
    with pytest.raises(ConfigError, match="--shard 2/2 is not I/N with I from 0 to N - 1"):
        CliRunner().invoke(app, [*common, "--shard", "2/2"], catch_exceptions=False)


@pytest.mark.slow
def test_several_processes_give_the_same(data, settings, ours, tmp_path):
    videos = open_videos([str(data)])
    evaluate(videos, [ours], settings, tmp_path / "one")
    evaluate(videos, [ours], settings, tmp_path / "two", workers=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert frame_scores(tmp_path / "one", ours, videos) == frame_scores(tmp_path / "two", ours, videos)


def test_outside_trackers_and_baselines(data, settings, tmp_path, monkeypatch):
    (tmp_path / "copy.py").write_text(COPY)
    (tmp_path / "outside.py").write_text(TRACKER)
    monkeypatch.chdir(tmp_path)
    line = f"command:{sys.executable} copy.py {{frames}} {{prompts}} {{out}}"
    methods = ["copy", "flow", "outside:Still", "outside:Broken", f"mine={line}"]
    runs = {run.label: run for run in plan_runs(methods, [], [Prompting.MASK], ["there are no such weights"])}
    videos = open_videos([str(data)], subsets=["b"])
    evaluate(videos, list(runs.values()), EvalSettings(), tmp_path / "out")
    found = {label: collect(tmp_path / "out", run, videos, Rules()) for label, run in runs.items()}
    assert found["outside:Broken"].missing == {"b/three": "RuntimeError: out of luck"}
    first = read_label_map(data / "b/three/masks/000.png")
    last = read_label_map(data / "b/three/masks/004.png")
    j = (first == 1)[last == 1].sum() / ((first == 1) | (last == 1)).sum()
    for label in ("copy", "outside:Still", "mine"):
        assert found[label].scores == found["copy"].scores
        assert found[label].scores[0].frame_scores[-1].j == pytest.approx(j)
    assert found["flow"].average() > found["copy"].average()
    assert np.isnan(found["mine"].speed.p50)
    assert found["copy"].speed.p50 <= found["copy"].speed.p99


def test_outside_trackers_start_from_the_answer_of_our_weights(data, settings, ours, tmp_path):
    run = EvalRun("copy", "copy", Prompting.CLICK_3, weights=ours.weights)
    videos = open_videos([str(data)], subsets=["b"])
    ours = replace(ours, prompt=Prompting.CLICK_3)
    evaluate(videos, [run, ours], settings, tmp_path)
    masks = [read_label_map(tmp_path / r.folder / "masks/b/three/000.png") for r in (run, ours)]
    assert np.array_equal(*masks)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("xmem", "--method 'xmem' is not one of sam2s, copy, flow, masks:FOLDER, module:Class, command:LINE"),
        ("command:run {frames}", r"does not say where to put \{out\}"),
        ("command:run {out}", r"says neither where to put \{frames\} nor \{video\}"),
        ("command:run {frames} {out} 'x", "cannot be read as a command line: No closing quotation"),
        ("masks:nowhere", "--method masks:nowhere does not exist; give a folder of masks or a .json file"),
        ("no_such_module:Class", "No module named 'no_such_module'"),
    ],
)
def test_methods_that_do_not_exist(method, message, data, settings, tmp_path):
    with pytest.raises(ConfigError, match=message):
        evaluate(open_videos([str(data)]), [EvalRun("x", method, Prompting.MASK)], settings, tmp_path)


def test_a_command_that_fails_is_quoted(data, settings, tmp_path):
    line = f"command:{sys.executable} -c 'import sys; sys.exit(\"no memory\")' {{frames}} {{prompts}} {{out}}"
    run = EvalRun("mine", line, Prompting.MASK)
    videos = open_videos([str(data)], subsets=["b"])
    evaluate(videos, [run], settings, tmp_path)
    assert "ended with status 1: no memory" in collect(tmp_path, run, videos, Rules()).missing["b/three"]


def test_masks_of_another_size_are_refused(data, tmp_path):
    for name in ("a/one", "a/two"):
        write_label_map(data / name / "masks/001.png", np.ones((20, 28), np.uint8))
    run = EvalRun("copy", "copy", Prompting.MASK)
    videos = open_videos([str(data)])
    evaluate(videos, [run], EvalSettings(), tmp_path)
    missing = collect(tmp_path, run, videos, Rules()).missing
    assert missing.pop("a/one") == "a/one, frame 001, object 1: mask of 28x20, frame of 56x40"
    assert list(missing) == ["a/two"]


def test_interactive_protocols_need_our_tracker(data, settings, tmp_path):
    with pytest.raises(ConfigError, match="--prompt offline needs a tracker that can be corrected"):
        evaluate(open_videos([str(data)]), [EvalRun("copy", "copy", Prompting.OFFLINE)], settings, tmp_path)


def test_written_masks_score_the_same(data, settings, tmp_path):
    run = EvalRun("copy", "copy", Prompting.MASK)
    videos = open_videos([str(data)])
    evaluate(videos, [run], settings, tmp_path)
    again = compare(tmp_path / run.folder / "masks", data, rules=Rules(missing=Missing.ERROR), workers=1)
    mine = collect(tmp_path, run, videos, Rules())
    assert [score.frame_scores for score in again.scores] == [score.frame_scores for score in mine.scores]


def test_built_set(tmp_path):
    cvc_clinicdb.draw(tmp_path / "root")
    planned = plan_build(tmp_path / "root", tmp_path / "set", options=BuildOptions(partial=True))
    list(build(planned, tmp_path / "set"))
    with pytest.raises(DatasetError, match="no videos of --split test; its splits are train"):
        open_videos([str(tmp_path / "set")])
    videos = open_videos([str(tmp_path / "set")], split="train")
    assert {column for video in videos for column in video.objects.values()} == {"ClinicDB"}
    assert all(video.source.length == len(video.stems) for video in videos)
    run = EvalRun("copy", "copy", Prompting.MASK)
    evaluate(videos, [run], EvalSettings(), tmp_path / "out")
    assert not collect(tmp_path / "out", run, videos, Rules()).missing

    video = videos[1].video
    patch_video(video, VideoPatch([{"do": "drop", "id": video.objects[0].id}]))
    changed = open_videos([str(tmp_path / "set")], split="train")
    assert list(collect(tmp_path / "out", run, changed, Rules()).missing) == [video.id]


def test_davis_layout(data, tmp_path):
    root = tmp_path / "DAVIS"
    for kind, part in (("JPEGImages", "frames"), ("Annotations", "masks")):
        (root / kind / "480p").mkdir(parents=True)
        (data / "a/one" / part).rename(root / kind / "480p" / "one")
    (video,) = open_videos([str(root)])
    assert (video.name, dict(video.objects)) == ("DAVIS/one", {1: "DAVIS", 2: "DAVIS"})
    assert video.truth(2)[2].any()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("synthetic:", "--data synthetic: is not synthetic:N"),
        ("nowhere", "--data nowhere is not a folder; give a built set, a folder of sequences, or synthetic:N"),
    ],
)
def test_data_that_does_not_exist(data, message):
    with pytest.raises(ConfigError, match=message):
        open_videos([data])


def test_published_rows_add_up():
    for rows in published()["subsets"].values():
        for row in rows:
            assert np.mean(row["jf"]) == pytest.approx(row["average"], abs=0.0101), row
    averages = {row["model"]: row["jf"] for row in published()["averages"]}
    for column, protocol in enumerate(("1-click", "3-click")):
        by_model = {row["model"]: row["average"] for row in published()["subsets"][protocol]}
        for model, values in averages.items():
            assert values[column] == by_model[model]


def test_table_layout(data, settings, ours, tmp_path):
    (data / "a").rename(data / "EV17")
    videos = open_videos([str(data)])
    prompts = (Prompting.CLICK_3, Prompting.MASK)
    runs = [EvalRun("copy", "copy", protocol, weights=ours.weights) for protocol in prompts]
    evaluate(videos, runs, settings, tmp_path)
    text = markdown([collect(tmp_path, run, videos, Rules()) for run in runs])
    lines = [re.sub(" +", " ", line) for line in text.splitlines()]
    head = lines.index("## 3-click (as in Table 2 of the paper)") + 2
    assert lines[head] == (
        "| Model | Res | EV17 | EV18-I | RARP50 | Hyst-YT | CIS-Test | EV18-T | SurgAI3.8k | PolypGen | b | Avg | FPS |"
    )
    paper = next(line for line in lines if line.startswith("| SAM2S | 512"))
    assert paper == "| SAM2S | 512 | 86.72 | 82.37 | 79.47 | 87.46 | 89.65 | 72.29 | 79.09 | 66.30 | - | 80.42 | 68 |"
    ours = next(line for line in lines if line.startswith("| **copy** | 64")).split(" | ")
    assert ours[3:10] == ["-"] * 7
    assert ours[11] == "-"  # no average beside the paper's unless all of its subsets are there
    assert 0 <= float(ours[2]) <= 100
    assert "| SAM2S | 80.42 | 81.52 |" in lines


def test_the_longest_video_comes_first_and_every_frame_is_counted(tmp_path):
    for name, frames in (("short", 3), ("long", 6), ("middle", 4)):
        write_sequence(tmp_path / "data" / "set" / name, frames=frames)
    calls = []
    run = EvalRun("copy", "copy", Prompting.MASK)
    report = lambda done, total, name: calls.append((done, total, name))  # noqa: E731
    evaluate(open_videos([str(tmp_path / "data")]), [run], EvalSettings(), tmp_path / "out", report_progress=report)
    assert [done for done, _, _ in calls] == sorted(done for done, _, _ in calls)
    assert calls[0] == (0, 13, "")
    assert list(dict.fromkeys(name for *_, name in calls[1:])) == ["set/long", "set/middle", "set/short"]
    assert calls[-1][:2] == (13, 13)


def test_probes_of_a_tracker_that_always_shows_a_mask(data, tmp_path):
    """Eight black frames and eight of another video for each object of the first frame, all of them answered."""
    run = EvalRun("copy", "copy", Prompting.MASK)
    videos = open_videos([str(data)])
    evaluate(videos, [run], EvalSettings(), tmp_path)
    outcome = collect(tmp_path, run, videos, Rules())
    assert outcome.diagnostics.probes == {"black": (24, 24, None), "other": (24, 24, None)}
    assert outcome.diagnostics.by_mask.false_positive_rate != 0
    document = json.loads((tmp_path / run.folder / "results/a/one.json").read_text())
    assert document["probes"]["scene"] == "a/two"
    text = markdown([outcome])
    assert "## Absence" in text
    assert "Other scene: visible" in text


def test_speed_is_only_of_trackers_that_watch(data, tmp_path, monkeypatch):
    """One that reads no frame has none; one that looks ahead has no time of single frames."""
    (tmp_path / "lookers.py").write_text(
        "class Blind:\n"
        "    def track(self, frames, starts):\n"
        "        for _ in range(len(frames)):\n"
        "            yield {}\n"
        "class Ahead:\n"
        "    def track(self, frames, starts):\n"
        "        return [{} for _ in list(frames)]\n"
    )
    monkeypatch.chdir(tmp_path)
    videos = open_videos([str(data)], subsets=["b"])
    runs = [EvalRun(name, f"lookers:{name}", Prompting.MASK) for name in ("Blind", "Ahead")]
    evaluate(videos, runs, EvalSettings(), tmp_path / "out")
    blind, ahead = (collect(tmp_path / "out", run, videos, Rules()).speed for run in runs)
    assert np.isnan([blind.fps, blind.p50]).all()
    assert ahead.fps > 0
    assert np.isnan(ahead.p50)
