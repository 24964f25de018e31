"""Which of several masks of an object on a frame is shown.

In this order: one that a person accepted; one that a person gave (brush, prompt, import); the propagation that came
last, but where a forward and a backward one meet between two prompts, the one whose prompt is nearer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple


class Layer(IntEnum):
    """Where a mask comes from; the last three hold no mask but say something of older ones."""

    PROPAGATED = 0
    PROMPTED = 1
    BRUSHED = 2
    IMPORTED = 3
    ACCEPTED = 4
    DELETED = 5
    """The mask is gone; always a barrier."""
    CLEARED = 6
    """Older answers to prompts are gone."""
    UNACCEPTED = 7
    """Older acceptance is taken back."""


GIVEN = (Layer.PROMPTED, Layer.BRUSHED, Layer.IMPORTED)
"""Masks that a person gave: no propagation replaces them."""


class Claim(NamedTuple):
    """What one event says of an object on a frame.

    Attributes:
        event_id: of the event; greater is later.
        layer: what it says.
        prompt_distance: of a propagated mask, see `prompt_distance`; None where nobody knows.
        barrier: all older claims are gone, accepted ones too.
    """

    event_id: int
    layer: int
    prompt_distance: int | None = None
    barrier: bool = False


def choose(claims: Sequence[Claim]) -> int | None:
    """The event whose mask is shown, or whose deletion; None where nothing is said that holds.

    Args:
        claims: of one object on one frame, of events that were not taken back, by ascending event.
    """
    begin = max((claim.event_id for claim in claims if claim.barrier), default=-1)
    alive = [claim for claim in claims if claim.event_id >= begin]
    unaccepted, cleared = _last(alive, Layer.UNACCEPTED), _last(alive, Layer.CLEARED)
    given = None
    for claim in reversed(alive):
        if claim.layer == Layer.ACCEPTED and claim.event_id > unaccepted:
            return claim.event_id
        if given is None and claim.layer in GIVEN and (claim.layer != Layer.PROMPTED or claim.event_id > cleared):
            given = claim.event_id
    if given is not None:
        return given
    propagated = [claim for claim in alive if claim.layer == Layer.PROPAGATED]
    if propagated:
        return _nearer(propagated)
    return begin if alive and alive[0].layer == Layer.DELETED else None


def prompt_distance(frame: int, prompted: Iterable[int], *, reverse: bool) -> int | None:
    """How far a propagation has carried a mask: 1 on the prompt's own frame, 2 on the next; in reverse -1, -2, ...

    Args:
        frame: where the mask is.
        prompted: frames on which the object has prompts.
        reverse: whether the propagation runs backward in time.

    Returns:
        None where no prompt lies behind the frame.
    """
    step = -1 if reverse else 1
    nearest = min(((frame - at) * step for at in prompted if (frame - at) * step >= 0), default=None)
    return None if nearest is None else (nearest + 1) * step


def _last(claims: Iterable[Claim], layer: Layer) -> int:
    return max((claim.event_id for claim in claims if claim.layer == layer), default=-1)


def _nearer(propagated: list[Claim]) -> int:
    """The newest, or an older one from the other side whose prompt is nearer."""
    newest = propagated[-1]
    for older in reversed(propagated[:-1]):
        if newest.prompt_distance is None or older.prompt_distance is None:
            break  # nobody knows from which side: the newest holds
        if (older.prompt_distance > 0) != (newest.prompt_distance > 0):
            nearer = abs(older.prompt_distance) < abs(newest.prompt_distance)
            return older.event_id if nearer else newest.event_id
    return newest.event_id
