"""How far a tracked mask can be believed, as it travels with a result; `sam2s.quality` fills it in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Alarm(StrEnum):
    """What a person should look at; new kinds are appended, since the place of each is its bit in workspaces.

    Attributes:
        SWITCH: the mask seems to have gone over to something else: identity switch or drift.
        OVERLAP: another object claims the same pixels.
        LEAK: the mask has grown suddenly over its surroundings.
        LOST: the object vanished inside the picture and has not come back.
        PROMPT: the mask of a prompt is in doubt, or slightly different prompts give quite different masks.
    """

    SWITCH = "switch"
    OVERLAP = "overlap"
    LEAK = "leak"
    LOST = "lost"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True)
class MaskQuality:
    """What to believe of one object on one frame.

    Attributes:
        expected_iou: expected IoU of the mask with the truth, 0 to 1, calibrated on videos with known masks.
        doubt: probability that the true IoU is under 0.5.
        alarms: what a person should look at, in the order of `Alarm`.
    """

    expected_iou: float
    doubt: float
    alarms: tuple[Alarm, ...] = ()


def to_bits(alarms: Iterable[Alarm]) -> int:
    """Alarms as one whole number, a bit each.

    >>> to_bits([Alarm.SWITCH, Alarm.LEAK])
    5
    """
    kinds = list(Alarm)
    return sum(1 << kinds.index(alarm) for alarm in set(alarms))


def from_bits(bits: int) -> tuple[Alarm, ...]:
    """The reverse of `to_bits`; bits of kinds that this version does not know are passed over.

    >>> from_bits(5)
    (<Alarm.SWITCH: 'switch'>, <Alarm.LEAK: 'leak'>)
    """
    return tuple(alarm for place, alarm in enumerate(Alarm) if bits >> place & 1)
