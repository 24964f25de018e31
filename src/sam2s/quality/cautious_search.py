"""Frames out of the body, searched for to be hidden: rather one too many than one too few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sam2s.video.event_kind import EventKind
from sam2s.video.frame import VideoSource

from .event_detector import EventSpan, classify_frames
from .event_rules import NAMES, EventThresholds, UsualFrame, median_frame
from .frame_statistics import FrameStatistics, StatisticsMeter

CAUTIOUS = replace(EventThresholds(), outside_cool=0.08, outside_tissue=0.5, outside_usual=0.3, outside_contrast=0.3)
"""Thresholds for hiding: a frame counts as out of the body before those of `EventThresholds` would say so."""


def find_outside(
    source: VideoSource, *, report_progress: Callable[[int, int | None], None] = lambda done, total: None
) -> list[EventSpan]:
    """Spans out of the body by cautious thresholds.

    A frame is compared with the median of the whole video, most of which is taken to be inside: so a video that begins
    outside is not an exception. The statistics of all frames are kept for that: 13 MB for three hours.

    Args:
        source: a video; it is read once.
        report_progress: told the frames done, and the frames in all or None.

    Raises:
        SourceError: the video cannot be read.
    """
    meter, rows, indices = StatisticsMeter(), list[np.ndarray](), list[int]()
    for frame in source.frames():
        rows.append(np.array(meter.step(frame.image), np.float32))
        indices.append(frame.index)
        report_progress(len(rows), source.length)
    if not rows:
        return []
    measured = np.array(rows)
    outside = classify_frames(measured, CAUTIOUS, usual=median_of_video(measured)) == EventKind.OUT_OF_BODY
    edges = np.flatnonzero(np.diff(np.concatenate([[0], outside.astype(int), [0]])))
    return [
        EventSpan(EventKind.OUT_OF_BODY, indices[first], indices[stop - 1] + 1)
        for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]


def median_of_video(rows: np.ndarray) -> UsualFrame:
    """What is usual in a whole video, from the statistics [T, 12] of its frames; black ones do not count."""
    lit = rows[:, FrameStatistics._fields.index("bright")] >= CAUTIOUS.black_bright
    columns = [FrameStatistics._fields.index(name) for name in NAMES]
    return median_frame((rows[lit] if lit.any() else rows)[:, columns])
