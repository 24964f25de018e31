"""Which of several masks of an object on a frame is shown.

In order of precedence: an accepted mask; a mask made by a person (brush, prompt, import); the latest propagated one,
except that between two prompts, of a forward and a backward propagation the one with the nearer prompt is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple


class Layer(IntEnum):
    """Origin of a mask; the last three have no mask but affect older ones."""

    PROPAGATED = 0
    PROMPTED = 1
    BRUSHED = 2
    IMPORTED = 3
    ACCEPTED = 4
    DELETED = 5
    """The mask was deleted; always a barrier."""
    CLEARED = 6
    """Older masks of prompts are void."""
    UNACCEPTED = 7
    """Older acceptance is revoked."""


GIVEN = (Layer.PROMPTED, Layer.BRUSHED, Layer.IMPORTED)
"""Masks made by a person; no propagation replaces them."""


class Claim(NamedTuple):
    """The entry of one event for an object on a frame.

    Attributes:
        event_id: of the event; greater is later.
        layer: origin of the mask.
        prompt_distance: of a propagated mask, see `prompt_distance`; None if unknown.
        barrier: whether all older claims are void, accepted ones too.
    """

    event_id: int
    layer: int
    prompt_distance: int | None = None
    barrier: bool = False


def choose(claims: Sequence[Claim]) -> int | None:
    """Id of the event whose mask, or deletion, is shown; None if there is none.

    Args:
        claims: of one object on one frame, of events that were not undone, by ascending event.
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
    """Distance of a propagated mask from its prompt: 1 on the prompted frame, 2 on the next; in reverse -1, -2, ...

    Args:
        frame: where the mask is.
        prompted: frames on which the object has prompts.
        reverse: whether the propagation runs backward in time.

    Returns:
        None if there is no prompt behind the frame.
    """
    step = -1 if reverse else 1
    nearest = min(((frame - at) * step for at in prompted if (frame - at) * step >= 0), default=None)
    return None if nearest is None else (nearest + 1) * step


def _last(claims: Iterable[Claim], layer: Layer) -> int:
    return max((claim.event_id for claim in claims if claim.layer == layer), default=-1)


def _nearer(propagated: list[Claim]) -> int:
    """The newest, or an older one from the other direction whose prompt is nearer."""
    newest = propagated[-1]
    for older in reversed(propagated[:-1]):
        if newest.prompt_distance is None or older.prompt_distance is None:
            break  # nobody knows from which side: the newest holds
        if (older.prompt_distance > 0) != (newest.prompt_distance > 0):
            nearer = abs(older.prompt_distance) < abs(newest.prompt_distance)
            return older.event_id if nearer else newest.event_id
    return newest.event_id
