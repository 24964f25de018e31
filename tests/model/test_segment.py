"""From decoded candidates to one answer per object."""

import pytest
import torch

from model_tools import nano
from sam2s.model import mask_prompt_logits, segment_from_mask, upsample
from sam2s.model.mask_decoder import Decoded
from sam2s.model.segment import MASK_LOGIT, NO_OBJECT_LOGIT, Segmentation, choose, mask_stability


def decoded(ious, single=1.0):
    """Four masks 4 x 4 of two objects; the single one has this logit everywhere."""
    logits = torch.ones(2, 4, 4, 4)
    logits[:, 0] = single
    return Decoded(logits, torch.tensor([ious, ious[::-1]]), torch.zeros(2, 4, 8), torch.ones(2, 1), None)


def test_the_best_of_three_answers_an_ambiguous_prompt():
    mask, token = choose(decoded([0.99, 0.1, 0.7, 0.3]), multimask=True, stability=True)
    assert mask.tolist() == token.tolist() == [2, 3]  # never the single one, however sure


def test_the_single_mask_answers_else_unless_it_is_unstable():
    steady, shaky = decoded([0.1, 0.2, 0.9, 0.3]), decoded([0.1, 0.2, 0.9, 0.3], single=0.01)
    for given, stability, masks in ((steady, True, [0, 0]), (shaky, False, [0, 0]), (shaky, True, [2, 1])):
        mask, token = choose(given, multimask=False, stability=stability)
        assert mask.tolist() == masks
        assert token.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("logits", "share"),
    [([1.0, 1.0, -1.0], 1.0), ([1.0, 0.01, -1.0], 0.5), ([-1.0, -1.0, -1.0], 1.0), ([0.0] * 3, 0.0)],
)
def test_stability_is_the_share_that_a_stricter_threshold_leaves(logits, share):
    assert mask_stability(torch.tensor([[logits]])).tolist() == [share]


def test_candidates_leave_what_tells_how_sure_the_network_was():
    given = decoded([0.4, 0.1, 0.7, 0.3])
    answer = Segmentation(given.logits[:, :1], given.ious[:, :1], torch.zeros(2, 8), torch.ones(2, 1), decoded=given)
    lean = answer.without_candidates()
    assert lean.decoded is None
    torch.testing.assert_close(lean.candidate_ious, torch.tensor([[0.1, 0.7, 0.3], [0.7, 0.1, 0.4]]))
    assert lean.stability.tolist() == [1, 1]
    first, second = lean.split()
    assert second.candidate_ious.tolist() == lean.candidate_ious[1:].tolist()
    assert first.logits.shape == (1, 1, 4, 4)
    assert first.cls is None
    assert Segmentation(*[torch.ones(1, 1, 4, 4)] * 4).without_candidates().candidate_ious is None


def test_logits_of_a_mask_are_plus_and_minus_ten_reduced_to_a_quarter():
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    logits = mask_prompt_logits(mask)
    assert logits.shape == (1, 1, 16, 16)
    assert logits[0, 0, 8, 8].item() == pytest.approx(MASK_LOGIT, abs=1e-4)
    assert logits[0, 0, 0, 0].item() == pytest.approx(-MASK_LOGIT, abs=1e-4)
    assert (upsample(logits, 64)[0, 0, 20:44, 20:44] > 0).all()
    thin = torch.zeros(1, 1, 64, 64)
    thin[..., 30, :] = 1
    assert (mask_prompt_logits(thin) < 0).all()


@torch.no_grad()
def test_an_empty_mask_says_that_the_object_is_absent():
    model = nano()
    features = model.encode_image(torch.zeros(1, 3, 64, 64))
    answer = segment_from_mask(model, features, torch.zeros(1, 1, 64, 64))
    assert answer.object_logit.tolist() == [[-MASK_LOGIT]]
    assert torch.equal(answer.pointer, model.no_obj_ptr)
    torch.testing.assert_close(answer.logits, torch.full_like(answer.logits, -MASK_LOGIT), atol=1e-4, rtol=0)
    assert NO_OBJECT_LOGIT < -MASK_LOGIT
