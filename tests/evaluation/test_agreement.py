"""Two forms of one network side by side: equal ones agree to the bit, changed ones do not."""

import math

import numpy as np
import pytest
import torch

from model_tools import nano
from sam2s.evaluation.agreement import agreement, largest_difference


def test_a_network_agrees_with_itself():
    network = nano()
    found = agreement(network, network, frames=12, size=64)
    assert (found.frames, found.logits, found.iou, found.worst_iou) == (12, 0, 1, 1)
    # three objects from frames 0, 0 and 3 on; the frame of the correction counts twice
    assert found.masks >= 12 + 12
    assert found.long_term > 0
    assert min(found.seconds) > 0


def test_other_weights_show_in_logits_and_masks():
    found = agreement(nano(), nano(1), frames=6, size=64)
    assert found.logits > 0.1
    assert found.worst_iou <= found.iou < 1


@pytest.mark.parametrize(
    ("a", "b", "difference"),
    [
        ([1.0, 2.0], [1.0, 2.5], 0.5),
        ([1.0, -2.0], [1.0, 2.0], 4.0),
        ([1.0, math.nan], [1.0, 2.0], math.inf),
        ([1.0, math.inf], [1.0, 2.0], math.inf),
    ],
)
def test_largest_difference(a, b, difference):
    assert largest_difference(np.array(a), torch.tensor(b, dtype=torch.float64)) == difference
