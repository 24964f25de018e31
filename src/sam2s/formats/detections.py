"""supervision: masks of a frame as the `Detections` that its annotators, filters and metrics take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from sam2s.errors import missing_extra
from sam2s.formats.shapes import crop
from sam2s.tracking.results import FrameResult
from sam2s.workspace import FrameRecord

if TYPE_CHECKING:
    from supervision import Detections


def to_detections(
    frame: FrameResult | FrameRecord, names: Mapping[int, str] | None = None, *, empty: bool = False
) -> Detections:
    """Turn the objects of a frame into supervision's Detections.

    `xyxy` is the box from the first to the last pixel, as `supervision.mask_to_xyxy` has it; `mask` bool [N, H, W];
    `confidence` the predicted IoU; `tracker_id` the object's id; `class_id` the place of its name among the sorted
    names. `data` holds `class_name`, `presence` and `state`, `metadata` the frame's `index` and `pts`.

    Args:
        frame: a fresh or a stored result.
        names: of objects, by id; "object" where nobody named one.
        empty: keep objects without a pixel, with a box of zeros.

    Raises:
        MissingExtraError: supervision is not installed.
    """
    try:
        import supervision
    except ImportError as error:
        raise missing_extra("Detections need supervision", "supervision") from error
    names = names or {}
    entries = [(i, entry, entry.mask) for i, entry in frame.objects.items()]
    entries = [found for found in entries if empty or found[2].any()]
    if not entries:
        return supervision.Detections.empty()
    called = [names.get(i, "object") for i, _, _ in entries]
    classes = sorted({*names.values(), *called})
    detections = supervision.Detections(
        xyxy=np.array([crop(mask) if mask.any() else (0, 0, 0, 0) for _, _, mask in entries], float),
        mask=np.stack([mask for _, _, mask in entries]),
        confidence=np.array([entry.iou for _, entry, _ in entries], float),
        class_id=np.array([classes.index(name) for name in called], int),
        tracker_id=np.array([i for i, _, _ in entries], int),
        data={
            "class_name": np.array(called),
            "presence": np.array([entry.presence for _, entry, _ in entries], float),
            "state": np.array([str(entry.state) for _, entry, _ in entries]),
        },
    )
    detections.metadata = {"index": frame.index, "pts": frame.pts}
    return detections
