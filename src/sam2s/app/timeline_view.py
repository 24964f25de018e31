"""The timeline as the page draws it: frames added up in columns of equal length."""

from __future__ import annotations

import numpy as np

from sam2s.app.desk import VideoDesk
from sam2s.app.problems import ApiError
from sam2s.app.remembered import mark_columns, stale_spans
from sam2s.app.schemas import TimelineData, TimelineRow


def timeline_data(desk: VideoDesk, start: int, stop: int, buckets: int) -> TimelineData:
    """Add up frames from `start` to `stop` in columns; those behind the end of the video are left away.

    Raises:
        ApiError: the columns would not hold whole frames.
    """
    reader = desk.reader(slow=True)
    each, rest = divmod(stop - start, buckets)
    if each < 1 or rest:
        raise ApiError(
            "invalid", f"{stop - start} frames do not divide into {buckets} columns of whole frames", "buckets"
        )
    columns = min(buckets, max(0, -(-(desk.frames.length - start) // each)))
    rows: dict[int, TimelineRow] = {}
    end = start + columns * each
    if reader is not None and columns:
        edges = start + each * np.arange(columns + 1)
        objects = reader.objects()
        desk.blocks.count(reader, [info.object_id for info in objects], start, end, columns)
        for info in objects:
            table = desk.blocks.timeline(reader, info.object_id, start, end, columns)
            rows[info.object_id] = _row(table, each, mark_columns(stale_spans(reader, info.object_id), edges))
    marks = desk.marks.between(reader, start, end)
    return TimelineData(start=start, stop=stop, buckets=buckets, rows=rows, marks=marks[:2000])


def _row(table: np.ndarray, each: int, stale: list[int]) -> TimelineRow:
    frames = table["frames"]
    seen = table["present"] > 0
    confidence = [
        round(float(value), 3) if ok else None for value, ok in zip(table["min_confidence"], seen, strict=True)
    ]
    return TimelineRow(
        covered=np.round(frames / each, 3).tolist(),
        present=np.round(table["present"].astype(float), 3).tolist(),
        confidence=confidence,
        accepted=_share(table["accepted"], frames),
        prompted=np.minimum(table["prompted"] + table["brushed"], 1).tolist(),
        uncertain=_share(table["uncertain"], frames),
        searching=_share(table["searching"], frames),
        not_judged=_share(table["not_judged"], frames),
        alarms=np.minimum(table["alarms"], 1).tolist(),
        stale=[value if covered else 0 for value, covered in zip(stale, frames, strict=True)],
    )


def _share(count: np.ndarray, frames: np.ndarray) -> list[float]:
    """Parts of the frames that have masks."""
    parts: list[float] = np.round(count / np.maximum(frames, 1), 3).tolist()
    return parts
