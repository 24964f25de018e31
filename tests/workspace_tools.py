"""Small workspaces for tests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from result_tools import FPS, SIZE, make_result
from sam2s.masks import rle
from sam2s.tracking import Alarm, MaskQuality
from sam2s.tracking.results import ObjectState
from sam2s.workspace import (
    FrameRecord,
    Layer,
    ObjectInfo,
    ObjectRecord,
    VideoIdentity,
    Workspace,
    WorkspaceEvent,
    to_record,
)

VIDEO = VideoIdentity("clip", "abc123", SIZE, FPS, "/data/clip.mp4", 300)


def fill(workspace: Workspace, frames: Iterable[int]) -> int:
    """Write results of two wandering objects; returns the event."""
    for object_id, name in ((1, "grasper"), (2, "hook")):
        workspace.put_object(ObjectInfo(object_id, name))
    event = workspace.record("propagate")
    for index in frames:
        workspace.write_frame(to_record(make_result(index)), event.event_id)
    return event.event_id


def write_alarms(workspace: Workspace, alarms: Mapping[int, tuple[Alarm, ...]], object_id: int = 1) -> WorkspaceEvent:
    """Frames of one object with the alarms given by frame; returns the event."""
    workspace.put_object(ObjectInfo(object_id, "grasper"))
    event = workspace.record("propagate")
    for frame, raised in alarms.items():
        result = make_result(frame, (object_id,))
        item = replace(result.objects[object_id], quality=MaskQuality(0.8, 0.1, raised))
        workspace.write_frame(to_record(replace(result, objects={object_id: item})), event.event_id)
    return event


def drawn(boxes: Sequence[Sequence[int]]) -> np.ndarray:
    """bool [H, W] with boxes x0, y0, x1, y1."""
    mask = np.zeros(SIZE, bool)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = True
    return mask


def put(
    workspace: Workspace,
    frame: int,
    object_id: int,
    boxes: Sequence[Sequence[int]],
    event_id: int,
    layer: Layer = Layer.PROPAGATED,
    distance: int | None = None,
) -> None:
    """Write one mask made of boxes."""
    mask = drawn(boxes)
    state = ObjectState.VISIBLE if mask.any() else ObjectState.ABSENT
    entry = ObjectRecord(object_id, rle.encode(mask), 0.8, 0.9, state)
    record = FrameRecord(frame, None, {object_id: entry})
    workspace.write_frame(record, event_id, layer=layer, prompt_distances={object_id: distance})


def masks_of(workspace: Workspace) -> dict[tuple[int, int], object]:
    """All that is shown: counts by object and frame."""
    return {
        (i, record.index): entry.rle["counts"] for record in workspace.frames() for i, entry in record.objects.items()
    }


def flip(folder: Path, table: str, column: str, where: str) -> None:
    """Change one bit of a value behind the workspace's back."""
    connection = sqlite3.connect(folder / "workspace.sqlite")
    value = connection.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()[0]
    changed = value ^ 4 if isinstance(value, int) else value[:3] + bytes([value[3] ^ 1]) + value[4:]
    connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (changed,))
    connection.commit()
    connection.close()
