"""CLS tokens against the text bank."""

import torch

from model_tools import nano


def test_semantic_logits_are_a_hundred_cosines():
    model = nano(semantic="reader", categories=("hook", "grasper"))
    cls = torch.randn(4, 64, generator=torch.Generator().manual_seed(3))
    projected = model.semantic_proj(cls)
    expected = 100 * torch.cosine_similarity(projected[:, None], model.text_bank[None], dim=2)
    torch.testing.assert_close(model.semantic_logits(cls), expected)
