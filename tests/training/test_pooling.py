"""The mean of features under a mask."""

import torch

from model_tools import nano
from sam2s.training.pooling import pool_masks


def test_features_are_averaged_under_the_mask_alone():
    model = nano(semantic="joint", categories=("hook", "snare"))
    embedding, truth = torch.randn(2, 64, 4, 4), torch.zeros(2, 64, 64, dtype=torch.bool)
    truth[0, :16, :32] = True  # two cells whole
    truth[1, :16, :8] = True  # half a cell
    pooled = pool_masks(model, embedding, truth)
    torch.testing.assert_close(pooled[0], model.semantic_proj(embedding[0, :, 0, :2].mean(1)[None])[0])
    torch.testing.assert_close(pooled[1], model.semantic_proj(embedding[1, :, 0, 0][None])[0])
    assert pool_masks(nano(), embedding, truth) is None
