"""Which frame to look at next: where a mask is unsure, or an object comes or goes without anybody having said so."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from sam2s.app.desk import VideoDesk
from sam2s.app.schemas import Doubtful
from sam2s.quality import ALARM_TEXTS
from sam2s.workspace import WorkspaceReader

_WINDOW = 4096
_LOOK_BACK = 256
_JOINED = 3
"""Doubtful frames so close together are looked at once, at the worst of them."""


def next_doubtful(desk: VideoDesk, after: int, below: float) -> Doubtful:
    """The next frame behind `after` that is worth a look; accepted and given masks never are."""
    reader = desk.reader(slow=True)
    length = desk.frames.length
    if reader is None:
        return Doubtful(frame=None)
    objects = [info.object_id for info in reader.objects()]
    start = max(0, after - _LOOK_BACK)
    while start < length:
        stop = min(length, start + _WINDOW)
        best: Doubtful | None = None
        for object_id in objects:
            table = reader.timeline(object_id, start, stop, stop - start)
            found = _first_stretch(table, after, below, object_id)
            if found is not None and (best is None or (found.frame or 0) < (best.frame or 0)):
                best = found
        if best is not None:
            return _with_alarms(reader, best)
        start = stop - 1  # a change is seen against the frame before it
        if stop == length:
            break
    return Doubtful(frame=None)


def next_given(desk: VideoDesk, object_id: int, frame: int, *, backward: bool) -> int | None:
    """The next frame on which a person gave an object its mask; of accepted frames in a row, the first and the last."""
    reader = desk.reader()
    desk.object(object_id)
    assert reader is not None, "an object lies in a workspace"
    frames = [at for at, _, _ in reader.given_frames(object_id)]
    known = set(frames)
    ends = [at for at in frames if at - 1 not in known or at + 1 not in known]
    return next((at for at in reversed(ends) if at < frame), None) if backward else _first_above(ends, frame)


def _first_above(frames: list[int], frame: int) -> int | None:
    place = bisect_right(frames, frame)
    return frames[place] if place < len(frames) else None


def _first_stretch(table: np.ndarray, after: int, below: float, object_id: int) -> Doubtful | None:
    """The frame to look at of the first doubtful stretch, of those whose frame lies behind `after`."""
    covered = table["frames"] > 0
    present = (table["present"] > 0) & covered
    safe = (table["accepted"] + table["prompted"] + table["brushed"] + table["imported"]) > 0
    uncertain = table["uncertain"] > 0
    unsure = (present & (table["min_confidence"] < below)) | (table["alarms"] > 0) | uncertain
    turned = np.zeros(len(table), bool)
    turned[1:] = (present[1:] != present[:-1]) & covered[1:] & covered[:-1]
    doubtful = np.flatnonzero((unsure | turned) & ~safe)
    if not doubtful.size:
        return None
    for stretch in np.split(doubtful, np.flatnonzero(np.diff(doubtful) > _JOINED) + 1):
        inside = stretch[unsure[stretch]]
        place = int(inside[np.argmin(table["min_confidence"][inside])]) if inside.size else int(stretch[0])
        frame = int(table["start"][place])
        if frame <= after:
            continue
        reason = "it comes into sight" if present[place] else "it goes out of sight"
        if inside.size and uncertain[place]:
            reason = "uncertain: unlike what it has looked like"
        elif inside.size:
            reason = f"unsure: {round(100 * float(table['min_confidence'][place]))} %"
        return Doubtful(frame=frame, object_id=object_id, reason=reason)
    return None


def _with_alarms(reader: WorkspaceReader, found: Doubtful) -> Doubtful:
    """The same, saying what the alarms of the mask are, if it has any."""
    entry = reader.read_frame(found.frame or 0).objects.get(found.object_id or 0)
    if entry is None or entry.quality is None or not entry.quality.alarms:
        return found
    return found.model_copy(update={"reason": "; ".join(ALARM_TEXTS[alarm] for alarm in entry.quality.alarms)})
