"""Appearances against sums by hand."""

import pytest
import torch

from sam2s.model import ImageFeatures, Segmentation
from sam2s.tracking.appearance import Appearance, Gallery, compute_appearance, likeness


def unit(*values):
    vector = torch.tensor(values)
    return vector / vector.norm()


def look(x, y, cls=None):
    return Appearance((unit(x, y),), unit(x, y), None if cls is None else unit(*cls))


def test_features_are_pooled_under_the_mask_less_the_mean_of_the_frame():
    logits = torch.full((1, 1, 4, 4), -1.0)
    logits[..., :2, :2] = 1.0  # the top left quarter
    fine = torch.zeros(1, 2, 4, 4)
    fine[0, 0, :2, :2], fine[0, 1, 2:, 2:] = 8.0, 4.0
    coarse = torch.tensor([[[[3.0, 1.0], [0.0, 0.0]]]])
    answer = Segmentation(
        logits, torch.ones(1, 1), torch.tensor([[3.0, 4.0]]), torch.ones(1, 1), torch.tensor([[0.0, 2.0]])
    )
    seen = compute_appearance(ImageFeatures(coarse, (fine, fine)), answer)
    assert seen.pooled[0].tolist() == [1.0]  # 3 - 1, made 1 long
    assert torch.allclose(seen.pooled[1], unit(8.0 - 2.0, 0.0 - 1.0))
    assert torch.allclose(seen.pointer, torch.tensor([0.6, 0.8]))
    assert seen.cls.tolist() == [0.0, 1.0]


def test_a_mask_smaller_than_a_cell_of_the_features_counts_that_cell():
    logits = torch.full((1, 1, 4, 4), -1.0)
    logits[0, 0, 3, 3] = 1.0
    coarse = torch.tensor([[[[0.0, 0.0], [0.0, 8.0]]]])
    answer = Segmentation(logits, torch.ones(1, 1), torch.ones(1, 2), torch.ones(1, 1))
    seen = compute_appearance(ImageFeatures(coarse, (coarse, coarse)), answer)
    assert seen.pooled[0].tolist() == [1.0]
    assert seen.cls is None


def test_likeness_is_the_mean_cosine_of_what_both_have():
    assert likeness(look(1.0, 0.0), look(1.0, 0.0)) == pytest.approx(1)
    assert likeness(look(1.0, 0.0), look(0.0, 1.0)) == pytest.approx(0)
    assert likeness(look(1.0, 0.0, (1.0, 0.0)), look(1.0, 0.0, (-1.0, 0.0))) == pytest.approx((1 + 1 - 1) / 3)
    assert likeness(look(1.0, 0.0, (1.0, 0.0)), look(1.0, 0.0)) == pytest.approx(1)


def test_a_gallery_keeps_the_first_look_and_the_latest_and_answers_with_the_best():
    gallery = Gallery()
    assert gallery.likeness(look(1.0, 0.0)) == 1  # nothing speaks against it
    looks = [look(1.0, float(k)) for k in range(6)]
    for one in looks:
        gallery = gallery.with_given(one, 3)
    assert gallery.given == (looks[0], looks[4], looks[5])
    for one in looks:
        gallery = gallery.with_seen(one, 2)
    assert gallery.seen == (looks[4], looks[5])
    assert gallery.likeness(look(1.0, 0.0)) == pytest.approx(1)
    assert gallery.likeness(look(-1.0, -4.5)) == 0  # never below
