"""The pre-training script: its schedule, and that a killed run goes on where it stood."""

import json
import subprocess
import sys

import pytest
import torch

from sam2s.model import build, preset
from sam2s.model.checkpoints import load_checkpoint
from sam2s.training.pretrain import Run, learning_rate, parameter_groups


@pytest.mark.parametrize(
    ("progress", "rate"), [(0.0, 0.0), (0.01, 0.5), (0.02, 1.0), (0.51, 0.51), (1.0, 0.02), (1.2, 0.02)]
)
def test_learning_rate_warms_up_and_falls_to_a_fiftieth(progress, rate):
    assert learning_rate(progress, 1.0) == pytest.approx(rate, abs=1e-6)


def test_a_run_goes_on_from_its_checkpoint(tmp_path):
    config = preset("micro", image_size=64)

    def make():
        model = build(config)
        optimiser = torch.optim.AdamW(parameter_groups(model, 0.05), lr=1e-3)
        return Run(tmp_path, model, build(config), optimiser, [{"seed": 1}])

    first = make()
    first.start(None)
    for p in first.model.parameters():
        p.grad = torch.ones_like(p)
    first.update(1.0, 0.9)
    first.elapsed = 30.0
    first.save()
    second = make()
    second.start(None)
    assert (second.step, second.elapsed) == (1, 30.0)
    for kept, new in zip(first.model.state_dict().values(), second.model.state_dict().values(), strict=True):
        assert torch.equal(kept, new)
    assert torch.equal(second.average.maskmem_tpos_enc, first.average.maskmem_tpos_enc)
    _, _, metadata = load_checkpoint(tmp_path / "weights.safetensors")
    assert metadata.training["stages"] == [{"seed": 1, "steps": 1, "minutes": 0.5}]


@pytest.mark.slow
def test_two_processes_train_and_write_weights(tmp_path):
    command = f"--out {tmp_path} --image-size 64 --minutes 0.5 --batch 1 --frames 2".split()
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29687"]
    subprocess.run([*launch, "-m", "sam2s.training.pretrain", *command], check=True, timeout=300)
    state = torch.load(tmp_path / "last.pt", weights_only=True)
    assert state["step"] > 0
    assert state["stages"][-1]["processes"] == 2
    assert json.loads(json.dumps(state["stages"]))
    assert load_checkpoint(tmp_path / "weights.safetensors")[0].image_size == 64
