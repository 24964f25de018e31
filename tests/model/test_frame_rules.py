"""The rules of a frame, which tracking, training and the memory estimate share."""

import pytest
import torch

from model_tools import nano
from sam2s.model import (
    Memory,
    condition_features,
    is_ambiguous,
    make_memory,
    segment,
    segment_frame,
)


@pytest.fixture(scope="module")
def model():
    return nano(semantic="joint", categories=("hook", "grasper"))


@pytest.fixture(scope="module")
def features(model):
    with torch.no_grad():
        return model.encode_image(torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))


def memory(model, objects=2):
    g = torch.Generator().manual_seed(1)
    maps = [torch.randn(objects, 32, 4, 4, generator=g) for _ in range(2)]
    pointers = [torch.randn(objects, 64, generator=g) for _ in range(3)]
    return make_memory(model, maps, (6, 0), pointers, torch.tensor([4.0, 1.0, -2.0]), 16)


def test_one_click_and_no_click_are_ambiguous_a_box_and_more_clicks_are_not():
    assert [is_ambiguous(points) for points in range(4)] == [True, True, False, False]


def test_a_memory_stacks_objects_first_and_counts_in_pointers(model):
    made = memory(model)
    assert made.maps.shape == (2, 2, 32, 4, 4)
    assert made.pointers.shape == (2, 3, 64)
    assert made.slots == (6, 0)
    assert made.distances.tolist() == pytest.approx([4 / 15, 1 / 15, -2 / 15])
    assert make_memory(model, [torch.zeros(1, 32, 4, 4)], (6,), [], torch.zeros(0), 1).pointers.shape == (1, 0, 64)


@torch.no_grad()
def test_a_first_frame_is_marked_and_a_later_one_reads_the_memory(model, features):
    first, cls = condition_features(model, features, None, 3)
    assert torch.equal(first, features.embedding + model.no_mem_embed.view(1, -1, 1, 1))
    assert torch.equal(cls, model.cls_token.expand(3, -1, -1))
    later, read = condition_features(model, features, memory(model), 2)
    expected, token = model.attend(features.embedding, memory(model))
    assert torch.equal(later, expected)
    assert torch.equal(read, token)
    assert later.shape == (2, 64, 4, 4)


@torch.no_grad()
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_number_of_points_decides_which_masks_may_answer(model, features, count):
    conditioned = condition_features(model, features, memory(model), 2)
    points = (torch.full((2, count, 2), 20.0), torch.ones(2, count, dtype=torch.long)) if count else None
    answer = segment_frame(model, features, conditioned, objects=2, points=points, stability=False)
    prompt = model.encode_prompt(2, points)
    expected = segment(
        model, conditioned[0], features, prompt, multimask=count <= 1, cls=conditioned[1], stability=False
    )
    assert torch.equal(answer.logits, expected.logits)
    chosen = answer.decoded.ious[:, 1:].max(1, keepdim=True).values if count <= 1 else answer.decoded.ious[:, :1]
    assert torch.equal(answer.iou, chosen)


@torch.no_grad()
def test_previous_logits_are_clamped_before_they_are_read(model, features):
    conditioned = condition_features(model, features, memory(model), 2)
    wild = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(2)) * 1000

    def logits(previous):
        return segment_frame(model, features, conditioned, objects=2, previous=previous).logits

    assert torch.equal(logits(wild), logits(wild.clamp(-32, 32)))
    assert not torch.equal(logits(wild), logits(wild.clamp(-31, 31)))
    assert not torch.equal(logits(wild), logits(None))


@torch.no_grad()
def test_an_unstable_single_mask_falls_back_only_where_it_is_asked_to(model, features):
    conditioned = condition_features(model, features, memory(model), 2)
    points = torch.full((2, 2, 2), 20.0), torch.tensor([[1, 0], [1, 0]])
    plain = segment_frame(model, features, conditioned, objects=2, points=points, stability=False)
    steady = segment_frame(model, features, conditioned, objects=2, points=points)
    from sam2s.model.segment import STABILITY_THRESHOLD, mask_stability

    stable = mask_stability(plain.decoded.logits[:, 0]) >= STABILITY_THRESHOLD
    best = plain.decoded.ious[:, 1:].max(1).values
    expected = torch.where(stable, plain.decoded.ious[:, 0], best)
    assert torch.equal(steady.iou[:, 0], expected)
    assert torch.equal(steady.pointer, plain.pointer)  # the single mask's token stays


def test_the_order_of_maps_matters_to_no_object_but_rounding(model, features):
    made = memory(model)
    turned = Memory(made.maps.flip(1), made.slots[::-1], made.pointers, made.distances)
    with torch.no_grad():
        a, b = (model.attend(features.embedding, each)[0] for each in (made, turned))
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
