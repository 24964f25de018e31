"""Soft labels against scipy and against numbers worked out by hand."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from sam2s.training.losses.soft_labels import gaussian, soften


def test_kernel_is_a_gaussian_that_sums_to_one():
    line = gaussian()
    assert line.sum().item() == pytest.approx(1, abs=1e-6)
    assert line.tolist() == pytest.approx(line.flip(0).tolist())
    assert (line[2] / line[1]).item() == pytest.approx(math.exp(1 / 2), rel=1e-6)
    assert (line[2] / line[0]).item() == pytest.approx(math.exp(2), rel=1e-6)
    assert torch.outer(line, line)[2, 2].item() == pytest.approx(0.40262**2, abs=1e-5)


def test_blur_is_that_of_scipy_with_the_border_continued():
    masks = np.random.default_rng(0).random((3, 24, 17)) < 0.4
    expected = np.stack([gaussian_filter(m.astype(np.float64), 1.0, radius=2, mode="nearest") for m in masks])
    np.testing.assert_allclose(soften(torch.from_numpy(masks).float()).numpy(), expected, atol=1e-6)


def test_inside_and_outside_stay_and_the_edge_becomes_unsure():
    """Weights of the line: 0.0545, 0.2442, 0.4026; half of the middle one stays beyond a straight edge."""
    mask = torch.zeros(1, 12, 12)
    mask[:, :, :6] = 1
    row = soften(mask)[0, 5]
    assert row[:4].tolist() == pytest.approx([1.0] * 4, abs=1e-6)
    assert row[4:8].tolist() == pytest.approx([0.94551, 0.70131, 0.29869, 0.05449], abs=1e-4)
    assert row[8:].abs().max().item() < 1e-7


def test_a_mask_that_touches_the_border_is_not_dimmed_there():
    assert soften(torch.ones(1, 9, 9)).sub(1).abs().max().item() < 1e-6
