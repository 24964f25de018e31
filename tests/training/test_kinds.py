"""Kinds from image features: the loss of them, and that they can be learned."""

import pytest
import torch

from model_tools import nano
from sam2s.errors import ConfigError
from sam2s.training.batch import ClipBatch
from sam2s.training.clip_objective import ClipObjective
from sam2s.training.kinds import name_masks
from sam2s.training.losses import LossWeights, clip_loss
from sam2s.training.prompting import PromptRules

ONLY = LossWeights(mask=0, dice=0, iou=0, presence=0, tsl=0, kinds=1)
NAMES = ("hook", "snare")


def network():
    return nano(semantic="joint", categories=NAMES)


def coloured_batch():
    """Two clips of two frames: the object of the first is red and a hook, that of the second blue and a snare."""
    images, masks = torch.zeros(2, 2, 3, 64, 64), torch.zeros(2, 2, 64, 64, dtype=torch.bool)
    masks[:, :, 16:48, 16:48] = True
    images[0, :, 0, 16:48, 16:48], images[1, :, 2, 16:48, 16:48] = 2, 2
    return ClipBatch(
        images=images,
        masks=masks,
        owner=torch.tensor([0, 1]),
        long_term=0,
        known=torch.ones(2, 2, dtype=torch.bool),
        category=torch.tensor([0, 1]),
        times=torch.arange(2).expand(2, 2),
    )


def test_alone_nothing_is_prompted_and_every_frame_is_a_view():
    model, batch = network(), coloured_batch()
    answers = list(name_masks(model, batch))
    assert [answer.frame for answer in answers] == [0, 1]
    assert all(answer.logits is None and answer.pooled.shape == (2, 16) for answer in answers)
    assert ONLY.only_kinds
    assert not LossWeights(kinds=1).only_kinds


def test_kinds_are_learned_from_a_batch():
    torch.manual_seed(0)
    model, batch = network(), coloured_batch()
    model.text_bank.data.normal_()
    objective = ClipObjective(model, PromptRules(), ONLY, seed=0, precision=torch.float32)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    told = {"objects": 2.0, "teacher": 0.0, "scale": 10.0, "keep": False}
    for step in range(25):
        loss, terms, _ = objective(batch, step, 0, **told)
        assert set(terms) <= {"kinds", "kinds_accuracy"}
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    _, terms, _ = objective(batch, 99, 0, **told)
    assert terms["kinds_accuracy"] == 1
    assert terms["kinds"] < 0.2


def test_objects_without_a_name_and_absent_ones_count_for_nothing():
    model, batch = network(), coloured_batch()
    batch.masks[1, 1] = False
    batch.category[0] = -1
    bank = torch.randn(2, 16)
    loss, _ = clip_loss(name_masks(model, batch), batch, ONLY, bank)
    seen = next(iter(name_masks(model, batch))).pooled[1:]
    expected = torch.nn.functional.cross_entropy(
        100 * torch.nn.functional.normalize(seen) @ torch.nn.functional.normalize(bank).T, torch.tensor([1])
    )
    torch.testing.assert_close(loss, expected / 2)


def test_a_weight_without_a_bank_is_refused():
    with pytest.raises(
        ConfigError, match="the loss weight kinds is 1, but there is no text bank; give one or set kinds"
    ):
        clip_loss(name_masks(network(), coloured_batch()), coloured_batch(), ONLY, None)
