"""What a recipe amounts to: its data, what is missing, and the plan in words."""

import pytest
import torch

from sam2s.training.inputs import open_stream
from sam2s.training.plan import describe_data, missing_inputs, plan, precision_name
from sam2s.training.processes import Processes

CPU = torch.device("cpu")
ALONE = Processes(0, 1, CPU)


def test_the_data_are_described_with_their_amount(small):
    assert describe_data(open_stream(small(), (), ALONE)) == "synthetic: 1,000 clips an epoch"


def test_what_is_missing_is_named_with_what_mends_it(small, tmp_path):
    assert missing_inputs(small()) == []
    bank, data = tmp_path / "bank.safetensors", tmp_path / "set"
    recipe = small(f"data.sources.0.place={data}", f"model.bank={bank}", "model.semantic=joint")
    assert missing_inputs(recipe) == [
        f"data {data}: there is no such folder; build it, or name yours with --data",
        f"text bank {bank}: make it with sam2s text-bank --out {bank}",
    ]
    data.mkdir()
    bank.touch()
    assert missing_inputs(recipe) == []


@pytest.mark.parametrize(("setting", "name"), [("fp32", "float32"), ("bf16", "bfloat16"), ("auto", "float32")])
def test_the_precision_on_a_processor(small, setting, name):
    assert precision_name(small(f"run.precision={setting}"), ALONE) == name


def test_the_plan_in_words(small, tmp_path):
    quick = ("data.clips.frames=2", "data.clips.divemem=0", "data.clips.picture_share=0", "prompts.rounds=0")
    recipe = small(*quick, "learning.part=decoder", "schedule.length=1200 steps")
    lines = plan(recipe, device="cpu").splitlines()
    assert lines[0].startswith("network   nano at 64 px, from ")
    assert lines[1:4] == [
        "data      synthetic: 1,000 clips an epoch",
        "step      2 clips of 2 frames with up to 2 objects: 1 x 2 x 1 (processes, one after the other, at once)",
        "length    1,200 steps on cpu in float32",
    ]
    assert [line for line in lines if not line.startswith(" ")][4:] == [
        "learns",
        "groups",
        "memory of a process, an estimate",
    ]
    row = next(line.split() for line in lines if line.split()[:1] == ["image_encoder"])
    assert row[1] == "0", "the decoder alone learns"
    assert list(tmp_path.iterdir()) == [], "nothing is written"


def test_a_plan_without_its_data_says_so_first_and_measures_nothing(small, tmp_path):
    quick = (
        "data.clips.frames=2",
        "data.clips.divemem=0",
        "data.clips.picture_share=0",
        "prompts.rounds=0",
        "schedule.length=3 epochs",
    )
    recipe = small(*quick, f"data.sources.0.place={tmp_path / 'set'}")
    lines = plan(recipe, device="cpu", measured_steps=3).splitlines()
    assert lines[0].startswith(f"missing   data {tmp_path / 'set'}: there is no such folder")
    assert "data      missing" in lines
    assert "length    3 epochs on cpu in float32" in lines
    assert not any(line.startswith("time") for line in lines)
