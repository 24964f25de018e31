"""What a tracker is told when it is made."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sam2s.memory import MemoryPolicy
from sam2s.model import Network

from .numbers import at_least
from .object_segmenter import ObjectSegmenter
from .presence import PresenceRule


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """The settings of a tracker, as its arguments give them.

    Attributes:
        policy: what objects remember.
        rule: when an object counts as visible, occluded or absent.
        stability: SAM 2.1's fallback for unstable single masks.
        num_frames: length of a short video, or None.
        revisit: passes may return to frames with prompts.
        batched: objects whose memories have one shape go through the network together.
    """

    policy: MemoryPolicy
    rule: PresenceRule
    stability: bool
    num_frames: int | None
    revisit: bool
    batched: bool

    def __post_init__(self) -> None:
        if self.num_frames is not None:
            object.__setattr__(self, "num_frames", at_least(1, self.num_frames, "num_frames"))

    def segmenter(self, model: Network) -> ObjectSegmenter:
        """The network with these settings."""
        limit = model.config.max_pointers
        dtype = torch.bfloat16 if self.policy.map_dtype == "bfloat16" else None
        return ObjectSegmenter(model, min(limit, self.num_frames or limit), self.stability, dtype)
