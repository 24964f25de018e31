"""One object, one frame: what the network answers to a prompt or to a memory, and what is remembered of the answer."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    """An object that was found on a frame.

    Attributes:
        answer: what the network said.
        entry: what is remembered of it.
    """

    answer: Segmentation
    entry: MemoryEntry


@dataclass(frozen=True, slots=True)
class ObjectSegmenter:
    """The network with the settings that every object shares; holds no state.

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
        """Answer a prompt, and make the memory of the answer.

        Args:
            context: the frame.
            prompt: all that was said about the object on this frame.
            recall: memory of the object if the frame was already tracked; None on a frame that is not.
            previous: logits [1, 1, 4h, 4w] shown for this frame before, which further clicks refine.
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
        answer = answer.without_candidates()
        return TrackedMask(answer, self.compute_memory(context, answer, prompted=True)[0])

    def segment_from_memory(self, context: FrameContext, recalls: list[Recall]) -> list[TrackedMask]:
        """Find objects on a frame from their memories alone, and make the memory of each answer.

        Args:
            context: the frame.
            recalls: of objects that go through the network as one batch; all have the same slots and distances.
        """
        model, features = self.model, context.features
        conditioned = condition_features(model, features, self.assemble_memory(recalls), len(recalls))
        answers = segment_frame(model, features, conditioned, objects=len(recalls)).without_candidates()
        entries = self.compute_memory(context, answers, prompted=False)
        return [TrackedMask(*both) for both in zip(answers.split(), entries, strict=True)]

    def compute_memory(self, context: FrameContext, answers: Segmentation, *, prompted: bool) -> list[MemoryEntry]:
        """Make the memory of each answer; masks of prompted frames are thresholded first, as SAM 2.1 does.

        Raises:
            CheckpointError: the network answered something that is no number.
        """
        logits = upsample(answers.logits, self.model.image_size)
        maps = self.model.encode_memory(context.features.embedding, logits, answers.object_logit, binarize=prompted)
        maps = maps.to(self.map_dtype or maps.dtype)
        numbers = torch.cat((answers.iou, answers.object_logit, answers.logits.flatten(1).sum(1, keepdim=True)), 1)
        rows = numbers.tolist()  # one wait for a GPU
        if not all(math.isfinite(number) for row in rows for number in row):
            raise CheckpointError(
                f"the network {self.model.config.name} answered NaN or infinity on frame {context.frame.index}: its "
                f"weights are damaged, or {str(self.model.dtype).removeprefix('torch.')} is too narrow for them; load "
                "other weights, or give --precision fp32"
            )
        # One object may keep its map for hours; a view would keep those of all the others.
        owned = [own.clone() for own in maps] if len(maps) > 1 else maps.unbind()
        return [
            MemoryEntry(context.time, pointer, iou, object_logit > 0, own)
            for pointer, (iou, object_logit, _), own in zip(answers.pointer, rows, owned, strict=True)
        ]

    def assemble_memory(self, recalls: list[Recall]) -> Memory:
        """Put what objects recall for one frame into a batch for the network; all have the same slots and distances."""
        first = recalls[0]
        maps = [torch.stack(maps) for maps in zip(*(recall.maps for recall in recalls), strict=True)]
        pointers = [torch.stack(held) for held in zip(*(recall.pointers for recall in recalls), strict=True)]
        distances = torch.tensor(first.distances, dtype=torch.float32, device=maps[0].device)
        return make_memory(self.model, maps, first.slots, pointers, distances, self.pointer_limit)
