"""Loss terms against numbers worked out by hand."""

import math

import pytest
import torch

from sam2s.training.losses import LossWeights, cross_entropy, dice, frame_loss, mask_iou, power_loss


def logit(p: float) -> float:
    return math.log(p / (1 - p))


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


def test_mask_iou_counts_pixels_and_calls_two_empty_masks_equal():
    logits = torch.tensor([[[[5.0, 5.0, -5.0, -5.0]], [[-5.0] * 4]]])
    assert mask_iou(logits, torch.tensor([[[1.0, 0.0, 1.0, 0.0]]])).tolist() == [[pytest.approx(1 / 3), 0.0]]
    assert mask_iou(logits[:, 1:], torch.zeros(1, 1, 4)).tolist() == [[1.0]]


def test_only_the_best_candidate_is_taught_fully():
    """Two candidates, one right and one wrong: the loss is the best term plus the small share of the mean."""
    target = torch.tensor([[[1.0, 0.0]]])
    logits = torch.tensor([[[[4.0, -4.0]], [[-4.0, 4.0]]]])
    weights = LossWeights(mask=1, dice=0, iou=0, presence=0, others=0.2, balance=0)
    good, bad = math.log1p(math.exp(-4)), math.log1p(math.exp(4))
    total, terms = frame_loss(logits, torch.tensor([[0.9, 0.1]]), torch.tensor([[0.0]]), target, weights)
    assert total.item() == pytest.approx(0.8 * good + 0.2 * (good + bad) / 2, rel=1e-5)
    assert terms["iou_value"].item() == 1.0


def test_iou_head_learns_the_true_iou():
    target = torch.tensor([[[1.0, 0.0]]])
    logits = torch.tensor([[[[4.0, -4.0]], [[4.0, 4.0]]]])
    weights = LossWeights(mask=0, dice=0, iou=1, presence=0)
    total, _ = frame_loss(logits, torch.tensor([[0.9, 0.3]]), torch.tensor([[0.0]]), target, weights)
    assert total.item() == pytest.approx((0.1 + 0.2) / 2, abs=1e-6)


def test_absent_objects_teach_presence_and_nothing_else():
    logits = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    presence = torch.zeros(2, 1, requires_grad=True)
    target = torch.zeros(2, 4, 4)
    target[0, :2] = 1
    total, terms = frame_loss(logits, torch.rand(2, 3), presence, target, LossWeights())
    total.backward()
    assert logits.grad is not None
    assert presence.grad is not None
    assert logits.grad[0].abs().sum() > 0
    assert logits.grad[1].abs().sum() == 0
    assert (presence.grad[:, 0] * torch.tensor([-1.0, 1.0]) > 0).all()
    assert terms["presence"].item() == pytest.approx(math.log(2))


def test_power_counts_only_above_unit_variance():
    assert power_loss(torch.tensor([0.4, 3.5])).item() == 2.5
