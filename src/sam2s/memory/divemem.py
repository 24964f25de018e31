"""The DiveMem filter: which tracked frames enter long-term memory (SAM2S, Sec. DiveMem, Eq. 2)."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from .entry import MemoryEntry
from .policy import MemoryPolicy


class DiveMemFilter:
    """Chooses, of each `candidates` consecutive confident frames, the one least similar to the latest long-term memory.

    That reference does not change while candidates are collected, so each is compared on arrival and only the best one
    is kept: the filter holds three image features and one entry, whatever the number of candidates. Objects share the
    features of a frame by reference.

    Attributes:
        anchor: feature of the conditioning frame that the first candidates are compared with; None if it is missing,
            when no frame is a candidate.
        latest: feature of the latest long-term memory, None before there is one.
        count: number of candidates so far.
        best: the candidate least similar to the reference, its feature and its similarity; None before any.
    """

    def __init__(self, policy: MemoryPolicy) -> None:
        self.policy = policy
        self._threshold = policy.resolve(None).iou_threshold or 0.0
        self.anchor: Tensor | None = None
        self.latest: Tensor | None = None
        self.count = 0
        self.best: tuple[MemoryEntry, Tensor, float] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return the references, the number of candidates, and the best one."""
        return {"anchor": self.anchor, "latest": self.latest, "count": self.count, "best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state from `state_dict`."""
        self.anchor, self.latest, self.count = state["anchor"], state["latest"], state["count"]
        self.best = None if state["best"] is None else tuple(state["best"])

    def set_anchor(self, feature: Tensor | None) -> None:
        """Set the feature of the conditioning frame that the first candidates are compared with; None if missing."""
        self.anchor = feature

    def confident(self, entry: MemoryEntry) -> bool:
        """Whether an entry is confident enough to be a candidate."""
        return entry.iou > self._threshold and (entry.visible or not self.policy.require_presence)

    def observe(self, entry: MemoryEntry, feature: Tensor) -> MemoryEntry | None:
        """Observe the next tracked frame; returns the chosen entry when a set of candidates is complete, else None."""
        if not self.confident(entry):
            if self.policy.consecutive:
                self.interrupt()
            return None
        reference = self.anchor if self.latest is None else self.latest
        if reference is None:  # the prompt that gave it was taken back
            return None
        likeness = similarity(feature, reference)
        if self.best is None or likeness < self.best[2]:
            self.best = entry, feature, likeness
        self.count += 1
        if self.count < self.policy.candidates:
            return None
        chosen, self.latest, _ = self.best
        self.interrupt()
        return chosen

    def interrupt(self) -> None:
        """Clear the candidates."""
        self.count, self.best = 0, None

    def drop(self, times: Container[int]) -> None:
        """Clear the candidates if the best one is of one of these frames, which became conditioning frames."""
        if self.best and self.best[0].time in times:
            self.interrupt()

    def restart(self) -> None:
        """Reset everything except the anchor."""
        self.interrupt()
        self.latest = None


def similarity(a: Tensor, b: Tensor) -> float:
    """Cosine of the angle between two features of any shape, taken as flat vectors in float32 (Eq. 2).

    >>> import torch
    >>> similarity(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 1.0]]))  # doctest: +ELLIPSIS
    0.7071...
    """
    return float(F.cosine_similarity(a.flatten().float(), b.flatten().float(), dim=0))
