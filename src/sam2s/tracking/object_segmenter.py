"""One object, one frame: what the network answers to a prompt or to a memory, and what is remembered of the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sam2s.memory import MemoryEntry, Recall
from sam2s.model import ImageFeatures, Memory, Network, Segmentation, segment, segment_from_mask, upsample

from .preprocess import NO_CLICKS, Clicks

PREVIOUS_LOGIT_LIMIT = 32.0
"""The previous mask goes back into the prompt encoder with its logits clamped to this."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What a person has said about one object on one frame so far: all clicks, or a mask bool [1, 1, S, S]."""

    clicks: Clicks = NO_CLICKS
    mask: Tensor | None = None


TrackedMask = tuple[Segmentation, MemoryEntry]


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
        self, features: ImageFeatures, request: Request, *, recall: Recall | None, previous: Tensor | None
    ) -> Segmentation:
        """Answer a prompt.

        Args:
            features: the frame.
            request: all that was said about the object on this frame.
            recall: memory of the object if the frame was already tracked; None on a frame that is not.
            previous: logits [1, 1, 4h, 4w] shown for this frame before, which further clicks refine.
        """
        model = self.model
        if request.mask is not None:
            return _lean(segment_from_mask(model, features, request.mask.to(model.device)))
        if recall is None:
            embedding, cls = model.without_memory(features.embedding), model.first_cls(1)
        else:
            embedding, cls = model.attend(features.embedding, self._memory([recall]))
        hint = None if previous is None else previous.clamp(-PREVIOUS_LOGIT_LIMIT, PREVIOUS_LOGIT_LIMIT)
        prompt = model.encode_prompt(1, request.clicks.tensors(model.device), hint)
        one_click = len(request.clicks.labels) <= 1
        return _lean(
            segment(model, embedding, features, prompt, multimask=one_click, cls=cls, stability=self.stability)
        )

    def segment_from_memory(self, features: ImageFeatures, recalls: list[Recall], time: int) -> list[TrackedMask]:
        """Find objects on a frame from their memories alone, and make the memory of each answer.

        Args:
            features: the frame.
            recalls: of objects that go through the network as one batch; all have the same slots and distances.
            time: position of the frame.
        """
        embedding, cls = self.model.attend(features.embedding, self._memory(recalls))
        prompt = self.model.encode_prompt(len(recalls))
        answers = _lean(segment(self.model, embedding, features, prompt, multimask=True, cls=cls))
        return list(zip(answers.split(), self._entries(features, answers, time, prompted=False), strict=True))

    def compute_memory(
        self, features: ImageFeatures, answer: Segmentation, time: int, *, prompted: bool
    ) -> MemoryEntry:
        """Make the memory of an answer; masks of prompted frames are thresholded first, as SAM 2.1 does."""
        return self._entries(features, answer, time, prompted=prompted)[0]

    def _entries(
        self, features: ImageFeatures, answers: Segmentation, time: int, *, prompted: bool
    ) -> list[MemoryEntry]:
        logits = upsample(answers.logits, self.model.image_size)
        maps = self.model.encode_memory(features.embedding, logits, answers.object_logit, binarize=prompted)
        maps = maps.to(self.map_dtype or maps.dtype)
        ious, visible = answers.iou[:, 0].tolist(), (answers.object_logit[:, 0] > 0).tolist()
        # One object may keep its map for hours; a view would keep those of all the others.
        owned = [own.clone() for own in maps] if len(maps) > 1 else maps.unbind()
        rows = zip(answers.pointer, ious, visible, owned, strict=True)
        return [MemoryEntry(time, pointer, iou, seen, own) for pointer, iou, seen, own in rows]

    def _memory(self, recalls: list[Recall]) -> Memory:
        maps = torch.stack([torch.stack(recall.maps) for recall in recalls])
        empty = maps.new_zeros(0, self.model.config.hidden_dim)
        pointers = torch.stack([torch.stack(r.pointers) if r.pointers else empty for r in recalls])
        distances = torch.tensor(recalls[0].distances, dtype=torch.float32, device=maps.device)
        return Memory(maps, recalls[0].slots, pointers, distances / max(1, self.pointer_limit - 1))


def _lean(answer: Segmentation) -> Segmentation:
    return replace(answer, decoded=None)
