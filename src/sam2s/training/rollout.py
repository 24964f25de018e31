"""Run a batch of clips through the network as tracking would, keeping gradients.

Legend: B clips, T frames, N objects of all clips together, S image size, h w = S / 4 the size of low-resolution logits,
D width of text features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sam2s.memory import MemoryBank, MemoryEntry, MemoryPolicy
from sam2s.model import (
    SAM2S,
    ImageFeatures,
    Memory,
    Segmentation,
    condition_features,
    is_ambiguous,
    make_memory,
    segment_frame,
    segment_from_mask,
    upsample,
)
from sam2s.model.segment import MASK_LOGIT

from .batch import ClipBatch
from .pooling import pool_masks
from .prompting import PromptKind, PromptPlan, correction, start

__all__ = ["Answer", "PromptKind", "rollout"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the network said of one frame, once, with the truth to hold it against.

    Attributes:
        frame: position in the clip.
        last: no further click follows on this frame.
        prompted: a person has pointed at this frame.
        logits: [N, M, h, w] candidate masks as the decoder drew them, whether or not it judged the object present; M is
            1 after an unambiguous prompt, else 3. None for a mask prompt, which is its own answer.
        ious: [N, M] predicted IoUs.
        object_logit: [N, 1].
        cls: [N, D] semantic token in the space of the text bank; None without one, and on answers that are not last.
        truth: bool [N, S, S].
        known: bool [N], False where nobody looked for the object.
        pooled: [N, D] the image embedding averaged over the true mask, in the space of the text bank; None without one,
            and on answers that are not last.
        power: [2] mean square of the image embedding, and of the memory maps that were read (0 where none was); None
            for a mask prompt.
    """

    frame: int
    last: bool
    prompted: bool
    logits: Tensor | None
    ious: Tensor
    object_logit: Tensor
    cls: Tensor | None
    truth: Tensor
    known: Tensor
    power: Tensor | None
    pooled: Tensor | None = None


def rollout(
    model: SAM2S,
    batch: ClipBatch,
    plan: PromptPlan,
    generator: torch.Generator,
    *,
    teacher: float = 0.0,
    real_distances: bool = False,
) -> Iterator[Answer]:
    """Prompt every object as planned and track it through the other frames of its clip.

    As in the SAM 2.1 reference the prompted frames come first, each by itself; the others follow in order and read all
    conditioning frames, be they earlier or later. A frame that was corrected is a conditioning frame from then on.
    Gradients pass from frame to frame and from click to click.

    Args:
        model: the network.
        batch: frames and true masks.
        plan: where and how the objects are prompted.
        generator: the CPU's, source of clicks and boxes.
        teacher: probability that a tracked frame is remembered with its true mask instead of the predicted one.
        real_distances: object pointers are told how many frames of the video lie between, not of the clip.

    Yields:
        the answers in the order in which they were given.
    """
    clips, frames = batch.images.shape[:2]
    features = model.encode_image(batch.images.transpose(0, 1).flatten(0, 1))
    bank = clip_bank(model, frames, batch.long_term)
    times = batch.times[batch.owner] if real_distances else torch.arange(frames, device=batch.times.device)[None]
    order = (*plan.starts, *(i for i in range(frames) if i not in plan.starts))
    for frame in order:
        here, truth = features.take(frame * clips + batch.owner), batch.masks[:, frame]
        memory = None if frame in plan.starts else recall(model, bank, times, frame)
        power = here.embedding.float().square().mean()
        power = torch.stack((power, torch.zeros_like(power) if memory is None else memory.maps.float().square().mean()))
        looks = 1 + plan.rules.rounds if frame in plan.corrected else 1
        for look, (seen, masks) in enumerate(_look(model, here, truth, plan, frame, looks, memory, generator), 1):
            yield Answer(
                frame=frame,
                last=look == looks,
                prompted=memory is None or look > 1,
                logits=None if seen.decoded is None else seen.decoded.logits[:, masks],
                ious=seen.iou if seen.decoded is None else seen.decoded.ious[:, masks],
                object_logit=seen.object_logit,
                cls=model.semantic_proj(seen.cls) if look == looks and seen.cls is not None else None,
                truth=truth,
                known=batch.known[:, frame],
                power=None if seen.decoded is None else power,
                pooled=pool_masks(model, here.embedding, truth) if look == looks else None,
            )
        if frame != order[-1]:
            _remember(model, batch, plan, bank, frame, here, seen, teacher, generator)


