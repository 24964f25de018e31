"""What an object looks like, in numbers that a frame's features give at no cost, and how alike two looks are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2s.model import ImageFeatures, Segmentation


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """An object on one frame.

    Attributes:
        pooled: the features under its mask less those of the whole frame, at strides 16, 4 and 8, each of length 1.
        pointer: object pointer [C], of length 1.
        cls: category token [C] of length 1, or None for networks without one.
    """

    pooled: tuple[Tensor, ...]
    pointer: Tensor
    cls: Tensor | None


def compute_appearance(features: ImageFeatures, answer: Segmentation) -> Appearance:
    """The appearance of what an answer for one object shows; its mask must not be empty."""
    mask = (answer.logits[:1] > 0).float()
    pooled = []
    for level in (features.embedding, *features.high_res):
        share = F.interpolate(mask, level.shape[-2:], mode="area")[0, 0]
        inside = (level[0].float() * share).sum((1, 2)) / share.sum().clamp(min=1e-6)
        pooled.append(F.normalize(inside - level[0].float().mean((1, 2)), dim=0))
    cls = None if answer.cls is None else F.normalize(answer.cls[0].float(), dim=0)
    return Appearance(tuple(pooled), F.normalize(answer.pointer[0].float(), dim=0), cls)


def likeness(one: Appearance, other: Appearance) -> float:
    """Mean cosine of what two appearances have in common, at most 1."""
    cosines = [torch.dot(a, b) for a, b in zip(one.pooled, other.pooled, strict=True)]
    cosines.append(torch.dot(one.pointer, other.pointer))
    if one.cls is not None and other.cls is not None:
        cosines.append(torch.dot(one.cls, other.cls))
    return float(torch.stack(cosines).mean())


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """What an object has looked like.

    Attributes:
        given: on frames where a person pointed at it: the first one, and the latest.
        seen: on frames since, where it was tracked for certain: the latest.
    """

    given: tuple[Appearance, ...] = ()
    seen: tuple[Appearance, ...] = ()

    def likeness(self, appearance: Appearance) -> float:
        """How like the object an appearance is: the best of all that are kept, 0 to 1; 1 where none is."""
        return max(0.0, max((likeness(appearance, known) for known in (*self.given, *self.seen)), default=1.0))

    def with_given(self, appearance: Appearance, places: int) -> Gallery:
        """The gallery after a person pointed at the object; at most `places` such appearances are kept."""
        later = (*self.given[1:], appearance)[-(places - 1) :]
        return replace(self, given=(*self.given[:1], *later) if self.given else (appearance,))

    def with_seen(self, appearance: Appearance, places: int) -> Gallery:
        """The gallery after a frame on which the object was tracked for certain."""
        return replace(self, seen=(*self.seen, appearance)[-places:])
