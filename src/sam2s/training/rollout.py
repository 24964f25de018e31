"""Run a batch of clips through the network as tracking would, keeping gradients.

Legend: B clips, T frames, N objects of all clips together, S image size, h w = S / 4 the size of low-resolution logits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2s.model import LONG_TERM_SLOT, SAM2S, ImageFeatures, Memory, Segmentation, segment, segment_from_mask, upsample
from sam2s.model.segment import MASK_LOGIT
from sam2s.tracking.answers import PREVIOUS_LOGIT_LIMIT

from .clips import ClipBatch
from .prompting import box_prompt, correction_click, first_click

PromptKind = Literal["mask", "box", "click", "clicks"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Candidate masks of one pass over one frame, with the truth to hold them against.

    Attributes:
        logits: [N, M, h, w]; M is 1 after an unambiguous prompt, else 3.
        ious: [N, M].
        object_logit: [N, 1].
        target: [N, h, w] share of each low-resolution pixel that the object covers.
        frame: position in the clip.
        power: [2] mean square of the image embedding, and of the memory maps that were read (0 where none was).
    """

    logits: Tensor
    ious: Tensor
    object_logit: Tensor
    target: Tensor
    frame: int
    power: Tensor


@dataclass(frozen=True, slots=True)
class _Remembered:
    frame: int
    map: Tensor
    pointer: Tensor


def _answer(
    seen: Segmentation,
    features: ImageFeatures,
    target: Tensor,
    *,
    multimask: bool,
    frame: int = 0,
    memory: Memory | None = None,
) -> Answer:
    assert seen.decoded is not None
    embedding = features.embedding.square().mean()
    power = torch.stack((embedding, torch.zeros_like(embedding) if memory is None else memory.maps.square().mean()))
    masks = slice(1, None) if multimask else slice(0, 1)
    decoded = seen.decoded
    return Answer(decoded.logits[:, masks], decoded.ious[:, masks], decoded.object_logit, target, frame, power)


def _prompted(
    model: SAM2S, features: ImageFeatures, masks: Tensor, target: Tensor, kind: PromptKind, generator: torch.Generator
) -> tuple[Segmentation, list[Answer]]:
    """Segment the conditioning frame from simulated prompts; "clicks" is one click and one correction."""
    if kind == "mask":
        return segment_from_mask(model, features, masks[:, None]), []
    count, embedding = len(masks), model.without_memory(features.embedding)
    points = box_prompt(masks, generator) if kind == "box" else first_click(masks, generator)
    multimask = kind != "box"
    cls = model.first_cls(count)
    seen = segment(model, embedding, features, model.encode_prompt(count, points), multimask=multimask, cls=cls)
    answers = [_answer(seen, features, target, multimask=multimask)]
    if kind == "clicks":
        wrong = upsample(seen.logits, model.image_size)[:, 0] > 0
        more = correction_click(wrong, masks, generator)
        points = torch.cat((points[0], more[0]), dim=1), torch.cat((points[1], more[1]), dim=1)
        before = seen.logits.detach().clamp(-PREVIOUS_LOGIT_LIMIT, PREVIOUS_LOGIT_LIMIT)
        prompt = model.encode_prompt(count, points, before)
        seen = segment(model, embedding, features, prompt, multimask=False, cls=cls, stability=False)
        answers.append(_answer(seen, features, target, multimask=False))
    return seen, answers


def _memory(model: SAM2S, remembered: list[_Remembered], frame: int, long_term: int) -> Memory:
    """What is read at `frame`: the conditioning frame, long-term frames 1..long_term, and the short-term window."""
    short = model.config.num_maskmem - 1
    maps, slots = [], []
    for item in remembered:
        distance = frame - item.frame
        if item.frame == 0:
            slot = short
        elif item.frame <= long_term:
            slot = LONG_TERM_SLOT
        elif distance <= short:
            slot = distance - 1
        else:
            continue
        maps.append(item.map)
        slots.append(slot)
    unit = model.config.max_pointers - 1
    distances = torch.tensor([(frame - item.frame) / unit for item in remembered])
    return Memory(torch.stack(maps, 1), tuple(slots), torch.stack([i.pointer for i in remembered], 1), distances)


def rollout(
    model: SAM2S, clip: ClipBatch, kind: PromptKind, generator: torch.Generator, *, teacher: float = 0.0
) -> Iterator[Answer]:
    """Prompt every object on the first frame of its clip and track it through the others.

    Args:
        model: the network.
        clip: frames and true masks.
        kind: how all objects of this batch are prompted.
        generator: source of the simulated clicks and boxes.
        teacher: probability that a frame is remembered with its true mask instead of the predicted one.

    Yields:
        the answers in order; a mask prompt yields none for the first frame.
    """
    batch, frames = clip.images.shape[:2]
    features = model.encode_image(clip.images.transpose(0, 1).flatten(0, 1))
    side = model.image_size // 4
    targets = F.interpolate(clip.masks.float(), (side, side), mode="area")
    remembered: list[_Remembered] = []
    for frame in range(frames):
        rows = frame * batch + clip.owner
        seen_features, target = features.take(rows), targets[:, frame]
        if frame == 0:
            seen, answers = _prompted(model, seen_features, clip.masks[:, 0], target, kind, generator)
            yield from answers
        else:
            memory = _memory(model, remembered, frame, clip.long_term)
            embedding, cls = model.attend(seen_features.embedding, memory)
            prompt = model.encode_prompt(len(rows))
            seen = segment(model, embedding, seen_features, prompt, multimask=True, cls=cls)
            yield _answer(seen, seen_features, target, multimask=True, frame=frame, memory=memory)
        if frame + 1 < frames:
            remembered.append(_remember(model, clip, seen, seen_features, frame, generator, teacher))


def _remember(
    model: SAM2S,
    clip: ClipBatch,
    seen: Segmentation,
    features: ImageFeatures,
    frame: int,
    generator: torch.Generator,
    teacher: float,
) -> _Remembered:
    logits, present = upsample(seen.logits, model.image_size), seen.object_logit
    if frame > 0 and torch.rand((), generator=generator) < teacher:
        truth = clip.masks[:, frame, None]
        logits = torch.where(truth, MASK_LOGIT, -MASK_LOGIT)
        present = torch.where(truth.flatten(1).any(1, keepdim=True), MASK_LOGIT, -MASK_LOGIT)
    maps = model.encode_memory(features.embedding, logits, present, binarize=frame == 0)
    return _Remembered(frame, maps, seen.pointer)
