"""How much memory a process will need, without computing anything: tensors without content go through the network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd.graph import saved_tensors_hooks

from sam2s.model import SAM2S, build

from .batch import ClipBatch
from .clip_objective import enable_activation_checkpointing
from .data.clip_settings import ClipSettings
from .data.sampling import LONG_TERM
from .freeze import freeze
from .losses.total import sum_terms
from .prompting import PromptPlan, PromptRules
from .recipe import Recipe
from .rollout import rollout

GIB = 2**30


def estimate(network: SAM2S, recipe: Recipe) -> str:
    """A line for each kind of memory, for the network as it will be trained."""
    everything = sum(p.numel() for p in network.parameters())
    learning = sum(p.numel() for p in network.parameters() if p.requires_grad)
    copies = 1 if recipe.run.ema_decay else 0
    parts = {
        "weights": 4 * everything * (1 + copies),
        "gradients": 4 * learning,
        "optimiser": 8 * learning,
        "activations": activations(network, recipe),
    }
    parts["in all"] = sum(parts.values())
    return "\n".join(f"  {name:12} {size / GIB:7.2f} GiB" for name, size in parts.items())


def activations(network: SAM2S, recipe: Recipe) -> int:
    """Bytes that the forward pass of the largest batch keeps for the backward pass."""
    return max(_kept(network, recipe, batch, long_term) for batch, long_term in _largest_batches(recipe.data.clips))


def _largest_batches(clips: ClipSettings) -> list[tuple[tuple[int, int], int]]:
    """Clips and frames of each kind of batch that a recipe draws, and its long-term frames."""
    kinds = [((clips.clips, clips.frames), 0)]
    if clips.divemem:
        kinds.append(((clips.clips, clips.frames), min(LONG_TERM, clips.frames - 2)))
    if clips.picture_share:
        kinds.append(((clips.pictures, 1), 0))
    return kinds


def _kept(network: SAM2S, recipe: Recipe, shape: tuple[int, int], long_term: int) -> int:
    saved: dict[int, torch.UntypedStorage] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage._cdata] = storage  # kept, or its number might come up again
        return tensor

    with FakeTensorMode(), saved_tensors_hooks(note, lambda tensor: tensor):
        model = build(network.config).train()
        freeze(model, recipe.learning)
        if recipe.run.activation_checkpointing:
            enable_activation_checkpointing(model)
        weights = {p.untyped_storage()._cdata for p in model.parameters()}
        batch = _blank_batch(shape, recipe.data.clips.objects, model.image_size, max(0, long_term))
        bank = model.text_bank if recipe.loss.tsl or recipe.loss.kinds else None
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.run.precision != "fp32"):
            answers = rollout(model, batch, _most_prompts(batch, recipe.prompts), torch.Generator())
            loss = sum_terms(answers, batch, recipe.loss, bank)[0]
    del loss
    return sum(storage.nbytes() for number, storage in saved.items() if number not in weights)


def _blank_batch(shape: tuple[int, int], objects: int, size: int, long_term: int) -> ClipBatch:
    """Clips without content, with as many objects as there may be."""
    clips, frames = shape
    count = clips * objects
    return ClipBatch(
        images=torch.zeros(clips, frames, 3, size, size),
        masks=torch.zeros(count, frames, size, size, dtype=torch.bool),
        owner=torch.zeros(count, dtype=torch.long),
        long_term=long_term,
        known=torch.ones(count, frames, dtype=torch.bool),
        category=torch.zeros(count, dtype=torch.long),
        times=torch.zeros(clips, frames, dtype=torch.long),
    )


def _most_prompts(batch: ClipBatch, rules: PromptRules) -> PromptPlan:
    """As many prompted and corrected frames as may be drawn: what is kept is the same wherever the clicks fall."""
    frames = batch.images.shape[1]
    if rules.prob_points == 0 and frames > 1:
        return PromptPlan(dict.fromkeys(range(min(rules.conditioning, frames - 1)), "mask"), (), rules)
    prompted = 1 if batch.long_term or frames == 1 else min(rules.conditioning, frames - 1)
    corrected = 1 if batch.long_term or frames == 1 else max(prompted, min(rules.corrected, frames))
    times = tuple(range(min(corrected, rules.corrected))) if rules.rounds else ()
    return PromptPlan(dict.fromkeys(range(prompted), "click"), times, rules)
