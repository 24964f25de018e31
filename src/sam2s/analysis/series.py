"""What a workspace says of each object, frame by frame, as arrays; the only part of the analysis that reads masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from scipy.ndimage import binary_dilation

from sam2s.errors import ConfigError
from sam2s.tracking.results import ObjectState
from sam2s.workspace import Layer, ObjectRecord, Workspace

from .geometry import measure_mask

DOUBTFUL = 0.5
"""Confidence, the smaller of predicted IoU and presence, below which a mask that nobody accepted is not measured."""

CONTACT_PIXELS = 2
"""Two masks touch if they overlap after one of them grew by so many pixels: at most one pixel lies between them."""

OF_PEOPLE = (Layer.ACCEPTED, Layer.BRUSHED, Layer.PROMPTED)


@dataclass
class ObjectSeries:
    """One object over the T analysed frames.

    Attributes:
        object_id: its id.
        name: what it is called; "object ID" where nobody named it.
        tracked: bool [T], the object has a record on the frame, which was judged.
        visible: bool [T], it has a mask with pixels there.
        not_judged: bool [T], the object has a record on the frame, which was not judged.
        doubtful: bool [T], it has a mask, but with a confidence below `DOUBTFUL`.
        area: float [T] in pixels, 0 without a mask.
        tip, centre: float [T, 2], NaN without a mask.
        width: float [T] in pixels across its shaft, NaN where it cannot be measured.
        side: edge it enters through by frame, "" where there is none.
    """

    object_id: int
    name: str
    tracked: np.ndarray
    not_judged: np.ndarray
    visible: np.ndarray
    doubtful: np.ndarray
    area: np.ndarray
    tip: np.ndarray
    centre: np.ndarray
    width: np.ndarray
    side: list[str]

    @property
    def measured(self) -> np.ndarray:
        """bool [T]: visible and not doubtful."""
        return self.visible & ~self.doubtful


@dataclass
class CaseSeries:
    """A case: all objects over the same frames.

    Attributes:
        name: of the video.
        size: (H, W).
        rate: analysed frames a second.
        frames: int [T], their indices.
        times: float [T], seconds.
        objects: by id.
        touching: by pair of ids, bool [T]: their masks touch.
    """

    name: str
    size: tuple[int, int]
    rate: float
    frames: np.ndarray
    times: np.ndarray
    objects: dict[int, ObjectSeries] = field(default_factory=dict)
    touching: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)


def read_case(
    workspace: Workspace,
    *,
    fps: float | None = None,
    report_progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> CaseSeries:
    """Read all frames of a workspace once, in constant memory but for a few numbers a frame.

    Args:
        workspace: of one video.
        fps: frames a second, where the video does not tell.
        report_progress: told frames done and frames in all.

    Raises:
        ConfigError: nobody knows how many frames a second the video has, or it has no masks.
        DamagedWorkspaceError: a mask was changed or lost.
    """
    video, frames = workspace.video, workspace.frame_indices()
    if len(frames) == 0:
        raise ConfigError(f"{workspace.folder} has no masks yet; track the video first")
    rate = fps or (float(video.fps) if video.fps else None)
    if rate is None:
        raise ConfigError(f"{video.name} does not say how many frames a second it has; give --fps")
    step = int(np.median(np.diff(frames))) if len(frames) > 1 else 1
    count, infos = len(frames), workspace.objects()
    case = CaseSeries(video.name, video.size, rate / step, frames, frames / rate)
    for info in infos:
        case.objects[info.object_id] = _empty_series(info.object_id, info.name, count)
    ids = list(case.objects)
    case.touching = {(a, b): np.zeros(count, bool) for i, a in enumerate(ids) for b in ids[i + 1 :]}
    for index, record in enumerate(workspace.frames()):
        if record.pts is not None:
            case.times[index] = float(Fraction(record.pts))
        masks = {
            i: mask for i, one in record.objects.items() if (mask := _note(case.objects[i], index, one)) is not None
        }
        for (a, b), touching in case.touching.items():
            if a in masks and b in masks:
                touching[index] = masks_touch(masks[a], masks[b])
        report_progress(index + 1, count)
    return case


def masks_touch(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two bool masks [H, W] overlap or lie within `CONTACT_PIXELS` of one another."""
    rows, columns = np.nonzero(one)
    if rows.size == 0:
        return False
    margin = CONTACT_PIXELS + 1
    box = (
        slice(max(0, rows.min() - margin), rows.max() + margin + 1),
        slice(max(0, columns.min() - margin), columns.max() + margin + 1),
    )
    near = other[box]
    return bool(near.any() and (binary_dilation(one[box], iterations=CONTACT_PIXELS) & near).any())


def _empty_series(object_id: int, name: str | None, count: int) -> ObjectSeries:
    return ObjectSeries(
        object_id,
        name or f"object {object_id}",
        np.zeros(count, bool),
        np.zeros(count, bool),
        np.zeros(count, bool),
        np.zeros(count, bool),
        np.zeros(count),
        np.full((count, 2), np.nan),
        np.full((count, 2), np.nan),
        np.full(count, np.nan),
        [""] * count,
    )


def _note(series: ObjectSeries, index: int, record: ObjectRecord) -> np.ndarray | None:
    """Write down what a record says; returns its mask if it has pixels."""
    series.not_judged[index] = record.state is ObjectState.NOT_JUDGED
    series.tracked[index] = not series.not_judged[index]
    if record.state in (ObjectState.ABSENT, ObjectState.NOT_JUDGED, ObjectState.SEARCHING):
        return None
    mask, before = record.mask, series.tip[index - 1] if index else np.full(2, np.nan)
    geometry = measure_mask(mask, None if np.isnan(before[0]) else (float(before[0]), float(before[1])))
    if geometry is None:
        return None
    series.visible[index] = True
    series.doubtful[index] = record.layer not in OF_PEOPLE and _confidence(record) < DOUBTFUL
    series.area[index], series.tip[index], series.centre[index] = geometry.area, geometry.tip, geometry.centre
    series.width[index], series.side[index] = geometry.width, geometry.side or ""
    return mask


def _confidence(record: ObjectRecord) -> float:
    """One minus the doubt of a mask, or the smaller of predicted IoU and presence where nobody judged it."""
    return min(record.iou, record.presence) if record.quality is None else 1 - record.quality.doubt
