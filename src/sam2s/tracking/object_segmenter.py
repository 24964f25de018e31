"""Segmentation of objects on one frame from a prompt or from memory, and the memory entry of the result."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from sam2s.errors import CheckpointError
from sam2s.memory import MemoryEntry, Recall
from sam2s.model import (
    Memory,
    Network,
    Segmentation,
    condition_features,
    make_memory,
    segment_frame,
    segment_from_mask,
    upsample,
)

from .frame_context import FrameContext
from .preprocess import ModelPrompt


@dataclass(frozen=True, slots=True, eq=False)
class TrackedMask:
    """The mask of an object on a frame.

    Attributes:
        answer: output of the network.
        entry: its memory entry.
    """

    answer: Segmentation
    entry: MemoryEntry


@dataclass(frozen=True, slots=True)
class ObjectSegmenter:
    """The network with settings that all objects share; stateless.

    Attributes:
        model: the network.
        pointer_limit: object pointers are read this many frames back, and their distances divided by one less.
        stability: SAM 2.1's fallback to the best of three masks when the single one is unstable.
        map_dtype: type in which memory maps are kept; None for the network's own.
    """

    model: Network
    pointer_limit: int
    stability: bool = True
    map_dtype: torch.dtype | None = None

    def segment_prompt(
        self, context: FrameContext, prompt: ModelPrompt, *, recall: Recall | None, previous: Tensor | None
    ) -> TrackedMask:
        """Segment an object from its prompts on a frame, and encode the memory of the result.

        Args:
            context: the frame.
            prompt: all prompts of the object on this frame.
            recall: memory of the object if the frame was tracked before, else None.
            previous: logits [1, 1, 4h, 4w] of the frame's earlier mask, which further clicks refine.
        """
        model, features = self.model, context.features
        if prompt.mask is not None:
            answer = segment_from_mask(model, features, prompt.mask.to(model.device))
        else:
            memory = None if recall is None else self.assemble_memory([recall])
            answer = segment_frame(
                model,
                features,
                condition_features(model, features, memory, 1),
                objects=1,
                points=prompt.tensors(model.device),
                previous=previous,
                stability=self.stability,
            )
        return self._remember(context, answer.without_candidates(), prompted=True)[0]

    def segment_from_memory(self, context: FrameContext, recalls: list[Recall]) -> list[TrackedMask]:
        """Segment objects on a frame from memory, and encode the memory of each result.

        Args:
            context: the frame.
            recalls: memories of the objects, one batch; all have the same slots and distances.
        """
        model, features = self.model, context.features
        conditioned = condition_features(model, features, self.assemble_memory(recalls), len(recalls))
        answers = segment_frame(model, features, conditioned, objects=len(recalls)).without_candidates()
        return self._remember(context, answers, prompted=False)

    def _remember(self, context: FrameContext, answers: Segmentation, *, prompted: bool) -> list[TrackedMask]:
        maps = self.encode_maps(context.features.embedding, answers, prompted=prompted)
        answers, entries = self.to_host(context, answers, maps)
        return [TrackedMask(*both) for both in zip(answers.split(), entries, strict=True)]

    def compute_memory(self, context: FrameContext, answers: Segmentation, *, prompted: bool) -> list[MemoryEntry]:
        """Encode the memory of each answer; masks of prompted frames are binarised first, as in SAM 2.1.

        Raises:
            CheckpointError: an output of the network is NaN or infinite.
        """
        maps = self.encode_maps(context.features.embedding, answers, prompted=prompted)
        return self.to_host(context, answers, maps)[1]

    def encode_maps(self, embedding: Tensor, answers: Segmentation, *, prompted: bool) -> Tensor:
        """Encode memory maps [B, mem_dim, h, w] of answers, in the type in which they are stored."""
        logits = upsample(answers.logits, self.model.image_size)
        present = answers.object_logit.to(logits.device)
        maps = self.model.encode_memory(embedding, logits, present, binarize=prompted)
        return maps.to(self.map_dtype or maps.dtype)

    def to_host(
        self, context: FrameContext, answers: Segmentation, maps: Tensor
    ) -> tuple[Segmentation, list[MemoryEntry]]:
        """Transfer all scalars of the answers to the host at once, and create their memory entries.

        Returns:
            the answers, with masks and pointers on the device and everything else on the host; their memory entries.

        Raises:
            CheckpointError: an output of the network is NaN or infinite.
        """
        device = answers.logits.device
        columns = [answers.iou, answers.object_logit, answers.logits.flatten(1).sum(1, keepdim=True)]
        if answers.extent is not None and answers.stability is not None:
            columns += [answers.stability[:, None], answers.extent.float()]
        if answers.candidate_ious is not None:
            columns.append(answers.candidate_ious)
        numbers = torch.cat([column.to(device) for column in columns], 1).cpu()  # one wait for a GPU
        rows = numbers[:, :3].tolist()
        if not all(math.isfinite(number) for row in rows for number in row):
            raise CheckpointError(
                f"the network {self.model.config.name} answered NaN or infinity on frame {context.frame.index}: its "
                f"weights are damaged, or {str(self.model.dtype).removeprefix('torch.')} is too narrow for them; load "
                "other weights, or give --precision fp32"
            )
        # One object may keep its map for hours; a view would keep those of all the others.
        owned = [own.clone() for own in maps] if len(maps) > 1 else maps.unbind()
        entries = [
            MemoryEntry(context.time, pointer, iou, object_logit > 0, own)
            for pointer, (iou, object_logit, _), own in zip(answers.pointer, rows, owned, strict=True)
        ]
        return _with_numbers(answers, numbers), entries

    def assemble_memory(self, recalls: list[Recall]) -> Memory:
        """Put what objects recall for one frame into a batch for the network; all have the same slots and distances."""
        first = recalls[0]
        maps = [torch.stack(maps) for maps in zip(*(recall.maps for recall in recalls), strict=True)]
        pointers = [torch.stack(held) for held in zip(*(recall.pointers for recall in recalls), strict=True)]
        distances = torch.tensor(first.distances, dtype=torch.float32, device=maps[0].device)
        return make_memory(self.model, maps, first.slots, pointers, distances, self.pointer_limit)


def _with_numbers(answers: Segmentation, numbers: Tensor) -> Segmentation:
    """The answers with the numbers [B, n] that `ObjectSegmenter.to_host` brought over in place of their own."""
    changes: dict[str, Any] = {"iou": numbers[:, 0:1], "object_logit": numbers[:, 1:2]}
    if answers.extent is not None and answers.stability is not None:
        changes |= {"stability": numbers[:, 3], "extent": numbers[:, 4:6] > 0}
    if answers.candidate_ious is not None:
        changes["candidate_ious"] = numbers[:, -answers.candidate_ious.shape[1] :]
    return replace(answers, **changes)
