"""A clip through the network: what is answered, what is remembered, and a short exact training."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from clip_tools import clip
from model_tools import nano
from sam2s.memory import MemoryBank, MemoryEntry, MemoryPolicy
from sam2s.model import LONG_TERM_SLOT
from sam2s.tracking import Mask
from sam2s.tracking.frame_context import FrameContext
from sam2s.tracking.frame_step import segment_objects
from sam2s.tracking.object_segmenter import ObjectSegmenter
from sam2s.tracking.object_track import ObjectTrack
from sam2s.tracking.preprocess import convert_prompt
from sam2s.tracking.presence import PresenceRule
from sam2s.training import rollout as module
from sam2s.training.losses import LossWeights, clip_loss
from sam2s.training.prompting import PromptPlan, PromptRules
from sam2s.training.rollout import clip_bank, recall, rollout
from sam2s.video import Frame

RULES = PromptRules(rounds=2)
NAMES = ("hook", "grasper", "snare")
CLOCK = torch.arange(40)[None]


def run(plan, model=None, **changes):
    generator = torch.Generator().manual_seed(0)
    return list(rollout(model or nano(), clip(**changes), plan, generator))


@pytest.mark.parametrize(
    ("plan", "frames", "candidates"),
    [
        (PromptPlan({0: "mask"}, (), RULES), [0, 1, 2, 3], [0, 3, 3, 3]),
        (PromptPlan({0: "box"}, (), RULES), [0, 1, 2, 3], [1, 3, 3, 3]),
        (PromptPlan({0: "click"}, (0,), RULES), [0, 0, 0, 1, 2, 3], [3, 1, 1, 3, 3, 3]),
        (PromptPlan({0: "click"}, (0, 2), RULES), [0, 0, 0, 1, 2, 2, 2, 3], [3, 1, 1, 3, 3, 3, 1, 3]),
        (PromptPlan({0: "click", 2: "box"}, (0, 2), RULES), [0, 0, 0, 2, 2, 2, 1, 3], [3, 1, 1, 1, 1, 1, 3, 3]),
    ],
)
def test_answers_of_each_plan(plan, frames, candidates):
    """One click and a tracked frame are ambiguous, so is the first correction of a tracked frame; all else is not."""
    answers = run(plan)
    assert [a.frame for a in answers] == frames
    assert [0 if a.logits is None else a.logits.shape[1] for a in answers] == candidates
    after = [*frames[1:], None]
    assert [a.last for a in answers] == [a.frame != following for a, following in zip(answers, after, strict=True)]
    repeated = [i > 0 and frames[i - 1] == frame for i, frame in enumerate(frames)]
    assert [a.prompted for a in answers] == [
        f in plan.starts or again for f, again in zip(frames, repeated, strict=True)
    ]


def test_a_clip_is_tracked_as_the_tracker_does(monkeypatch):
    """From a mask, frame by frame, the rollout's choice is what tracking answers.

    Tracking remembers the mask thresholded after it was made small: a band without corners survives that as it is.
    """
    monkeypatch.setattr(module, "MASK_LOGIT", 30.0)
    model, batch = nano(), clip(frames=5)
    for n in range(3):
        batch.masks[n, 0] = (torch.arange(64) // 8 % 8 == 2 * n + 1)[:, None]
    with torch.no_grad():
        answers = list(rollout(model, batch, PromptPlan({0: "mask"}, (), RULES), torch.Generator()))
        for n, owner in enumerate(batch.owner):
            net, track = (
                ObjectSegmenter(model, 16),
                ObjectTrack(1, MemoryBank(MemoryPolicy(kind="sam2"), pointer_limit=16)),
            )
            picture = Frame(np.zeros((64, 64, 3), np.uint8), 0)
            contexts = [
                FrameContext(picture, t, model.encode_image(image[None])) for t, image in enumerate(batch.images[owner])
            ]
            prompt = convert_prompt(Mask(batch.masks[n, 0].numpy()), (64, 64), 64)
            track.answer_prompt(net, contexts[0], prompt, keep=True, tracked=False)
            track.commit()
            for answer in answers[1:]:
                context = contexts[answer.frame]
                seen = track.add_to_memory(
                    context, segment_objects(net, context, [track], batched=False)[1], PresenceRule()
                )
                chosen = answer.logits[n, answer.ious[n].argmax()]
                torch.testing.assert_close(chosen, seen.logits[0, 0], atol=1e-4, rtol=0)


def remember(count, conditioning=(0,), long_term=0):
    bank = clip_bank(nano(), 40, long_term)
    for t in range(count):
        entry = MemoryEntry(t, torch.zeros(1, 64), 0.0, False, torch.zeros(1, 32, 4, 4))
        if t in conditioning:
            bank.add_conditioning(entry, torch.zeros(1, 64, 4, 4))
        elif t <= long_term:
            bank.keep_long_term(entry)
        else:
            bank.add_tracked(entry, torch.zeros(1, 64, 4, 4))
    return bank


def test_memory_slots_of_a_divemem_clip():
    """f1 conditions, f2 and f3 are long-term, the block that follows is short-term; f8 reads them all."""
    memory = recall(nano(), remember(7, long_term=2), CLOCK, 7)
    assert memory.slots == (6, 3, 2, 1, 0, LONG_TERM_SLOT, LONG_TERM_SLOT)
    assert memory.pointers.shape == (1, 7, 64)
    assert memory.distances[0, 0].item() == pytest.approx(7 / 15)


def test_long_term_frames_are_never_read_as_short_term_ones():
    memory = recall(nano(), remember(4, long_term=2), CLOCK, 4)
    assert memory.slots == (6, 0, LONG_TERM_SLOT, LONG_TERM_SLOT)


def test_a_vanilla_clip_forgets_after_six_frames():
    assert recall(nano(), remember(9), CLOCK, 9).slots == (6, 5, 4, 3, 2, 1, 0)


def test_pointers_reach_back_fifteen_frames_and_to_every_conditioning_frame():
    memory = recall(nano(), remember(20), CLOCK, 20)
    assert memory.pointers.shape[1] == 16
    assert memory.distances[0].mul(15).round().tolist() == [20, *range(1, 16)]


def test_pointers_can_be_told_real_distances(monkeypatch):
    """Two clips of one batch whose frames lie apart by other steps; each object is told those of its own clip."""
    told = []
    monkeypatch.setattr(module, "recall", lambda *a: told.append(recall(*a).distances.mul(15).round()) or recall(*a))
    batch = replace(clip(), times=torch.tensor([[0, 9, 40, 41], [5, 3, 1, 0]]))
    for real in (False, True):
        generator = torch.Generator().manual_seed(0)
        list(rollout(nano(), batch, PromptPlan({0: "mask"}, (), RULES), generator, real_distances=real))
    assert told[2].tolist() == [[3, 1, 2]]
    assert told[5].tolist() == [[41, 1, 32], [-5, -1, -3], [-5, -1, -3]]


def test_a_prompt_ahead_is_read_as_a_conditioning_frame_in_the_future():
    bank = remember(1)
    bank.add_conditioning(replace(bank.conditioning[0], time=4), torch.zeros(1, 64, 4, 4))
    memory = recall(nano(), bank, CLOCK, 2)
    assert memory.slots == (6, 6)
    assert memory.distances[0].mul(15).round().tolist() == [2, -2]


def test_corrected_frames_are_remembered_as_conditioning_frames(monkeypatch):
    read = []
    monkeypatch.setattr(
        module,
        "recall",
        lambda model, bank, *a: read.append((list(bank.conditioning), list(bank.recent))) or recall(model, bank, *a),
    )
    run(PromptPlan({0: "click"}, (0, 2), RULES))
    assert read[-1] == ([0, 2], [1])


def test_the_true_mask_can_be_remembered_instead_of_the_predicted_one():
    """With a teacher all later frames depend on the truth: objects nobody looked for stay the network's own."""
    batch, plan = clip(), PromptPlan({0: "box"}, (), RULES)
    unknown = replace(batch, known=torch.zeros_like(batch.known))

    def last(which, teacher):
        with torch.no_grad():
            return list(rollout(nano(), which, plan, torch.Generator().manual_seed(0), teacher=teacher))[-1].logits

    assert not torch.allclose(last(batch, 0.0), last(batch, 1.0), atol=1e-4)
    torch.testing.assert_close(last(batch, 0.0), last(unknown, 1.0))


