"""How much memory a process will need, without computing anything: tensors without content go through the network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd.graph import saved_tensors_hooks

from sam2s.model import SAM2S, Memory, Segmentation, build, segment, upsample

from .clip_objective import enable_activation_checkpointing
from .freeze import freeze
from .losses.total import Truth, frame_loss
from .recipe import Recipe
from .rollout import Answer

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
    """Bytes that the forward pass of one batch keeps for the backward pass, the objects being as many as may be."""
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
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.run.precision != "fp32"):
            loss = _clip_losses(model, recipe)
    del loss
    return sum(storage.nbytes() for number, storage in saved.items() if number not in weights)


def _clip_losses(model: SAM2S, recipe: Recipe) -> list[Tensor]:
    """Clips that start from a click and its corrections; what is kept is the same whatever the numbers are."""
    clips, size = recipe.data.clips, model.image_size
    count = clips.clips * clips.objects
    masks = torch.zeros(count, size, size, dtype=torch.bool)
    features = model.encode_image(torch.zeros(clips.clips * clips.frames, 3, size, size))
    maps: list[Tensor] = []
    pointers: list[Tensor] = []
    losses: list[Tensor] = []
    for frame in range(clips.frames):
        here = features.take(torch.zeros(count, dtype=torch.long))
        if maps:
            slots = tuple(range(len(maps)))[-7:]
            memory = Memory(torch.stack(maps[-7:], 1), slots, torch.stack(pointers, 1), torch.zeros(len(pointers)))
            embedding, cls = model.attend(here.embedding, memory)
        else:
            embedding, cls = model.without_memory(here.embedding), model.first_cls(count)
        seen: Segmentation | None = None
        for look in range(1 if maps else 1 + recipe.prompts.rounds):
            points = None if maps else (torch.zeros(count, 1 + look, 2), torch.ones(count, 1 + look, dtype=torch.long))
            prompt = model.encode_prompt(count, points, seen.logits if seen else None)
            seen = segment(model, embedding, here, prompt, multimask=not look, cls=cls, stability=False)
            assert seen.decoded is not None
            logits, ious = (x[:, 1:] if not look else x[:, :1] for x in (seen.decoded.logits, seen.decoded.ious))
            answer = Answer(frame, True, False, logits, ious, seen.object_logit, None, masks, masks[:, 0, 0], None)
            with torch.autocast("cpu", enabled=False):
                losses += frame_loss(answer, Truth.of(masks, recipe.loss), recipe.loss)[0].values()
        assert seen is not None
        large = upsample(seen.logits, size)
        maps.append(model.encode_memory(here.embedding, large, seen.object_logit, binarize=False))
        pointers.append(seen.pointer)
    return losses
