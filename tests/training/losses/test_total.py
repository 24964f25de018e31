"""How the terms are chosen, weighted and summed."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sam2s.errors import ConfigError
from sam2s.training.batch import ClipBatch
from sam2s.training.losses import LossWeights, clip_loss
from sam2s.training.losses.soft_labels import gaussian, soften
from sam2s.training.losses.terms import cross_entropy, dice, focal, mask_iou
from sam2s.training.losses.total import Truth
from sam2s.training.rollout import Answer

OFF = LossWeights(mask=0, dice=0, iou=0, presence=0, tsl=0)
SIZE = 8


def half() -> Tensor:
    """A mask of the left half."""
    mask = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    mask[:, : SIZE // 2] = True
    return mask


def batch(masks: Tensor, category: tuple[int, ...] | None = None) -> ClipBatch:
    n, frames = masks.shape[:2]
    return ClipBatch(
        images=torch.zeros(1, frames, 3, SIZE, SIZE),
        masks=masks,
        owner=torch.zeros(n, dtype=torch.long),
        long_term=0,
        known=torch.ones(n, frames, dtype=torch.bool),
        category=torch.tensor(category or (-1,) * n),
        times=torch.zeros(1, frames, dtype=torch.long),
    )


def answer(logits: Tensor, truth: Tensor, **changes: object) -> Answer:
    n, m = logits.shape[:2]
    base = Answer(
        frame=0,
        last=True,
        prompted=True,
        logits=logits,
        ious=torch.full((n, m), 0.5),
        object_logit=torch.ones(n, 1),
        cls=None,
        truth=truth,
        known=torch.ones(n, dtype=torch.bool),
        power=None,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_defaults_are_equation_1():
    """20 times the focal loss with soft labels, dice and IoU with hard ones, presence, summed over two answers."""
    truth = half()[None]
    clip = batch(truth[:, None])
    logits = noise(2, 1, 1, SIZE, SIZE)
    given = [answer(x, truth, object_logit=torch.tensor([[1.5]])) for x in logits]
    total, terms = clip_loss(given, clip, LossWeights(tsl=0))
    expected = 0.0
    for x in logits:
        expected += 20 * focal(x, soften(truth.float())).item() + dice(x, truth.float()).item()
        expected += abs(0.5 - mask_iou(x, truth.float()).item()) + math.log1p(math.exp(-1.5))
    assert total.item() == pytest.approx(expected, rel=1e-5)
    assert terms["presence"].item() == pytest.approx(2 * math.log1p(math.exp(-1.5)), rel=1e-5)
    hard, _ = clip_loss(given, clip, LossWeights(tsl=0, arl=False))
    change = sum(focal(x, truth.float()).item() - focal(x, soften(truth.float())).item() for x in logits)
    assert (hard - total).item() == pytest.approx(20 * change, rel=1e-3)


@pytest.mark.parametrize("name", ["mask", "entropy", "dice", "iou", "presence", "tsl", "power"])
def test_each_term_has_a_switch(name):
    truth = half()[None]
    one = answer(
        noise(1, 3, SIZE, SIZE), truth, cls=noise(1, 4, seed=1), power=torch.tensor([3.0, 0.0]), ious=torch.rand(1, 3)
    )
    total, terms = clip_loss([one], batch(truth[:, None], (2,)), replace(OFF, **{name: 0.7}), torch.eye(4))
    assert total.item() == pytest.approx(0.7 * terms[name].item(), rel=1e-6)
    assert total.item() > 0
    assert clip_loss([one], batch(truth[:, None]), OFF)[0].item() == 0


def test_the_best_of_three_by_mask_and_dice_is_taught():
    """The first candidate has the lower focal loss, the second the lower dice: their weights decide."""
    truth = half()[None]
    wide = torch.where(half(), 3.0, 0.4)
    faint = torch.where(half(), -0.5, -6.0)
    logits = torch.stack((wide, faint, -wide))[None].requires_grad_()
    for weights, best in ((replace(OFF, dice=1.0), 0), (replace(OFF, mask=20.0, arl=False), 1)):
        term = dice if weights.dice else focal
        assert term(logits, truth.float())[0].argmin() == best
        (gradient,) = torch.autograd.grad(clip_loss([answer(logits, truth)], batch(truth[:, None]), weights)[0], logits)
        assert [bool(g.any()) for g in gradient[0]] == [i == best for i in range(3)]


def test_a_share_can_go_to_the_other_candidates():
    truth = half()[None]
    logits = torch.stack((torch.where(half(), 4.0, -4.0), torch.where(half(), -4.0, 4.0)))[None]
    good, bad = math.log1p(math.exp(-4)), math.log1p(math.exp(4))
    weights = replace(OFF, entropy=1.0, others=0.2, arl=False)
    total, terms = clip_loss([answer(logits, truth, ious=torch.tensor([[0.9, 0.1]]))], batch(truth[:, None]), weights)
    assert total.item() == pytest.approx(0.8 * good + 0.2 * (good + bad) / 2, rel=1e-5)
    assert terms["iou_prompted"].item() == 1.0


def test_iou_of_every_candidate_is_taught():
    truth = half()[None]
    logits = torch.stack((torch.where(half(), 4.0, -4.0), torch.full((SIZE, SIZE), 4.0)))[None]
    given = answer(logits, truth, ious=torch.tensor([[0.9, 0.3]]))
    total, _ = clip_loss([given], batch(truth[:, None]), replace(OFF, iou=1.0))
    assert total.item() == pytest.approx((0.1 + 0.2) / 2, abs=1e-6)


def test_absent_objects_teach_presence_and_nothing_else():
    truth = torch.stack((half(), torch.zeros_like(half())))
    logits, presence = noise(2, 3, SIZE, SIZE).requires_grad_(), torch.full((2, 1), 0.1).requires_grad_()
    total, _ = clip_loss([answer(logits, truth, object_logit=presence)], batch(truth[:, None]), LossWeights(tsl=0))
    by_mask, by_presence = torch.autograd.grad(total, (logits, presence))
    assert by_mask[0].any()
    assert not by_mask[1].any()
    assert by_presence[:, 0].tolist() == pytest.approx([-0.475 / 2, 0.525 / 2], abs=1e-3)


def test_what_nobody_looked_at_teaches_nothing():
    truth = torch.stack((half(), half()))
    logits, presence, cls = noise(2, 3, SIZE, SIZE), torch.zeros(2, 1), noise(2, 4)
    for tensor in (logits, presence, cls):
        tensor.requires_grad_()
    given = answer(logits, truth, object_logit=presence, cls=cls, known=torch.tensor([True, False]))
    total, terms = clip_loss([given], batch(truth[:, None], (1, 1)), replace(LossWeights(), gated=False), torch.eye(4))
    for gradient in torch.autograd.grad(total, (logits, presence, cls)):
        assert gradient[0].any()
        assert not gradient[1].any()
    assert terms["category_accuracy"].item() in (0.0, 1.0)


def test_masks_of_an_object_judged_absent_get_no_gradient_unless_asked():
    truth = half()[None]
    logits = noise(1, 3, SIZE, SIZE).requires_grad_()
    given = answer(logits, truth, object_logit=torch.tensor([[-1.0]]))
    for gated in (True, False):
        total, _ = clip_loss([given], batch(truth[:, None]), LossWeights(tsl=0, gated=gated))
        assert bool(torch.autograd.grad(total, logits)[0].any()) is not gated


def test_category_counts_for_visible_named_objects_on_the_last_answer_of_a_frame():
    bank, truth = torch.eye(4), torch.stack((half(), half(), half() & False))
    cls = 3 * torch.eye(4)[[2, 2, 2]]
    clip = batch(truth[:, None], (1, -1, 1))
    weights = replace(OFF, tsl=0.1)
    given = answer(noise(3, 1, SIZE, SIZE), truth, cls=cls)
    total, terms = clip_loss([replace(given, last=False, cls=None), given], clip, weights, bank)
    assert terms["tsl"].item() == pytest.approx(100 / 3, rel=1e-4)  # cosine 1 for the wrong name, 0 for the right one
    assert total.item() == pytest.approx(10 / 3, rel=1e-4)
    assert terms["category_accuracy"].item() == 0
    by_mask = replace(given, logits=None, power=None)
    assert clip_loss([by_mask], clip, weights, bank)[0].item() == pytest.approx(total.item())


def test_sums_are_divided_by_the_number_of_objects():
    truth = torch.stack((half(), half()))
    given = [answer(noise(2, 1, SIZE, SIZE), truth)]
    two, _ = clip_loss(given, batch(truth[:, None]), LossWeights(tsl=0))
    four, _ = clip_loss(given, batch(truth[:, None]), LossWeights(tsl=0), objects=4.0)
    assert two.item() == pytest.approx(2 * four.item(), rel=1e-6)


def test_small_logits_meet_the_truth_enlarged_or_the_truth_is_made_small():
    truth = half()[None]
    logits = torch.tensor([[[[2.0, -1.0]] * 2]])
    full, _ = clip_loss([answer(logits, truth)], batch(truth[:, None]), replace(OFF, entropy=1.0, arl=False))
    enlarged = torch.nn.functional.interpolate(logits, (SIZE, SIZE), mode="bilinear")
    assert full.item() == pytest.approx(cross_entropy(enlarged, truth.float()).item(), rel=1e-6)
    weights = replace(OFF, entropy=1.0, arl=False, quarter=True)
    small, _ = clip_loss([answer(logits, truth)], batch(truth[:, None]), weights)
    assert small.item() == pytest.approx((math.log1p(math.exp(-2)) + math.log1p(math.exp(-1))) / 2, rel=1e-6)


def test_a_category_term_without_names_is_refused():
    truth = half()[None]
    given = answer(noise(1, 1, SIZE, SIZE), truth)
    with pytest.raises(ConfigError, match=r"loss weight tsl is 0\.1, but there is no text bank; give one or set tsl"):
        clip_loss([given], batch(truth[:, None]), LossWeights())
    with pytest.raises(ConfigError, match=r"loss weight tsl is 0\.1, but the network has no CLS; set tsl to 0"):
        clip_loss([given], batch(truth[:, None]), LossWeights(), torch.eye(4))


def test_soft_labels_are_soft_at_the_size_at_which_masks_are_compared():
    """A quarter of the image size: blurred before it is made small, a mask would be nearly as hard as without."""
    mask = torch.zeros(1, 64, 64, dtype=torch.bool)
    mask[:, :, :32] = True
    hard, soft = (Truth.of(mask, LossWeights(arl=arl, quarter=True)).soft[0, 8] for arl in (False, True))
    assert hard.tolist() == [1.0] * 8 + [0.0] * 8
    assert soft[7].item() == pytest.approx(1 - soft[8].item(), abs=1e-6)
    assert soft[8].item() == pytest.approx(gaussian()[:2].sum().item(), abs=1e-6)
    wide = Truth.of(mask, LossWeights(quarter=True, arl_sigma=2.0)).soft[0, 8]
    assert wide[8] > soft[8] + 0.03
    full = Truth.of(mask, LossWeights(arl_sigma=2.0)).soft[0, 32]
    assert full[32].item() == pytest.approx(wide[8].item(), abs=1e-6), "the kernel is counted in compared pixels"


def test_the_scale_of_names_rises_by_equal_factors():
    weights = LossWeights(tsl_scale_start=10.0, tsl_scale_rise=0.5)
    assert [weights.category_scale(p) for p in (0, 0.25, 0.5, 1)] == pytest.approx([10, 10 * 10**0.5, 100, 100])
    assert [LossWeights().category_scale(p) for p in (0, 0.1, 1)] == [100, 100, 100]
    assert LossWeights(tsl_scale_start=10.0, tsl_scale_rise=0.0).category_scale(0) == 100


def test_the_category_term_has_the_scale_that_is_given():
    """With a scale of 10 a wrong name whose cosine is 1 costs 10 nats instead of 100."""
    bank, truth = torch.eye(4), half()[None]
    given = answer(noise(1, 1, SIZE, SIZE), truth, cls=torch.eye(4)[[2]])
    weights, clip = replace(OFF, tsl=1.0), batch(truth[:, None], (1,))
    for scale in (10.0, 100.0):
        _, terms = clip_loss([given], clip, weights, bank, scale=scale)
        assert terms["tsl"].item() == pytest.approx(scale + math.log1p(3 * math.exp(-scale)))
