"""Alarms of a workspace as spans of frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sam2s.tracking.mask_quality import Alarm, from_bits

from .merging import Layer

GAP = 15
"""Frames between two alarms of one kind that are one."""
SETTLED = (Layer.ACCEPTED, Layer.BRUSHED, Layer.IMPORTED)
"""Layers of masks that a person answers for, whatever a tracker thought of them."""


class AlarmSpan(NamedTuple):
    """An alarm of an object.

    Attributes:
        object_id: whose.
        alarm: its kind.
        start, stop: first frame, and the one after the last.
    """

    object_id: int
    alarm: Alarm
    start: int
    stop: int


def join_alarms(rows: Iterable[tuple[int, int, int]], gap: int) -> list[AlarmSpan]:
    """Spans out of rows of object, frame and bits, in the order of their first frames.

    Args:
        rows: by object, then by frame.
        gap: the next frame with the same alarm may come so many frames later.
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
