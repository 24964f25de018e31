"""Settings of a tracker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from sam2s.errors import ConfigError
from sam2s.memory import MemoryPolicy
from sam2s.model import Network

from .numbers import at_least
from .object_segmenter import ObjectSegmenter
from .padded_segmenter import PaddedSegmenter
from .presence import PresenceRule

Batching = Literal["auto", "alone", "same-shape", "padded", "graphs"]
"""How objects are batched. "alone": not, so that results are bit-identical whichever objects are tracked. "same-shape":
those whose memories have the same shape. "padded": all, memories padded to a few sizes. "graphs": as padded, recorded
as CUDA graphs. "auto": "same-shape" on a GPU, "alone" elsewhere."""
BATCHINGS: tuple[Batching, ...] = get_args(Batching)


def check_batching(batched: str) -> None:
    """Refuse what is no `Batching`.

    Raises:
        ConfigError: naming what is allowed.
    """
    if batched not in BATCHINGS:
        raise ConfigError(f"batched {batched!r} is not one of {', '.join(BATCHINGS)}")


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """The arguments of `Tracker`.

    Attributes:
        policy: which frames objects remember.
        rule: when an object is visible, occluded or absent.
        stability: SAM 2.1's fallback for unstable single masks.
        num_frames: length of a short video, or None.
        revisit: propagations may return to prompted frames.
        batched: how objects are batched, see `Batching`.
    """

    policy: MemoryPolicy
    rule: PresenceRule
    stability: bool
    num_frames: int | None
    revisit: bool
    batched: Batching

    def __post_init__(self) -> None:
        if isinstance(self.batched, bool):  # in snapshots of earlier versions
            object.__setattr__(self, "batched", "same-shape" if self.batched else "alone")
        check_batching(self.batched)
        if self.num_frames is not None:
            object.__setattr__(self, "num_frames", at_least(1, self.num_frames, "num_frames"))

    def batching(self, segmenter: ObjectSegmenter) -> bool | PaddedSegmenter:
        """How objects are put together: not, by the shape of their memories, or all at once."""
        if self.batched in ("padded", "graphs"):
            return PaddedSegmenter(segmenter, graphs=self.batched == "graphs")
        on_gpu = segmenter.model.device.type == "cuda"
        return self.batched == "same-shape" or (self.batched == "auto" and on_gpu)

    def segmenter(self, model: Network) -> ObjectSegmenter:
        """The network with these settings."""
        limit = model.config.max_pointers
        dtype = torch.bfloat16 if self.policy.map_dtype == "bfloat16" else None
        return ObjectSegmenter(model, min(limit, self.num_frames or limit), self.stability, dtype)
