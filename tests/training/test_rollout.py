"""A clip through the network: what is answered, what is remembered, and a short exact training."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model_tools import nano
from sam2s.model import LONG_TERM_SLOT
from sam2s.training.clips import ClipBatch, SyntheticClips, divemem_times, vanilla_times
from sam2s.training.losses import LossWeights, frame_loss
from sam2s.training.prompting import box_prompt, correction_click, first_click
from sam2s.training.rollout import _memory, _Remembered, rollout


def clip(frames=4, long_term=0, size=64):
    """Two clips with one and two objects: bright squares that move one pixel a frame over noise."""
    g = torch.Generator().manual_seed(0)
    images = torch.randn(2, frames, 3, size, size, generator=g)
    owner = torch.tensor([0, 1, 1])
    masks = torch.zeros(3, frames, size, size, dtype=torch.bool)
    for n, (y, x) in enumerate([(8, 8), (4, 30), (36, 20)]):
        for t in range(frames):
            masks[n, t, y : y + 20, x + t : x + t + 24] = True
            images[owner[n], t, n, masks[n, t]] += 3
    return ClipBatch(images, masks, owner, long_term)


@pytest.mark.parametrize(
    ("kind", "candidates"),
    [("mask", [3, 3, 3]), ("box", [1, 3, 3, 3]), ("click", [3, 3, 3, 3]), ("clicks", [3, 1, 3, 3, 3])],
)
def test_answers_of_each_prompt(kind, candidates):
    answers = list(rollout(nano(), clip(), kind, torch.Generator().manual_seed(0)))
    assert [a.logits.shape[1] for a in answers] == candidates
    assert all(a.logits.shape[0] == 3 and a.target.shape == (3, 16, 16) for a in answers)


def test_memory_slots_of_a_divemem_clip():
    """f1 conditions, f2 and f3 are long-term, the block that follows is short-term; f8 reads them all."""
    model = nano()
    seen = [_Remembered(i, torch.zeros(1, 32, 4, 4), torch.zeros(1, 64)) for i in range(7)]
    memory = _memory(model, seen, 7, long_term=2)
    assert memory.slots == (6, LONG_TERM_SLOT, LONG_TERM_SLOT, 3, 2, 1, 0)
    assert memory.pointers.shape == (1, 7, 64)
    assert memory.distances[0].item() == pytest.approx(7 / 15)


def test_a_vanilla_clip_forgets_after_six_frames():
    seen = [_Remembered(i, torch.zeros(1, 32, 4, 4), torch.zeros(1, 64)) for i in range(9)]
    assert _memory(nano(), seen, 9, long_term=0).slots == (6, 5, 4, 3, 2, 1, 0)


def test_gradients_reach_every_part_of_the_network():
    model = nano()
    model.train()
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros(())
    for kind in ("mask", "clicks", "box"):
        for a in rollout(model, clip(frames=5, long_term=2), kind, generator):
            total = total + frame_loss(a.logits, a.ious, a.object_logit, a.target, LossWeights())[0]
    total.backward()
    unused = {name for name, p in model.named_parameters() if p.grad is None}
    assert unused <= {"no_mem_pos_enc", "sam_prompt_encoder.no_mask_embed.weight"}


def test_three_steps_follow_an_exact_curve():
    model = nano(seed=3)
    model.train()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05)
    generator = torch.Generator().manual_seed(1)
    curve = []
    for _ in range(4):
        terms = [
            frame_loss(a.logits, a.ious, a.object_logit, a.target, LossWeights())[0]
            for a in rollout(model, clip(), "box", generator)
        ]
        loss = torch.stack(terms).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        curve.append(loss.item())
    assert curve == pytest.approx(CURVE, abs=2e-3)


CURVE = [1.7808, 1.5894, 1.3785, 1.2481]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), size=st.integers(8, 40))
def test_prompts_point_at_the_object(seed, size):
    g = torch.Generator().manual_seed(seed)
    masks = torch.zeros(1, size, size, dtype=torch.bool)
    y, x = (int(v) for v in torch.randint(0, size - 4, (2,), generator=g))
    masks[0, y : y + 4, x : x + 3] = True
    (cx, cy), label = first_click(masks, g)[0][0, 0].long().tolist(), first_click(masks, g)[1]
    assert masks[0, cy, cx]
    assert label.item() == 1
    corners, labels = box_prompt(masks, g, jitter=0.0)
    assert corners[0].tolist() == [[x, y], [x + 2, y + 3]]
    assert labels.tolist() == [[2, 3]]
    predicted = torch.zeros_like(masks)
    predicted[0, y : y + 4, x + 1 : min(size, x + 8)] = True
    point, sign = correction_click(predicted, masks, g)
    px, py = point[0, 0].long().tolist()
    assert predicted[0, py, px] != masks[0, py, px]
    assert sign.item() == int(masks[0, py, px])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), length=st.integers(8, 200), stride=st.integers(1, 6))
def test_divemem_times_cover_the_video(seed, length, stride):
    rng = np.random.default_rng(seed)
    times = divemem_times(length, 8, min(stride, length // 8), rng)
    assert len(times) == 8
    assert set(times[:3]).isdisjoint(times[3:])
    assert len(set(times[:3])) == 3
    assert all(0 <= t < length for t in times)
    assert len(set(np.diff(times[3:]))) == 1


def test_vanilla_times_are_consecutive_in_either_direction():
    steps = {tuple(np.diff(vanilla_times(50, 5, 2, np.random.default_rng(seed)))) for seed in range(20)}
    assert steps == {(2, 2, 2, 2), (-2, -2, -2, -2)}


def test_generated_clips_are_the_same_for_the_same_seed():
    a, b = (next(iter(SyntheticClips(size=64, batch=2, frames=3, seed=5))) for _ in range(2))
    torch.testing.assert_close(a.images, b.images, rtol=0, atol=0)
    assert torch.equal(a.masks, b.masks)
    assert a.images.shape == (2, 3, 3, 64, 64)
    assert a.masks[:, 0].flatten(1).any(1).all()
