"""A workspace seen from afar: what is known of an object in each of a few hundred stretches of a long video."""

from __future__ import annotations

import numpy as np

from sam2s.errors import WorkspaceError
from sam2s.tracking.results import ObjectState

from .connection import Database
from .merging import Layer
from .schema import SCALE, STATES

BUCKET = np.dtype(
    [
        *(("start", np.int64), ("stop", np.int64), ("frames", np.int64), ("present", np.float32)),
        *(("min_confidence", np.float32), ("mean_confidence", np.float32)),
        *((name, np.int64) for name in ("accepted", "prompted", "brushed", "imported", "deleted", "alarms")),
    ]
)
"""One stretch of the timeline, see `Workspace.timeline`."""


def timeline(database: Database, object_id: int, start: int, stop: int, buckets: int) -> np.ndarray:
    """What `Workspace.timeline` says, without regard to removed and ended objects."""
    if not 0 <= start < stop or buckets < 1:
        raise WorkspaceError(f"a timeline from frame {start} to {stop} in {buckets} parts is empty; give start < stop")
    buckets = min(buckets, stop - start)
    edges = start + (np.arange(buckets + 1) * (stop - start)) // buckets
    result = np.zeros(buckets, BUCKET)
    result["start"], result["stop"] = edges[:-1], edges[1:]
    confidence = f"COALESCE({SCALE} - doubt, MIN(iou, presence))"
    # Bucket i holds the frames of [i * n // buckets, (i + 1) * n // buckets), n of them in all, from `start` on.
    statement = (
        f"SELECT ((frame - ?) * ? + ? - 1) / ? AS bucket, COUNT(mask_id), SUM(state = ?), "
        f"MIN(CASE WHEN state = ? THEN {confidence} END), AVG(CASE WHEN state = ? THEN {confidence} END), "
        "SUM(layer = ?), SUM(prompted OR layer = ?), SUM(layer = ?), SUM(layer = ?), SUM(layer = ?), SUM(alarms > 0) "
        "FROM versions WHERE object_id = ? AND frame >= ? AND frame < ? AND shown = 1 GROUP BY bucket"
    )
    visible = STATES[ObjectState.VISIBLE]
    layers = (Layer.ACCEPTED, Layer.PROMPTED, Layer.BRUSHED, Layer.IMPORTED, Layer.DELETED)
    place = (start, buckets, buckets, stop - start)
    values = (*place, visible, visible, visible, *map(int, layers), object_id, start, stop)
    with database.lock:
        rows = database.connection.execute(statement, values).fetchall()
    for number, *row in rows:
        frames, present, least, mean, *counts = (value or 0 for value in row)
        bucket = result[number]
        bucket["frames"] = frames
        bucket["present"] = present / frames if frames else 0
        bucket["min_confidence"], bucket["mean_confidence"] = least / SCALE, mean / SCALE
        for name, count in zip(
            ("accepted", "prompted", "brushed", "imported", "deleted", "alarms"), counts, strict=True
        ):
            bucket[name] = count
    return result
