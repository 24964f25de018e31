"""What the training loop is fed: clips of one size with the masks of a few of their objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class ClipBatch:
    """B clips of T frames with N objects in all; T = 1 is a batch of images for interactive segmentation.

    Attributes:
        images: float32 [B, T, 3, S, S], normalised.
        masks: bool [N, T, S, S].
        owner: int64 [N] the clip each object belongs to.
        long_term: frames 1 to `long_term` are long-term memories (DiveMem sampling of SAM2S); the rest are consecutive.
        known: bool [N, T], False where nobody looked for the object on that frame, which then counts in no loss.
        category: int64 [N] row of the list of names that the clips were made with, -1 for none.
        times: int64 [B, T] frame numbers in the video that the clip is from.
    """

    images: Tensor
    masks: Tensor
    owner: Tensor
    long_term: int
    known: Tensor
    category: Tensor
    times: Tensor

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> ClipBatch:
        """The same batch on another device."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> ClipBatch:
        """The same batch in page-locked memory; a DataLoader calls this by its name."""
        return self._map(lambda tensor: tensor.pin_memory())

    def _map(self, change: Callable[[Tensor], Tensor]) -> ClipBatch:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        changed: dict[str, Any] = {name: change(v) for name, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **changed)