def test_power_is_the_mean_square_of_what_was_read():
    """Of the image embedding, and of the memory maps; nothing is read on the first frame."""
    model, batch, read = nano(), clip(), []
    attend = model.attend
    model.attend = lambda embedding, memory: read.append((embedding, memory.maps)) or attend(embedding, memory)
    answers = list(rollout(model, batch, PromptPlan({0: "click"}, (), RULES), torch.Generator().manual_seed(0)))
    embedding = model.encode_image(batch.images[:, 0]).take(batch.owner).embedding
    assert answers[0].power.tolist() == pytest.approx([embedding.square().mean().item(), 0])
    for answer, (embedding, maps) in zip(answers[1:], read, strict=True):
        expected = [embedding.square().mean().item(), maps.square().mean().item()]
        assert answer.power.tolist() == pytest.approx(expected)


def test_gradients_reach_every_part_of_the_network():
    model = nano(semantic="joint", categories=NAMES).train()
    generator = torch.Generator().manual_seed(0)
    batch = clip(frames=5, long_term=2)
    for plan in (
        PromptPlan({0: "mask"}, (), RULES),
        PromptPlan({0: "click"}, (0,), RULES),
        PromptPlan({0: "box"}, (), RULES),
    ):
        clip_loss(rollout(model, batch, plan, generator), batch, LossWeights(), model.text_bank)[0].backward()
    assert {name for name, p in model.named_parameters() if p.grad is None} == {"no_mem_pos_enc"}


