"""Alarms: what a person should look at, by rules that can be read, over the features of one object."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from sam2s.errors import ConfigError
from sam2s.tracking import Alarm

LEAST_SEEN = 1e-3
"""Share of the picture that an object must have covered to be lost."""

ALARM_TEXTS = {
    Alarm.SWITCH: "it may be another object by now (switch)",
    Alarm.OVERLAP: "another object claims the same pixels (overlap)",
    Alarm.LEAK: "the mask has grown suddenly (leak)",
    Alarm.LOST: "it vanished inside the picture (lost)",
    Alarm.PROMPT: "the mask of the prompt is in doubt (prompt)",
}
"""What each alarm says to a person."""


@dataclass(frozen=True, slots=True)
class AlarmLimits:
    """Where the alarms begin; `sam2s quality fit` sets the two distances from good masks.

    Attributes:
        pointer_distance, appearance_distance: both must be exceeded for a switch, see `features.describe_mask`.
        named: probability with which another category than the settled one must be named for a switch.
        shared: IoU of two objects' masks from which they overlap.
        grown: factor by which the area must exceed its median for a leak.
        least_area: share of the picture below which no growth is a leak.
        patience: frames for which a switch or an overlap must last.
        hidden: frames for which an object that vanished inside the picture must stay away to be lost.
        click_agreement, box_agreement: agreement of jittered clicks or boxes below which a prompt is in doubt.
        prompt_doubt: doubt of the mask from which a prompt is in doubt.
    """

    pointer_distance: float = 0.5
    appearance_distance: float = 0.3
    named: float = 0.8
    shared: float = 0.5
    grown: float = 2.5
    least_area: float = 0.005
    patience: int = 3
    hidden: int = 5
    click_agreement: float = 0.85
    box_agreement: float = 0.7
    prompt_doubt: float = 0.8

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
                raise ConfigError(f"alarm limit {item.name} {value!r} is not a number from 0 up")


def raise_alarms(
    limits: AlarmLimits, features: Mapping[str, float], streaks: Mapping[str, int], *, empty: bool
) -> tuple[tuple[Alarm, ...], dict[str, int]]:
    """Alarms of a tracked object on a frame.

    Args:
        limits: where they begin.
        features: `describe_mask` of this frame, or `describe_absence` if it is empty.
        streaks: by alarm that has to last, the frames just before on which its condition held.
        empty: whether the mask is.

    Returns:
        alarms, and the streaks with this frame.
    """
    if empty:
        # `hidden` is of the frame before; an object that was never seen, or hardly, cannot be lost.
        away, was_seen = round(math.expm1(features["hidden"])) + 1, features["area"] > math.log(LEAST_SEEN)
        lost = away >= limits.hidden and was_seen and not features["at_border"]
        return ((Alarm.LOST,) if lost else ()), {}
    strange = (
        features["pointer_distance"] > limits.pointer_distance
        and features["appearance_distance"] > limits.appearance_distance
    )
    renamed = features["renamed"] > 0 and features["name_probability"] >= limits.named
    conditions = {Alarm.SWITCH: strange or renamed, Alarm.OVERLAP: features["overlap"] > limits.shared}
    held = {str(alarm): streaks.get(alarm, 0) + 1 for alarm, holds in conditions.items() if holds}
    alarms = [alarm for alarm in conditions if held.get(alarm, 0) >= limits.patience]
    if features["growth"] > math.log(limits.grown) and features["area"] > math.log(limits.least_area):
        alarms.append(Alarm.LEAK)
    return tuple(alarms), held


def doubt_prompt(limits: AlarmLimits, kind: str, agreement: float, doubt: float) -> tuple[Alarm, ...]:
    """The alarm of a frame on which a person has just shown the object: nothing but the prompt is in doubt there.

    Args:
        limits: where it begins.
        kind: "points", "box" or "mask", of which a mask is never in doubt.
        agreement: see `prompt_agreement`.
        doubt: of its mask.
    """
    limit = {"points": limits.click_agreement, "box": limits.box_agreement}.get(kind)
    in_doubt = limit is not None and (agreement < limit or doubt > limits.prompt_doubt)
    return (Alarm.PROMPT,) if in_doubt else ()
