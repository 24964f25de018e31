"""A recipe for the smallest network, which learns from drawn scenes at 64 pixels on a CPU."""

import pytest

from model_tools import nano
from sam2s.checkpoints import Metadata, save_checkpoint
from sam2s.training.recipe import load_recipe

SMALL = """
model: {init: INIT, dropout: 0.1, drop_path: 0.1}
data:
  sources: [{place: synthetic, length: 12}]
  clips: {size: 64, frames: 5, clips: 1, objects: 2, min_area: 0.02, augmentation: {rotation: 0, shear: 0}}
  workers: 0
loss: {tsl: 0}
prompts: {rounds: 1}
optimiser: {lr: 1e-3, clip_norm: 1.0}
schedule: {length: 4 steps}
run: {batch: 2, precision: fp32, ema_decay: 0.9, save_minutes: 0, visualise_every: 0}
"""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The smallest network on disk."""
    path = tmp_path_factory.mktemp("weights") / "nano.safetensors"
    save_checkpoint(path, nano().state_dict(), nano().config, Metadata(licence="Apache-2.0"), dtype="fp32")
    return path


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory, weights):
    """A YAML file to train it for four steps of two clips."""
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(SMALL.replace("INIT", str(weights)))
    return path


@pytest.fixture(scope="module")
def small(recipe_file):
    """Read that recipe with settings changed: `small("run.batch=1")`."""
    return lambda *overrides: load_recipe(str(recipe_file), overrides)
