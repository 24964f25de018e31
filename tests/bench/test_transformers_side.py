"""A second oracle: transformers' Sam2VideoModel with our weights tracks as we do."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model_tools import NANO
from sam2s.bench.network import randomise
from sam2s.bench.sam2s_side import sam2s_side
from sam2s.bench.transformers_side import transformers_side
from sam2s.checkpoints import save_checkpoint
from sam2s.model import build

pytest.importorskip("transformers")


@pytest.mark.parametrize("objects", [1, 3])
def test_tracks_as_transformers_does(tmp_path, objects):
    config = replace(NANO, image_size=128, hidden_dim=128, mem_dim=64)  # transformers knows no other mem_dim
    path = tmp_path / "weights.safetensors"
    save_checkpoint(path, randomise(build(config)).state_dict(), config, dtype="fp32")
    ours, theirs = (
        side(path, torch.device("cpu"), torch.float32, 20, objects) for side in (sam2s_side, transformers_side)
    )
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape == (objects, 32, 32)
        assert b.std() > 0.1
        np.testing.assert_allclose(a, b, atol=5e-3)
