"""Alarms of a workspace as spans of frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sam2s.tracking.mask_quality import Alarm, from_bits

from .merging import Layer

GAP = 15
"""Alarms of one kind at most this many frames apart are joined."""
SETTLED = (Layer.ACCEPTED, Layer.BRUSHED, Layer.IMPORTED)
"""Layers of masks that a person made or accepted, for which no alarm is raised."""


class AlarmSpan(NamedTuple):
    """An alarm over a span of frames.

    Attributes:
        object_id: the object.
        alarm: the kind.
        start, stop: first frame, and the one after the last.
    """

    object_id: int
    alarm: Alarm
    start: int
    stop: int


def join_alarms(rows: Iterable[tuple[int, int, int]], gap: int) -> list[AlarmSpan]:
    """Join rows of (object id, frame, alarm bits) into spans, ordered by their first frames.

    Args:
        rows: ordered by object, then by frame.
        gap: maximum distance in frames of two alarms that are joined.
    """
    spans: list[AlarmSpan] = []
    latest: dict[tuple[int, Alarm], int] = {}
    for object_id, frame, bits in rows:
        for alarm in from_bits(bits):
            place = latest.get((object_id, alarm))
            if place is not None and frame - spans[place].stop < gap:
                spans[place] = spans[place]._replace(stop=frame + 1)
            else:
                latest[object_id, alarm] = len(spans)
                spans.append(AlarmSpan(object_id, alarm, frame, frame + 1))
    return sorted(spans, key=lambda span: (span.start, span.object_id, list(Alarm).index(span.alarm)))
