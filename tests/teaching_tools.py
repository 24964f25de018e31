"""Workspaces of drawn clips with their true masks, some of which are accepted."""

from __future__ import annotations

import numpy as np

from sam2s.masks import rle
from sam2s.masks.palette import read_label_map
from sam2s.tracking.results import ObjectState
from sam2s.video import open_source
from sam2s.workspace import FrameRecord, ObjectInfo, ObjectRecord, VideoIdentity, Workspace


def make_workspace(folder, clip, accepted):
    """A workspace with the true masks of a clip, some spans of which are accepted: by object id, (first, last)."""
    source = open_source(str(clip / "video.mp4"))
    truth = [read_label_map(path) for path in sorted((clip / "masks").glob("*.png"))]
    ids = [int(i) for i in np.unique(truth[0]) if i][:2]
    with Workspace.create(folder, VideoIdentity.of(source)) as workspace:
        for object_id in ids:
            workspace.put_object(ObjectInfo(object_id, f"tool {object_id}"))
        event = workspace.record("propagate")
        for frame, labels in enumerate(truth):
            objects = {i: ObjectRecord(i, rle.encode(labels == i), 0.9, 0.9, ObjectState.VISIBLE) for i in ids}
            workspace.write_frame(FrameRecord(frame, None, objects), event.event_id)
        for index, (start, stop) in accepted:
            workspace.accept([ids[index]], start, stop)
    source.close()
    return ids, truth
