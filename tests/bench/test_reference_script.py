"""`benchmarks/reference.py` passes only what agrees."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from reference import report

KEY = "click/run0/frame0/obj1/low_res_logits"
OTHER = "click/run0/frame1/obj1/low_res_logits"


@pytest.mark.parametrize(
    ("ours", "said", "passes"),
    [
        ({KEY: 0.0, OTHER: 0.0}, "ok", True),
        ({KEY: 0.0, OTHER: 1.0}, "TOO LARGE", False),
        ({KEY: 0.0, OTHER: np.nan}, "TOO LARGE", False),
        ({KEY: 0.0}, f"missing: {OTHER}", False),
        ({}, "", False),
    ],
)
def test_only_full_agreement_passes(ours, said, passes, capsys):
    arrays = {key: np.full((2, 2), value) for key, value in ours.items()}
    assert report(arrays, {KEY: np.zeros((2, 2)), OTHER: np.zeros((2, 2))}) is passes
    assert said in capsys.readouterr().out
