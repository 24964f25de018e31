"""Aggregates of an object over a few hundred equal spans of a long video, for a timeline."""

from __future__ import annotations

import json

import numpy as np

from sam2s.errors import WorkspaceError
from sam2s.tracking.results import ObjectState

from .connection import Database, decoded
from .merging import Layer
from .schema import NOTABLE, SCALE, STATES

_LAYERS = {
    "accepted": Layer.ACCEPTED,
    "brushed": Layer.BRUSHED,
    "imported": Layer.IMPORTED,
    "deleted": Layer.DELETED,
}
_STATES = {
    "uncertain": ObjectState.UNCERTAIN,
    "searching": ObjectState.SEARCHING,
    "not_judged": ObjectState.NOT_JUDGED,
}
_NOTABLE = {
    "prompted": f"prompted OR layer = {int(Layer.PROMPTED)}",
    "alarms": "alarms > 0",
    **{name: f"layer = {int(layer)}" for name, layer in _LAYERS.items()},
    **{name: f"state = {STATES[state]}" for name, state in _STATES.items()},
}
BUCKET = np.dtype(
    [
        *(("start", np.int64), ("stop", np.int64), ("frames", np.int64), ("present", np.float32)),
        ("min_confidence", np.float32),
        *((name, np.int64) for name in _NOTABLE),
    ]
)
"""One bucket of the timeline, see `Workspace.timeline`."""

# Bucket i holds the frames of [i * n // buckets, (i + 1) * n // buckets), n of them in all, from `start` on. Each is
# asked for by itself, since grouping all rows would sort them, which takes as long as everything else.
_TRACKED = f"""
WITH RECURSIVE bucket (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM bucket WHERE number + 1 < :buckets)
SELECT (
  SELECT json_array(COUNT(mask_id), SUM(state = {STATES[ObjectState.VISIBLE]}), MIN(
    CASE WHEN state = {STATES[ObjectState.VISIBLE]} THEN COALESCE({SCALE} - doubt, MIN(iou, presence)) END))
  FROM versions WHERE object_id = :object_id AND shown = 1
    AND frame >= :start + number * :length / :buckets AND frame < :start + (number + 1) * :length / :buckets
) FROM bucket ORDER BY number
"""
_COUNT_NOTABLE = f"""
SELECT ((frame - :start) * :buckets + :buckets - 1) / :length AS number,
  {", ".join(f"SUM({condition})" for condition in _NOTABLE.values())}
FROM versions WHERE object_id = :object_id AND shown = 1 AND {NOTABLE}
  AND frame >= :start AND frame < :start + :length GROUP BY number
"""


def timeline(database: Database, object_id: int, start: int, stop: int, buckets: int) -> np.ndarray:
    """Implements `Workspace.timeline`, without regard to removed and ended objects."""
    if not 0 <= start < stop or buckets < 1:
        raise WorkspaceError(f"a timeline from frame {start} to {stop} in {buckets} parts is empty; give start < stop")
    length = stop - start
    buckets = min(buckets, length)
    edges = start + (np.arange(buckets + 1) * length) // buckets
    result = np.zeros(buckets, BUCKET)
    result["start"], result["stop"] = edges[:-1], edges[1:]
    values: dict[str, object] = {"object_id": object_id, "start": start, "length": length, "buckets": buckets}
    with database.lock, decoded(database.path):
        texts = [str(text) for (text,) in database.query(_TRACKED, values)]
        counts = [[value or 0 for value in row] for row in json.loads(f"[{','.join(texts)}]")]
        frames, present, least = np.array(counts, np.int64).T
        result["frames"] = frames
        result["present"], result["min_confidence"] = present / np.maximum(frames, 1), least / SCALE
        for number, *sums in database.query(_COUNT_NOTABLE, values):
            for name, value in zip(_NOTABLE, sums, strict=True):
                result[name][int(str(number))] = value or 0
    return result
