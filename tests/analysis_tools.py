"""Cases whose motion is known: bars that enter from an edge and move as told."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np

from sam2s.masks import rle
from sam2s.tracking.results import ObjectState
from sam2s.video import VideoWriter, open_source
from sam2s.workspace import FrameRecord, ObjectInfo, ObjectRecord, VideoIdentity, Workspace

SIZE = (96, 160)
RATE = 25


def bar(x: float, y: float, width: int = 8) -> np.ndarray:
    """A horizontal instrument that enters from the left edge and ends at (x, y)."""
    mask = np.zeros(SIZE, bool)
    top = round(y - width / 2)
    mask[max(0, top) : max(0, top + width), : max(0, round(x))] = True
    return mask


def write_workspace(folder, masks, names, *, confidence=None, video=None):
    """A workspace with masks by frame and object id; a frame may lack an object, or hold None for an absent one.

    A state in the place of a mask stands for itself, with an empty mask.

    Args:
        folder: of the workspace.
        masks: by frame, by object id.
        names: by object id.
        confidence: of an object on a frame, as a function of both; 0.9 by default.
        video: path of the video, for `write_video`.
    """
    identity = VideoIdentity(folder.name, "fingerprint", SIZE, fps=RATE, length=len(masks))
    if video is not None:
        with closing(open_source(video)) as source:
            identity = replace(VideoIdentity.of(source), name=folder.name)
    with Workspace.create(folder, identity) as workspace:
        for object_id, name in names.items():
            workspace.put_object(ObjectInfo(object_id, name))
        event = workspace.record("propagate")
        with workspace.transaction():
            for frame, objects in enumerate(masks):
                records = {}
                for object_id, mask in objects.items():
                    sure = 0.9 if confidence is None else confidence(frame, object_id)
                    empty = mask is None or isinstance(mask, ObjectState)
                    state = (mask or ObjectState.ABSENT) if empty else ObjectState.VISIBLE
                    shape = np.zeros(SIZE, bool) if empty else mask
                    records[object_id] = ObjectRecord(object_id, rle.encode(shape), sure, sure, state)
                workspace.write_frame(FrameRecord(frame, None, records), event.event_id)
    return folder


def write_video(path, frames):
    """A video with texture, so that the camera's motion can be seen."""
    texture = np.random.default_rng(0).integers(40, 220, (SIZE[0] // 4, SIZE[1] // 4, 3), np.uint8)
    picture = np.kron(texture, np.ones((4, 4, 1), np.uint8))
    with VideoWriter(path, SIZE, RATE) as writer:
        for _ in range(frames):
            writer.write(picture)
    return path
