"""Each term against numbers worked out by hand, or against the textbook formula in numpy."""

import math

import numpy as np
import pytest
import torch

from sam2s.training.losses.terms import category_loss, cross_entropy, dice, focal, mask_iou, power_loss


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_focal_by_hand():
    """An object pixel at 0.8 and a background pixel at 0.4: alpha and what was missed, squared, weigh the entropy."""
    logits, target = torch.tensor([[[[logit(0.8), logit(0.4)]]]]), torch.tensor([[[1.0, 0.0]]])
    by_hand = (0.25 * 0.2**2 * -math.log(0.8) + 0.75 * 0.4**2 * -math.log(0.6)) / 2
    assert focal(logits, target).item() == pytest.approx(by_hand, rel=1e-6)


def test_focal_takes_soft_labels_as_the_formula_says():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 3, 5, 4)), rng.random((2, 5, 4))
    p, t = 1 / (1 + np.exp(-x)), y[:, None]
    entropy = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    p_t, alpha_t = p * t + (1 - p) * (1 - t), 0.25 * t + 0.75 * (1 - t)
    expected = (alpha_t * (1 - p_t) ** 2 * entropy).mean((2, 3))
    np.testing.assert_allclose(focal(torch.from_numpy(x), torch.from_numpy(y)).numpy(), expected, rtol=1e-10)


def test_cross_entropy_is_the_mean_over_pixels():
    logits = torch.tensor([[[[logit(0.8), logit(0.5)]]]])
    target = torch.tensor([[[1.0, 0.25]]])
    by_hand = (-math.log(0.8) + -0.25 * math.log(0.5) - 0.75 * math.log(0.5)) / 2
    assert cross_entropy(logits, target).item() == pytest.approx(by_hand, abs=1e-6)


def test_balanced_cross_entropy_weighs_object_and_background_alike():
    """One object pixel of four: its loss counts as much as that of the three others together."""
    logits = torch.tensor([[[[logit(0.8), logit(0.1), logit(0.1), logit(0.4)]]]])
    inside, outside = -math.log(0.8), -(2 * math.log(0.9) + math.log(0.6)) / 3
    target = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    assert cross_entropy(logits, target, balance=1.0).item() == pytest.approx((inside + outside) / 2, abs=1e-6)


def test_dice_with_smoothing():
    logits = torch.tensor([[[[logit(0.9), logit(0.2)]]]])
    target = torch.tensor([[[1.0, 0.0]]])
    assert dice(logits, target).item() == pytest.approx(1 - (2 * 0.9 + 1) / (1.1 + 1 + 1), abs=1e-6)


def test_dice_is_lowest_where_the_prediction_equals_the_share_of_each_pixel():
    target = torch.tensor([[[0.3, 0.9, 0.5]]])
    assert dice(torch.logit(target)[:, None], target).item() == pytest.approx(0, abs=1e-6)


def test_mask_iou_counts_pixels():
    logits = torch.tensor([[[[5.0, 5.0, -5.0, -5.0]], [[-5.0] * 4]]])
    assert mask_iou(logits, torch.tensor([[[1.0, 0.0, 1.0, 0.0]]])).tolist() == [[pytest.approx(1 / 3), 0.0]]
    assert mask_iou(logits[:, 1:], torch.zeros(1, 1, 4)).tolist() == [[0.0]]


def test_category_loss_starts_at_ln_21_where_no_name_is_nearer_than_another():
    bank = torch.eye(22)[:21]
    loss = category_loss(torch.eye(22)[21:].repeat(2, 1), bank, torch.tensor([0, 20]))
    assert loss.tolist() == pytest.approx([math.log(21)] * 2, rel=1e-6)
    assert math.log(21) == pytest.approx(3.04, abs=0.005)


def test_category_loss_by_hand():
    """Cosines 0.03 and 0.01 of the two names, at a scale of 100, whatever the lengths: logits 3 and 1."""
    cls = 7.0 * torch.tensor([[0.03, 0.01, math.sqrt(1 - 0.03**2 - 0.01**2)]])
    bank = torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.5, 0.0]])
    assert category_loss(cls, bank, torch.tensor([0])).item() == pytest.approx(math.log1p(math.exp(-2)), rel=1e-4)
    assert category_loss(cls, bank, torch.tensor([1])).item() == pytest.approx(math.log1p(math.exp(2)), rel=1e-4)


def test_objects_without_a_name_have_no_category_loss():
    cls = torch.randn(2, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = category_loss(cls, torch.eye(4), torch.tensor([-1, 2]))
    loss.sum().backward()
    assert cls.grad is not None
    assert loss[0] == 0
    assert (cls.grad[0] == 0).all()
    assert (cls.grad[1] != 0).any()


def test_power_counts_only_above_unit_variance():
    assert power_loss(torch.tensor([0.4, 3.5])).item() == 2.5
