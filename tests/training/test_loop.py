"""The loop: one curve however it is computed, wherever it is interrupted; and what stops it before the first step."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import sam2s
from sam2s.checkpoints import load_checkpoint
from sam2s.cli import app
from sam2s.errors import CheckpointError, ConfigError, OutputError
from sam2s.model.text_bank import TextBank
from sam2s.synth import Scene
from sam2s.training import clip_objective, processes
from sam2s.training.divergence import DivergedError
from sam2s.training.inputs import find_initial_weights
from sam2s.training.loop import train
from sam2s.training.plan import plan
from sam2s.training.recipe import load_recipe, recipes
from sam2s.training.run_log import RunLog
from sam2s.training.state import checkpoints


def curve(folder):
    """What is learned, step by step."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 1 + len(lines)))
    return [(line["loss"], line["norm"], line["lr"]) for line in lines]


def quietly(recipe, out):
    return train(recipe, out, device="cpu", report_progress=lambda _: None)


@pytest.fixture(scope="module")
def untouched(small, tmp_path_factory):
    """A run that nobody interrupted, in one process."""
    out = tmp_path_factory.mktemp("untouched")
    assert quietly(small(), out).step == 4
    return out


def test_bf16_follows_the_curve_of_float32(small, untouched, tmp_path):
    """Within what eight bits of mantissa leave; and nothing of it stays switched on."""
    quietly(small("run.precision=bf16"), tmp_path)
    low, high = curve(tmp_path), curve(untouched)
    assert [x[0] for x in low] == pytest.approx([x[0] for x in high], rel=0.06)
    assert low != high
    assert not torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    assert torch.backends.cuda.flash_sdp_enabled()