def test_gradients_pass_from_the_last_frame_to_the_first_click_answer():
    """Frame 3 alone is taught: what it reads of frame 0 went through the mask decoder, the memory encoder and back."""
    model, batch = nano().train(), clip()
    batch = replace(batch, known=torch.zeros_like(batch.known).index_fill_(1, torch.tensor([3]), True))
    plan = PromptPlan({0: "click"}, (), RULES)
    clip_loss(rollout(model, batch, plan, torch.Generator().manual_seed(0)), batch, LossWeights(tsl=0))[0].backward()
    embedding = model.sam_prompt_encoder.point_embeddings[1].weight.grad  # positive clicks are on frame 0 only
    assert embedding is not None
    assert embedding.abs().sum() > 0


def test_it_runs_in_half_precision():
    model, batch = nano(semantic="joint", categories=NAMES).train(), clip(frames=5, long_term=2)
    plan = PromptPlan({0: "click"}, (0,), RULES)
    losses = []
    for half in (False, True):
        generator = torch.Generator().manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss, _ = clip_loss(rollout(model, batch, plan, generator), batch, LossWeights(), model.text_bank)
        loss.backward()
        losses.append(loss.item())
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


def test_three_steps_follow_an_exact_curve():
    model = nano(seed=3, semantic="joint", categories=NAMES).train()
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-4)
    generator, plan = torch.Generator().manual_seed(1), PromptPlan({0: "box"}, (), RULES)
    batch, curve = clip(frames=5, long_term=2), []
    for _ in range(4):
        loss, _ = clip_loss(rollout(model, batch, plan, generator), batch, LossWeights(), model.text_bank)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        curve.append(loss.item())
    assert curve == pytest.approx(CURVE, rel=1e-4)


CURVE = [26.83602, 19.14548, 16.97681, 16.10373]


def test_names_are_learned():
    """The object that is bright in the first channel is a hook, and so on: most are named right in new noise."""
    model = nano(semantic="joint", categories=NAMES).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    plan, weights = PromptPlan({0: "box"}, (), RULES), LossWeights(mask=0, dice=0, iou=0, presence=0, tsl=1.0)
    accuracy = []
    for step in range(70):
        batch = replace(clip(frames=2), category=torch.tensor([0, 1, 2]))
        batch.images.add_(torch.randn(batch.images.shape, generator=torch.Generator().manual_seed(step)))
        with torch.set_grad_enabled(step < 60):
            answers = rollout(model, batch, plan, torch.Generator().manual_seed(step))
            loss, terms = clip_loss(answers, batch, weights, model.text_bank)
        accuracy.append(terms["category_accuracy"].item())
        if step < 60:
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    assert sum(accuracy[:5]) / 5 < 0.6
    assert sum(accuracy[60:]) / 10 > 0.7  # chance is 0.33


def test_power_is_the_mean_square_of_what_is_seen_and_of_what_is_remembered(monkeypatch):
    model, batch, read = nano(), clip(), []

    def noted(*arguments):
        read.append(recall(*arguments))
        return read[-1]

    monkeypatch.setattr(module, "recall", noted)
    plan = PromptPlan({0: "click"}, (), RULES)
    answers = list(rollout(model, batch, plan, torch.Generator().manual_seed(0)))
    features = model.encode_image(batch.images.transpose(0, 1).flatten(0, 1))
    for answer, memory in zip(answers, [None, *read], strict=True):
        seen = features.take(answer.frame * 2 + batch.owner).embedding.square().mean()
        remembered = 0.0 if memory is None else memory.maps.square().mean().item()
        assert answer.power.tolist() == pytest.approx([seen.item(), remembered], rel=1e-5)
