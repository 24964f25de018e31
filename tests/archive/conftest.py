"""An archive of small videos with their prompts, and a tiny network."""

import json
from pathlib import Path

import numpy as np
import pytest

from model_tools import nano
from sam2s.checkpoints import save_checkpoint
from tracking_tools import movie


@pytest.fixture(scope="package")
def weights(tmp_path_factory) -> Path:
    model = nano()
    path = tmp_path_factory.mktemp("weights") / "nano.safetensors"
    save_checkpoint(path, model.state_dict(), model.config, dtype="fp32")
    return path


@pytest.fixture
def make_archive(tmp_path, weights):
    """Write so many videos and a jobs file that points into each."""

    def make(count: int, frames: int = 12) -> Path:
        prompts = {"frame": 0, "objects": [{"id": 1, "label": "grasper", "box": [4, 4, 40, 30]}]}
        (tmp_path / "prompts.json").write_text(json.dumps(prompts))
        rows = []
        for number in range(count):
            np.save(tmp_path / f"v{number}.npy", movie(frames, seed=number))
            rows.append({"video": f"v{number}.npy", "prompts": "prompts.json", "weights": str(weights)})
        path = tmp_path / "jobs.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)))
        return path

    return make
