"""How the learning rate goes: an optional linear rise, then a cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sam2s.errors import ConfigError

from .settings import require_share

UNITS = ("steps", "epochs", "minutes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """How long to train, and what the learning rate does meanwhile.

    Attributes:
        length: "N steps" of the optimiser; "N epochs", passes over the data in which each video counts as often as it
            has frames (up to the cap of its source); or "N minutes" by the clock, after which no two runs are equal.
        warmup: share of the training in which the rate rises from 0.
        final: share of the peak at which the cosine ends. SAM2S: 0.1, from 1e-5 to 1e-6.
    """

    length: str
    warmup: float = 0.0
    final: float = 0.1

    def __post_init__(self) -> None:
        number, _, unit = self.length.partition(" ")
        if unit not in UNITS or not _is_positive(number):
            raise ConfigError(
                f"length is {self.length!r}; give a number and a unit, such as 5000 steps, 30 epochs, 60 minutes"
            )
        require_share(self, "warmup", "final")

    def amount(self, unit: str) -> float | None:
        """The length in this unit, None if it is given in another one."""
        number, _, given = self.length.partition(" ")
        return float(number) if given == unit else None

    def factor(self, progress: float) -> float:
        """Learning rate as a share of its peak, at `progress` from 0 to 1."""
        if progress < self.warmup:
            return progress / self.warmup
        done = (progress - self.warmup) / (1 - self.warmup) if self.warmup < 1 else 1.0
        return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def _is_positive(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False