@contextmanager
def two_processes(recipe_file, out, *overrides):
    """Start two processes as torchrun would; what still runs at the end is killed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {"OMP_NUM_THREADS": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    command = [sys.executable, "-m", "sam2s", "train", str(recipe_file), "--out", str(out), "--device", "cpu"]
    command += [f"--set={override}" for override in overrides]
    processes = [
        subprocess.Popen(command, env=os.environ | common | {"RANK": rank}, stderr=subprocess.DEVNULL)
        for rank in ("0", "1")
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture
def interrupt_at(monkeypatch):
    """Have a signal come after a step."""
    line = RunLog.line

    def at(step):
        def interrupted(self, record, done):
            line(self, record, done)
            if record["step"] == step:
                signal.raise_signal(signal.SIGTERM)

        monkeypatch.setattr(RunLog, "line", interrupted)

    return at


def same_curve(a, b):
    assert np.array(curve(a)) == pytest.approx(np.array(curve(b)), rel=2e-4)
    one, other = (load_checkpoint(run / "weights.safetensors").state for run in (a, b))
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=2e-3, atol=2e-5)


def test_two_processes_have_the_curve_of_one(untouched, recipe_file, tmp_path):
    with two_processes(recipe_file, tmp_path) as processes:
        assert [process.wait(300) for process in processes] == [0, 0]
    same_curve(tmp_path, untouched)


def test_a_run_killed_on_two_processes_and_gone_on_with_in_one_has_the_same_curve(
    small, recipe_file, tmp_path, interrupt_at
):
    long, out = "schedule.length=1000 steps", tmp_path / "killed"
    with two_processes(recipe_file, out, long) as processes:
        deadline = time.monotonic() + 300
        while not checkpoints(out) and time.monotonic() < deadline:
            assert all(process.poll() is None for process in processes)
            time.sleep(0.02)
    (out / "log.jsonl").open("a").write('{"step": 9, "lo')  # as a kill leaves it
    done = int(checkpoints(out)[-1].stem.removeprefix("step-"))
    interrupt_at(done + 2)
    for folder in (out, tmp_path / "whole"):
        assert quietly(small(long), folder).step == done + 2
    same_curve(out, tmp_path / "whole")


def test_a_signal_ends_a_run_at_a_step_from_which_it_goes_on_exactly(untouched, small, tmp_path, interrupt_at):
    recipe = small("run.save_minutes=60")
    interrupt_at(2)
    outcome = quietly(recipe, tmp_path)
    assert (outcome.step, outcome.signal) == (2, signal.SIGTERM)
    assert quietly(recipe, tmp_path).step == 4
    assert curve(tmp_path) == curve(untouched)
    assert len(checkpoints(tmp_path)) == 2


def test_checkpointing_changes_nothing_but_memory(untouched, small, tmp_path):
    quietly(small("run.activation_checkpointing=true"), tmp_path)
    assert np.array(curve(tmp_path)) == pytest.approx(np.array(curve(untouched)), rel=1e-5)


def test_learning_and_what_is_written(small, tmp_path, weights):
    named = ("model.semantic=joint", "model.names=[hook, snare]", "loss.tsl=0.1")
    outcome = quietly(small("run.visualise_every=2", "schedule.length=2 steps", *named), tmp_path / "run")
    config, state, metadata = load_checkpoint(outcome.weights)
    assert config.categories == ("hook", "snare")
    assert (metadata.licence, metadata.training["stages"][-1]["steps"]) == ("Apache-2.0", 2)
    assert (tmp_path / "run/pictures/step-00000002.png").stat().st_size > 1000
    assert list((tmp_path / "run").glob("tensorboard/events*"))
    before = load_checkpoint(weights).state
    moved = [name for name in before if (before[name] - state[name].float()).abs().max() > 3e-4]
    assert len(moved) > 0.8 * len(before), "by more than the written numbers are rounded by"
    assert sam2s.load(outcome.weights, device="cpu").image_size == 64


def test_smallest_numbers_are_flushed_to_0_while_training_alone(small, tmp_path, monkeypatch):
    def flushed():
        return (torch.full((4,), 1e-39) * 1.0).eq(0).all().item()

    seen = []
    monkeypatch.setattr(RunLog, "line", lambda *_: seen.append(flushed()))
    quietly(small("schedule.length=1 steps"), tmp_path)
    assert seen == [True]
    assert not flushed()


def test_other_settings_are_refused_and_the_run_is_left_alone(untouched, small):
    before = {path: path.stat().st_mtime_ns for path in untouched.iterdir()}
    with pytest.raises(OutputError, match=r"optimiser.lr 0.001 \(now 0.002\); use the same settings, or another --out"):
        quietly(small("optimiser.lr=2e-3"), untouched)
    assert before == {path: path.stat().st_mtime_ns for path in untouched.iterdir()}
    assert quietly(small("run.keep=1"), untouched).step == 4  # a finished run has nothing left to do


def test_results_without_checkpoints_are_not_written_over(untouched, small, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(untouched, out, ignore=shutil.ignore_patterns("step-*.pt"))
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    with pytest.raises(OutputError, match=r"weights\.safetensors is there, but no checkpoint .*; give another --out"):
        quietly(small(), out)
    (out / "weights.safetensors").rename(tmp_path / "mine.safetensors")
    with pytest.raises(OutputError, match=r"begun with run\.seed 1 \(now 2\)"):
        quietly(small("run.seed=2"), out)
    assert all((out / name).read_bytes() == data for name, data in before.items() if name != "weights.safetensors")
    assert quietly(small(), out).step == 4


def test_a_damaged_checkpoint_is_named(small, tmp_path):
    (tmp_path / "step-00000002.pt").write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match=r"step-00000002.pt is damaged \(.*\); remove it to go on from"):
        quietly(small(), tmp_path)


def test_a_loss_that_is_no_number_is_kept_to_look_at(untouched, small, tmp_path, monkeypatch):
    def broken(answers, batch, *rest, **more):
        loss, terms = real(answers, batch, *rest, **more)
        return loss * (float("nan") if calls.append(0) or len(calls) == 4 else 1), terms

    calls, real = [], clip_objective.clip_loss
    monkeypatch.setattr(clip_objective, "clip_loss", broken)
    with pytest.raises(DivergedError, match=r"step 1 has the gradient norm nan .* look at the \.png"):
        quietly(small("run.save_minutes=60"), tmp_path / "run")
    found = sorted(path.name for path in (tmp_path / "run").glob("diverged*"))
    assert found == ["diverged-step-1-process-0-0.png", "diverged-step-1-process-0-0.pt"]
    kept = torch.load(tmp_path / "run/diverged-step-1-process-0-0.pt", weights_only=True)
    assert kept["images"].shape == (1, 5, 3, 64, 64)
    assert (tmp_path / "run/weights.safetensors").exists(), "which the message names"
    monkeypatch.setattr(clip_objective, "clip_loss", real)
    assert quietly(small(), tmp_path / "run").step == 4
    assert curve(tmp_path / "run") == curve(untouched)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("run.batch=3", "batch 3 cannot be shared out evenly: 1 process with data.clips.clips 2 take 2 clips at once"),
        ("data.sources=[{place: README.md}]", "README.md is not a folder; give a built set"),
        ("model.init=nothing.safetensors", "there is no file or folder nothing.safetensors"),
        ("model.semantic=joint", "the CLS token needs names to learn; give model.bank"),
        ("loss.tsl=0.1", r"loss\.tsl is 0\.1, but the network has no CLS token .*; set loss\.tsl=0, or model"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(small, tmp_path, change, message):
    recipe = small("data.clips.clips=2", change)
    with pytest.raises(sam2s.errors.Sam2sError, match=message):
        plan(recipe, device="cpu")
    with pytest.raises(sam2s.errors.Sam2sError, match=message):
        quietly(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_more_processes_than_gpus(monkeypatch):
    for name, value in {"RANK": 0, "WORLD_SIZE": 4, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 4}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with (
        pytest.raises(ConfigError, match="torchrun started 4 processes, but torch sees 2 CUDA devices"),
        processes.joined("auto"),
    ):
        pass


def test_processes_wait_while_the_first_looks_at_the_data(monkeypatch):
    for name, value in {"RANK": 1, "WORLD_SIZE": 2}.items():
        monkeypatch.setenv(name, str(value))
    waits = []
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda backend, timeout: waits.append(timeout))
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: None)
    with processes.joined("cpu"):
        assert waits[0] >= timedelta(hours=1)


def test_the_verb(recipe_file, tmp_path):
    def call(*arguments):
        return CliRunner().invoke(app, ["train", *arguments])

    assert "micro" in call().output
    shown = call(str(recipe_file), "--dry-run", "--device", "cpu").output
    assert "4 steps on cpu" in shown
    assert "activations" in shown
    done = call(str(recipe_file), "--out", str(tmp_path / "run"), "--device", "cpu", "--set", "schedule.length=1 steps")
    assert done.exit_code == 0
    assert "1 steps done; the weights are in" in done.output
    assert "--out is missing; give --out DIR" in str(call(str(recipe_file)).exception)


def test_the_plan_tells_what_is_missing(small):
    recipe = small("data.sources=[{place: nowhere}]", "model.semantic=joint", "model.bank=bank.safetensors")
    text = plan(recipe, device="cpu")
    assert "missing   data nowhere: there is no such folder" in text
    assert "missing   text bank bank.safetensors: make it with sam2s text-bank" in text
    assert "CLS token joint, the text bank missing" in text
    assert "activations" in text
    with pytest.raises(CheckpointError, match="there is no text bank"):
        find_initial_weights(recipe)


def test_a_plan_with_something_missing_ends_with_status_1():
    shown = CliRunner().invoke(app, ["train", "your-data", "--dry-run", "--device", "cpu"])
    assert shown.exit_code == 1
    assert "missing   data my-videos" in shown.output


@pytest.mark.slow
@pytest.mark.parametrize("name", recipes())
def test_every_recipe_has_a_plan(name, tmp_path):
    for frame in range(8):
        image, labels = Scene(1, 64).render(frame)
        for kind, array, suffix in (("JPEGImages", image, "jpg"), ("Annotations", labels, "png")):
            (folder := tmp_path / "data" / kind / "clip").mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(folder / f"{frame:05}.{suffix}")
    TextBank(("hook", "snare"), torch.eye(2, 512), "none", ("{}",)).write(tmp_path / "bank.safetensors")
    recipe = load_recipe(name)
    overrides = [f"model.bank={tmp_path / 'bank.safetensors'}"] if recipe.model.bank else []
    data = [] if recipe.data.sources[0].place == "synthetic" else [str(tmp_path / "data")]
    text = plan(load_recipe(name, [*overrides, "data.sources.0.split=null"], data=data), device="cpu")
    assert "activations" in text
