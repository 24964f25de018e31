"""What is advised for a machine, and how long it takes there."""

import types

import pytest
import torch
from typer.testing import CliRunner

from sam2s.cli import app
from sam2s.errors import ConfigError
from sam2s.training import advice, measure
from sam2s.training.advice import advise, has_fast_bf16
from sam2s.training.plan import plan
from sam2s.training.recipe import load_recipe


@pytest.mark.parametrize(("fast", "precision"), [(True, "bf16"), (False, "fp32")])
def test_a_processor_trains_the_small_network_in_what_it_is_fast_in(monkeypatch, fast, precision):
    monkeypatch.setattr(advice, "has_fast_bf16", lambda: fast)
    found = advise("cpu")
    assert (found.recipe, found.overrides) == ("your-data-laptop", (f"run.precision={precision}",))
    assert "micro at 256 pixels on a processor" in found.reason
    assert load_recipe(found.recipe, found.overrides).run.precision == precision


@pytest.mark.parametrize(("gib", "twice"), [(12, "true"), (48, "false")])
def test_a_gpu_trains_sam2_1_small(monkeypatch, gib, twice):
    monkeypatch.setattr(advice, "resolve_device", lambda _: torch.device("cuda"))
    memory = types.SimpleNamespace(total_memory=gib * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: memory)
    assert advise().recipe == "your-data"
    assert advise().overrides == (f"run.activation_checkpointing={twice}",)
    assert f"{gib} GiB" in advise().reason


def test_whether_bf16_is_fast_follows_the_instructions_of_the_processor(monkeypatch):
    for names in (("_is_avx512_bf16_supported",), ("_is_amx_tile_supported",), ()):
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
            monkeypatch.setattr(torch.cpu, name, lambda found=name in names: found, raising=False)
        assert has_fast_bf16() == bool(names)


def test_a_device_that_is_not_there():
    with pytest.raises(ConfigError, match="is not one of auto, cpu, cuda"):
        advise("tpu")


def test_the_plan_tells_how_long_it_takes(small, monkeypatch):
    """The first of the measured steps does not count."""
    recipe = small("data.clips.picture_share=1", "data.clips.pictures=1", "run.batch=1", "schedule.length=600 steps")
    assert "time " not in plan(recipe, device="cpu")
    monkeypatch.setattr(measure, "_step_times", lambda setup, steps: [9.0, 2.0, 4.0])
    text = plan(recipe, device="cpu", measured_steps=2)
    assert "length    600 steps on cpu in float32" in text
    assert "time      3.00 s a step, measured on 2: 30 min for 600 steps" in text
    by_clock = plan(small("run.batch=2", "schedule.length=10 minutes"), device="cpu", measured_steps=2)
    assert "about 200 steps in 10 min" in by_clock


def test_steps_are_measured_without_leaving_anything(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = small("data.clips.picture_share=1", "data.clips.pictures=1", "prompts.rounds=0", "run.batch=1")
    text = plan(recipe, device="cpu", measured_steps=1)
    assert "s a step, measured on 1: " in text
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(measure, "MOST_SECONDS", 0.0)
    assert "measured on 1" in plan(recipe, device="cpu", measured_steps=50), "a slow machine is not kept waiting"


def test_auto_names_what_it_takes(tmp_path):
    shown = CliRunner().invoke(
        app, ["train", "auto", "--data", str(tmp_path / "none"), "--dry-run", "--device", "cpu", "--hold-out", "0.2"]
    )
    assert shown.output.startswith("your-data-laptop: micro at 256 pixels on a processor")
    assert f"missing   data {tmp_path / 'none'}" in shown.output.replace("\n", "")
