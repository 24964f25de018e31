"""A tiny network, a short clip, and jobs that track through it."""

from pathlib import Path

import numpy as np
import pytest

from model_tools import nano
from sam2s.checkpoints import save_checkpoint
from sam2s.formats.prompts_file import parse_box, parse_points
from sam2s.memory import MemoryPolicy
from sam2s.runs import RunSettings
from tracking_tools import movie

PROMPTS = [parse_box("1=grasper@3:4,4,40,30"), parse_points("2=hook@3:+60,20")]


@pytest.fixture(scope="package")
def weights(tmp_path_factory) -> Path:
    model = nano()
    path = tmp_path_factory.mktemp("weights") / "nano.safetensors"
    save_checkpoint(path, model.state_dict(), model.config, dtype="fp32")
    return path


@pytest.fixture(scope="package")
def clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.npy"
    np.save(path, movie(30))
    return path


@pytest.fixture
def job(weights, clip, tmp_path):
    def make(out: str, **changes) -> RunSettings:
        policy = MemoryPolicy(iou_threshold=0.0, candidates=3)
        return RunSettings(str(clip), tmp_path / out, str(weights), PROMPTS, policy, **changes)

    return make
