"""A second oracle: transformers' Sam2VideoModel saves random weights, we load and track with them."""

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model_tools import NANO

pytest.importorskip("transformers")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from against_transformers import frames, our_steps, random_model, their_steps


@pytest.mark.parametrize("objects", [1, 3])
def test_tracks_as_transformers_does(tmp_path, objects):
    config = replace(NANO, image_size=128, hidden_dim=128, mem_dim=64)  # transformers knows no other mem_dim
    random_model(config).save_pretrained(tmp_path)
    args = Namespace(folder=tmp_path, image_size=128, objects=objects)
    ours, theirs = our_steps(args), their_steps(args)
    for frame in frames(20, 128):
        a, b = ours(frame), theirs(frame)
        assert a.shape == b.shape == (objects, 32, 32)
        assert b.std() > 0.1
        np.testing.assert_allclose(a, b, atol=5e-3)
