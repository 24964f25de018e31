"""Validation while training: what is measured how often, which weights were best, and when to stop early.

How weights are measured is not training's business: whoever starts a run gives a `Validator`
(`sam2s.runs.validation` makes one that tracks held-out videos).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from sam2s.errors import ConfigError
from sam2s.model import SAM2S

from .settings import require

SCORE = "val_jf"
"""The number of a validation by which weights are compared: higher is better."""

Scores = dict[str, float]
"""What was measured, by name; `SCORE` is among them."""

Validator = Callable[[SAM2S], Scores]
"""Measures a network in evaluation mode, which it leaves as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationSettings:
    """What is measured while training, and what follows from it.

    Attributes:
        every: steps between validations; 0 for none. The weights that a run starts from and those that it ends with are
            measured too.
        places: held-out videos, in any form that training takes; none takes `split` of the sources of the recipe,
            where they have such a part.
        split: part of the places.
        prompts: how objects are pointed at, as for `sam2s eval --prompt`; the mean over them decides.
        videos: most videos, evenly spaced among all.
        frames: most annotated frames of each, from the first that shows an object.
        patience: validations without a new best after which the run ends; 0 for never.
    """

    every: int = 0
    places: tuple[str, ...] = ()
    split: str | None = "val"
    prompts: tuple[str, ...] = ("mask", "box", "3-click")
    videos: int = 8
    frames: int = 60
    patience: int = 0

    def __post_init__(self) -> None:
        require(self, "every", "patience", least=0)
        require(self, "videos", "frames", least=1)
        if not self.prompts:
            raise ConfigError("prompts is empty; give at least one, such as [mask]")
        if self.patience and not self.every:
            raise ConfigError("patience needs validations; set validation.every, such as 200")


@dataclass
class ValidationRecord:
    """What the validations of a run have come to.

    Attributes:
        step: of the last one, -1 before the first.
        best, best_step: the highest score, and the step it was reached at.
        without_gain: validations since.
    """

    step: int = -1
    best: float = -1.0
    best_step: int = -1
    without_gain: int = 0

    def note(self, step: int, scores: Scores) -> bool:
        """Note a validation; tell whether it is a new best one."""
        self.step = step
        if scores[SCORE] > self.best:
            self.best, self.best_step, self.without_gain = scores[SCORE], step, 0
            return True
        self.without_gain += 1
        return False


def averaged(start: Mapping[str, Tensor], learned: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights that are to `share` those of the start; numbers that are no fractions stay as learned."""
    return {
        name: tensor.lerp(start[name].to(tensor), share) if tensor.is_floating_point() else tensor
        for name, tensor in learned.items()
    }