def _remember(
    model: SAM2S,
    batch: ClipBatch,
    plan: PromptPlan,
    bank: MemoryBank,
    frame: int,
    here: ImageFeatures,
    seen: Segmentation,
    teacher: float,
    generator: torch.Generator,
) -> None:
    """Put the last answer to a frame, or the true mask, where later frames read it."""
    conditioning = frame in plan.starts or frame in plan.corrected
    told = batch.known[:, frame]
    if plan.starts.get(frame) != "mask":
        drawn = torch.zeros(()) if conditioning else torch.rand((), generator=generator)
        told = told & ((drawn < teacher) & (not conditioning)).to(told.device)
    maps = _compute_memory(model, here, seen, batch.masks[:, frame], told)
    entry = MemoryEntry(frame, seen.pointer, 0.0, False, maps)
    if conditioning:
        bank.add_conditioning(entry, here.embedding)
    elif frame <= batch.long_term:
        bank.keep_long_term(entry)
    else:
        bank.add_tracked(entry, here.embedding)


SINGLE, THREE = slice(0, 1), slice(1, None)
"""Masks of the decoder that answer an unambiguous prompt, and an ambiguous one."""


def _look(
    model: SAM2S,
    here: ImageFeatures,
    truth: Tensor,
    plan: PromptPlan,
    frame: int,
    looks: int,
    memory: Memory | None,
    generator: torch.Generator,
) -> Iterator[tuple[Segmentation, slice]]:
    """Answer a frame, then each correction of the answer; with the candidates that count."""
    kind, count = plan.starts.get(frame), len(truth)
    if kind == "mask":
        yield segment_from_mask(model, here, truth[:, None]), SINGLE
        return
    points = None if kind is None else start(kind, truth, plan.rules, generator)
    conditioned = condition_features(model, here, memory, count)
    previous = None
    for look in range(looks):
        seen = segment_frame(model, here, conditioned, objects=count, points=points, previous=previous, stability=False)
        yield seen, THREE if is_ambiguous(0 if points is None else points.labels.shape[1]) else SINGLE
        if look + 1 < looks:
            with torch.no_grad():
                more = correction(upsample(seen.logits, model.image_size)[:, 0] > 0, truth, plan.rules, generator)
            points, previous = more if points is None else points.then(more), seen.logits


def clip_bank(model: SAM2S, frames: int, long_term: int) -> MemoryBank:
    """The memory of all objects of a clip, which chooses nothing by itself: no entry is sure enough for its filter."""
    policy = MemoryPolicy(
        short_term=model.config.num_maskmem - 1,
        long_term=max(1, long_term),
        max_conditioning=max(2, frames),
        iou_threshold=1.0,
    )
    return MemoryBank(policy, pointer_limit=model.config.max_pointers)


def recall(model: SAM2S, bank: MemoryBank, times: Tensor, frame: int) -> Memory:
    """What is read at `frame`; as in training of SAM 2.1 also the pointers of prompted frames that lie ahead.

    `times`, [N, T] or one row for all, are what the distances of object pointers are counted by: in units of the
    pointers that are read in a long video, for which the network is trained, however short the clip.
    """
    read = bank.recall(frame, future_pointers=True)
    distances = times[:, [frame]] - times[:, [frame - distance for distance in read.distances]]
    return make_memory(model, read.maps, read.slots, read.pointers, distances, model.config.max_pointers)


def _compute_memory(model: SAM2S, here: ImageFeatures, seen: Segmentation, truth: Tensor, told: Tensor) -> Tensor:
    """Memory map of an answer, or of the true mask for the objects that are `told` it, bool [N].

    Masks are not thresholded, as in training of SAM 2.1: gradients pass.
    """
    shown = torch.where(truth.flatten(1).any(1, keepdim=True), MASK_LOGIT, -MASK_LOGIT)
    present = torch.where(told[:, None], shown, seen.object_logit)
    logits = torch.where(truth[:, None], MASK_LOGIT, -MASK_LOGIT)
    logits = torch.where(told[:, None, None, None], logits, upsample(seen.logits, model.image_size))
    return model.encode_memory(here.embedding, logits, present, binarize=False)
