"""What a training keeps for its backward pass is counted by the rollout itself, on tensors without content."""

from dataclasses import replace

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from clip_tools import clip
from model_tools import nano
from sam2s.training.estimate import activations
from sam2s.training.freeze import freeze
from sam2s.training.losses import clip_loss
from sam2s.training.prompting import PromptPlan
from sam2s.training.rollout import rollout


@pytest.fixture(scope="module")
def recipe(small):
    return small(
        "data.clips.picture_share=0",
        "data.clips.divemem=0",
        "data.clips.frames=4",
        "data.clips.objects=3",
        "data.clips.reverse=0",
    )


def prompted(recipe, **rules):
    return replace(recipe, prompts=replace(recipe.prompts, **rules))


def kept(recipe, plan):
    """Bytes that a real forward pass of three objects keeps."""
    batch, model, saved = clip(frames=4), nano().train(), {}
    batch = replace(batch, images=batch.images[:1], owner=torch.zeros(3, dtype=torch.long), times=batch.times[:1])
    freeze(model, recipe.learning)
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def note(tensor):
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        loss, _ = clip_loss(rollout(model, batch, plan, torch.Generator().manual_seed(0)), batch, recipe.loss, None)
    assert loss.requires_grad
    return sum(storage.nbytes() for address, storage in saved.items() if address not in weights)


def test_the_estimate_is_what_a_real_pass_keeps(recipe):
    recipe = prompted(recipe, conditioning=1, corrected=2, rounds=2)
    real = kept(recipe, PromptPlan({0: "click"}, (0, 1), recipe.prompts))
    assert activations(nano(), recipe) == pytest.approx(real, rel=0.02)


def test_every_frame_that_may_be_corrected_counts(recipe):
    """The decoder and the loss run once more for each click, on the second corrected frame as on the first."""
    none, one, two = (activations(nano(), prompted(recipe, conditioning=1, corrected=n, rounds=3)) for n in (0, 1, 2))
    assert one > none
    assert two - one > 0.9 * (one - none)


def test_names_are_counted_too(small):
    recipe = small("data.clips.picture_share=0", "loss.tsl=0.1", "loss.kinds=0.1")
    network = nano(semantic="joint", categories=("hook", "grasper"))
    assert activations(network, recipe) > activations(nano(), small("data.clips.picture_share=0"))


def test_the_largest_kind_of_batch_counts(small):
    clips = small("data.clips.picture_share=0", "data.clips.divemem=0")
    pictures = small("data.clips.picture_share=0.5", "data.clips.divemem=0", "data.clips.pictures=40")
    assert activations(nano(), pictures) > activations(nano(), clips)
