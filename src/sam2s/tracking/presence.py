"""Whether an object is visible, occluded or absent, frame after frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from numbers import Integral, Real

import torch
from torch import Tensor

from sam2s.errors import ConfigError


class ObjectState(StrEnum):
    """State of an object on a frame.

    Visible, occluded and absent follow from presence (see `PresenceRule`). A frame that is not judged has no other
    state. With a `SearchRule`, an uncertain object has a mask that is not added to memory, and one that is searched for
    has an empty mask.
    """

    VISIBLE = "visible"
    OCCLUDED = "occluded"
    ABSENT = "absent"
    NOT_JUDGED = "not_judged"
    UNCERTAIN = "uncertain"
    SEARCHING = "searching"


@dataclass(frozen=True, slots=True)
class PresenceRule:
    """Hysteresis thresholds of the state.

    The network predicts a probability that the object is visible, and an empty mask at 0.5 or below. The state becomes
    visible at `appear` or above and stops being visible below `vanish`. An object that is not visible is occluded. It
    is absent after more than `patience` frames, or at once if its last visible mask touched the border of the frame.

    Attributes:
        appear: presence probability from which an object becomes visible.
        vanish: presence probability below which it stops being visible.
        patience: frames an object may be occluded before it is absent.
        scale, shift: calibration: presence is the sigmoid of scale * object score + shift; the tracker takes them from
            the weights (`sam2s quality fit`).

    Raises:
        ConfigError: a threshold is not a probability, or `vanish` is above `appear`.
    """

    appear: float = 0.6
    vanish: float = 0.4
    patience: int = 50
    scale: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        for name in ("appear", "vanish"):
            value = getattr(self, name)
            if not isinstance(value, Real) or not 0 <= float(value) <= 1:
                raise ConfigError(f"presence {name} {value!r} is not a probability; give a number from 0 to 1")
        if self.vanish > self.appear:
            raise ConfigError(
                f"presence vanish {self.vanish:g} is above appear {self.appear:g}, so the state would flicker; give "
                "vanish at most appear"
            )
        if not isinstance(self.patience, Integral) or self.patience < 0:
            raise ConfigError(f"presence patience {self.patience!r} is not a number of frames; give an int from 0 up")

    def probability(self, object_logit: Tensor) -> float:
        """Probability that an object of this score [1, 1] is visible, 0 to 1."""
        return float(torch.sigmoid(self.scale * object_logit + self.shift))


@dataclass(frozen=True, slots=True)
class PresenceState:
    """State of an object after a frame.

    Attributes:
        state: visible, occluded or absent.
        hidden: frames since it was last visible.
        at_border: whether its last visible mask touched the border of the frame.
    """

    state: ObjectState
    hidden: int = 0
    at_border: bool = False


def observe(rule: PresenceRule, before: PresenceState | None, probability: float, extent: Tensor) -> PresenceState:
    """Update the state with a frame's presence probability and its mask; first there is none before.

    Args:
        rule: when the state changes.
        before: the state after the frame before.
        probability: of presence, 0 to 1.
        extent: bool [2], whether the mask holds a pixel and whether one touches the border (`model.mask_extent`).
    """
    was_visible = before is not None and before.state is ObjectState.VISIBLE
    threshold = 0.5 if before is None else rule.vanish if was_visible else rule.appear
    if probability >= threshold:
        shown, at_border = extent.tolist()
        if not shown:  # between the thresholds the mask may be empty; it says nothing about the border then
            return PresenceState(ObjectState.VISIBLE, 0, before is not None and before.at_border)
        return PresenceState(ObjectState.VISIBLE, 0, at_border)
    hidden = 1 if before is None else before.hidden + 1
    left = before is not None and before.at_border
    gone = before is None or left or hidden > rule.patience
    return PresenceState(ObjectState.ABSENT if gone else ObjectState.OCCLUDED, hidden, left)
