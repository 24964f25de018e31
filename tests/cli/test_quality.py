"""`sam2s quality` and what `sam2s track` says of quality, on a tiny set."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from evaluation_tools import scene
from model_tools import nano
from quality_tools import quality_model
from sam2s.checkpoints import read_checkpoint, save_checkpoint
from sam2s.cli import app
from sam2s.errors import CheckpointError, ConfigError, DatasetError, PromptError
from sam2s.masks.palette import write_label_map
from sam2s.quality import AlarmLimits, model_of, read_model

RUN = CliRunner()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Weights, and a folder of sequences with masks."""
    folder = tmp_path_factory.mktemp("quality")
    network = nano()
    save_checkpoint(folder / "nano.safetensors", network.state_dict(), network.config, dtype="fp32")
    for seed in range(6):
        images, labels = scene(frames=8, late=2, seed=seed)
        for kind in ("frames", "masks"):
            (folder / f"set/clip{seed}" / kind).mkdir(parents=True)
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            Image.fromarray(image).save(folder / f"set/clip{seed}/frames/{index:05}.png")
            write_label_map(folder / f"set/clip{seed}/masks/{index:05}.png", label)
    return folder


def call(*words):
    return RUN.invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_a_model_is_measured_by_prompt_and_tracking_is_done_once(place, tmp_path):
    (tmp_path / "quality.json").write_text(quality_model().to_json())
    flags = (
        "--weights",
        place / "nano.safetensors",
        "--data",
        place / "set",
        "--cache",
        tmp_path / "cache",
        "--every",
        1,
    )
    first = call("quality", "evaluate", *flags, "--quality", tmp_path / "quality.json", "--json")
    table = json.loads(first.stdout)
    assert [row["prompt"] for row in table] == ["1-click", "box", "mask", "all"]
    assert table[3]["masks"] == sum(row["masks"] for row in table[:3]) == 3 * 6 * (7 + 5)
    assert table[0]["hours"] == pytest.approx(6 * 7 / 25 / 3600)
    files = sorted((tmp_path / "cache").glob("*.npy"))
    assert len(files) == 6
    written = [path.stat().st_mtime_ns for path in files]
    again = call("quality", "evaluate", *flags)
    assert [path.stat().st_mtime_ns for path in files] == written
    assert "| prompt" in again.stdout
    assert "false alarms/h" in again.stdout


def test_a_cache_that_is_damaged_is_named(place, tmp_path):
    weights, data = place / "nano.safetensors", place / "set"
    words = ("quality", "evaluate", "--weights", weights, "--data", data, "--cache", tmp_path, "--every", 4)
    assert call(*words).exit_code == 0
    path = next(tmp_path.glob("*.npy"))
    path.write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="is damaged"):
        call(*words)
    np.save(path, np.zeros(3))
    with pytest.raises(DatasetError, match="was written by another sam2s"):
        call(*words)


def test_a_model_is_fitted_and_goes_with_the_weights(place, tmp_path):
    """Random weights track nothing well, so the truth is made up: what was tracked is kept in files."""
    weights, cache = place / "nano.safetensors", tmp_path / "cache"
    flags = ("--weights", weights, "--data", place / "set", "--cache", cache, "--every", 1)
    out = ("--out", tmp_path / "quality.json")
    with pytest.raises(ConfigError, match="are too few to fit a quality model"):
        call("quality", "fit", *out, *flags)
    for path in cache.glob("*.npy"):
        rows = np.load(path)
        rows["iou"] = np.linspace(0, 1, len(rows))
        np.save(path, rows)
    facts = json.loads(call("quality", "fit", *out, *flags, "--json").stdout)
    assert read_model(tmp_path / "quality.json").fitted["weights"] == "nano"
    assert facts["masks"] + facts["empty"] == 3 * 6 * (7 + 5)
    shown = call("quality", "fit", "--out", tmp_path / "own.safetensors", *flags).stdout
    assert "fitted on 216 masks of 6 videos, of which 50.0% are bad (IoU under 0.5)" in shown
    config = read_checkpoint(tmp_path / "own.safetensors")[0]
    assert model_of(nano(quality=config.quality)).fitted["videos"] == 6


def test_another_ending_is_refused_before_anything_is_tracked(place, tmp_path):
    with pytest.raises(
        ConfigError, match=r"must end in \.json \(the model alone\) or \.safetensors \(a copy of the wei"
    ):
        call("quality", "fit", "--out", tmp_path / "quality.txt", "--weights", place / "nano.safetensors")


def test_track_tells_of_prompts_in_doubt_and_of_alarms(place, tmp_path):
    model = quality_model(limits=AlarmLimits(click_agreement=1.01, shared=0.0, patience=1))
    (tmp_path / "quality.json").write_text(model.to_json())
    words = (
        *("track", place / "set/clip0/frames", "--out", tmp_path / "out", "--weights", place / "nano.safetensors"),
        *("--point", "1=grasper@0:10,12", "--point", "2@0:12,12", "--export", "csv"),
        *("--quality", tmp_path / "quality.json"),
    )
    with pytest.warns(UserWarning, match="object 1 on frame 0: the mask of the clicks is in doubt"):
        result = call(*words, "--json")
    outcome = json.loads(result.stdout)
    assert len(outcome["warnings"]) == 2
    assert outcome["warnings"][0].startswith("grasper (object 1) on frame 0: the mask of the clicks is in doubt")
    assert {alarm["alarm"] for alarm in outcome["alarms"]} <= {"overlap", "lost", "leak", "switch"}
    shown = call(*words)
    assert "warning: object 2 on frame 0: the mask of the clicks is in doubt" in shown.stdout
    assert "use a box or a mask; clicks alone are known to fail on tissue" in shown.stdout
    if outcome["alarms"]:
        assert "spans to review" in shown.stdout
    table = (tmp_path / "out/masks.csv").read_text().splitlines()
    assert table[0].endswith("expected_iou,doubt,alarms")
    assert table[1].endswith(",prompt")
    with pytest.raises(CheckpointError, match="cannot read the quality model"):
        call(*words[:3], tmp_path / "other", *words[4:-1], place / "nano.safetensors")
    assert not (tmp_path / "other").exists()


def test_going_back_from_a_frame_is_compared_with_where_it_came_from(place, tmp_path):
    weights = ("--weights", place / "nano.safetensors")
    words = ("track", place / "set/clip0/frames", "--out", tmp_path / "out", *weights, "--export", "csv")
    assert call(*words, "--box", "1=block@0:4,6,22,22", "--json").exit_code == 0
    facts = json.loads(
        call("quality", "back", tmp_path / "out", "--frame", 6, "--window", 4, *weights, "--json").stdout
    )
    assert (facts["from"], facts["to"], list(facts["agreement"])) == (6, 2, ["1"])
    assert 0 <= facts["agreement"]["1"] <= 1
    shown = call("quality", "back", tmp_path / "out", "--frame", 6, "--window", 99, *weights).stdout
    assert shown.startswith("object 1 (block): ")
    assert shown.endswith(" from frame 6 back to 0\n")
    with pytest.raises(PromptError, match="nothing to track back"):
        call("quality", "back", tmp_path / "out", "--frame", 600, "--window", 1, *weights)
