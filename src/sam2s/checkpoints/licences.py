"""How the terms of weights follow from the terms of what they were made of."""

from __future__ import annotations

from collections.abc import Iterable

UNSTATED = "terms not stated"
"""Stands for the terms of weights or data that nobody states."""

NOTHING_ASKED = frozenset({"cc0", "cc0-1.0", "public domain"})
"""Terms that ask nothing of whoever uses the data, in lower case."""

_AND = " and "


def combine_licences(*terms: str) -> str:
    """The terms of what was made of several things: those of each, once, joined by "and".

    What has no terms ("") counts as `UNSTATED`; what asks nothing (`NOTHING_ASKED`) adds nothing, unless all do.
    """
    parts = sorted({part.strip() for term in terms for part in (term or UNSTATED).split(_AND)})
    asking = [part for part in parts if part.lower() not in NOTHING_ASKED and part != UNSTATED]
    unstated = [UNSTATED] if UNSTATED in parts else []
    return _AND.join([*asking, *unstated] or parts)


def state_licence(stated: str, licence: str) -> str:
    """Terms in which what was not stated is stated now; other terms stay.

    Args:
        stated: terms of some weights, maybe "".
        licence: what is said of the part that nobody stated.

    Returns:
        The whole, or "" where the stated terms leave nothing to say and differ from it.
    """
    parts = _parts(stated)
    if licence in (stated, _AND.join(parts)):
        return stated
    if stated and UNSTATED not in parts:
        return ""
    return combine_licences(*(part for part in parts if part != UNSTATED), licence)


def _parts(licence: str) -> Iterable[str]:
    return [part.strip() for part in licence.split(_AND)] if licence else []
