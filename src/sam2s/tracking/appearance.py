"""Appearance of an object, pooled from the image features of a frame, and the similarity of two appearances."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2s.model import ImageFeatures, Segmentation


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """The appearance of an object on one frame.

    Attributes:
        pooled: mean feature under its mask minus that of the whole frame, [C_i] of length 1, at strides 16, 4 and 8.
        pointer: object pointer [C], of length 1.
        cls: category token [C] of length 1, or None for networks without one.
    """

    pooled: tuple[Tensor, ...]
    pointer: Tensor
    cls: Tensor | None


def compute_appearance(features: ImageFeatures, answer: Segmentation) -> Appearance:
    """Compute the appearance of an answer for one object; its mask must not be empty."""
    mask = (answer.logits[:1] > 0).float()
    pooled = []
    for level in (features.embedding, *features.high_res):
        share = F.interpolate(mask, level.shape[-2:], mode="area")[0, 0]
        inside = (level[0].float() * share).sum((1, 2)) / share.sum().clamp(min=1e-6)
        pooled.append(F.normalize(inside - level[0].float().mean((1, 2)), dim=0))
    cls = None if answer.cls is None else F.normalize(answer.cls[0].float(), dim=0)
    return Appearance(tuple(pooled), F.normalize(answer.pointer[0].float(), dim=0), cls)


def likeness(one: Appearance, other: Appearance) -> float:
    """Mean cosine similarity of the features that two appearances share, -1 to 1."""
    cosines = [torch.dot(a, b) for a, b in zip(one.pooled, other.pooled, strict=True)]
    cosines.append(torch.dot(one.pointer, other.pointer))
    if one.cls is not None and other.cls is not None:
        cosines.append(torch.dot(one.cls, other.cls))
    return float(torch.stack(cosines).mean())


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Earlier appearances of an object.

    Attributes:
        given: on prompted frames: the first one, and the latest.
        seen: on the latest frames where it was tracked with certainty.
    """

    given: tuple[Appearance, ...] = ()
    seen: tuple[Appearance, ...] = ()

    def likeness(self, appearance: Appearance) -> float:
        """Highest similarity of an appearance to those of the object, 0 to 1; 1 if there are none."""
        return max(0.0, max((likeness(appearance, known) for known in (*self.given, *self.seen)), default=1.0))

    def with_given(self, appearance: Appearance, places: int) -> Gallery:
        """The gallery after a prompt; at most `places` such appearances are kept."""
        later = (*self.given[1:], appearance)[-(places - 1) :]
        return replace(self, given=(*self.given[:1], *later) if self.given else (appearance,))

    def with_seen(self, appearance: Appearance, places: int) -> Gallery:
        """The gallery after a frame on which the object was tracked with certainty."""
        return replace(self, seen=(*self.seen, appearance)[-places:])
