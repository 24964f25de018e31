"""A recipe for the smallest network, which learns from drawn scenes at 64 pixels on a CPU."""

import pytest

from model_tools import nano
from sam2s.checkpoints import Metadata, save_checkpoint
from sam2s.masks import rle
from sam2s.sasv.fixtures.drawing import SIZE, disc, picture, save
from sam2s.sasv.manifest import write_manifest
from sam2s.sasv.video_labels import LabelledFrame, LabelledObject, VideoLabels, write_labels
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


@pytest.fixture
def add_video():
    """Write a video of a built set: by object id, per frame a mask, an empty one, or None where nobody looked."""

    def add(root, name, objects, *, split="train", patient=None, categories=None, seed=0):
        source, _, _ = name.partition("/")
        folder = root / "videos" / name
        count = len(next(iter(objects.values())))
        files = [f"frames/{t:05d}.png" for t in range(count)]
        for t, file in enumerate(files):
            save(folder / file, picture(1000 * seed + t))
        header = {"id": name, "source": source, "subset": None, "split": split, "patient": patient or name}
        header |= {"procedure": "none", "licence": "none", "images": count == 1, "fps": "1", "crop": None}
        frames = [LabelledFrame(10 * t, None, any(m[t] is not None for m in objects.values())) for t in range(count)]
        drafted = {
            i: LabelledObject(
                (categories or {}).get(i, "hook"),
                "instrument",
                "tool",
                [None if m is None else rle.encode(m) for m in masks],
            )
            for i, masks in objects.items()
        }
        write_labels(VideoLabels({**header, "recipe": "r"}, SIZE, frames, drafted), files, folder)
        write_manifest(root)

    return add


@pytest.fixture
def discs():
    """Masks of a disc that moves right, one pixel a frame."""
    return lambda count, y=20, radius=8: [disc(12 + t, y, radius) for t in range(count)]
