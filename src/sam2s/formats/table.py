"""CSV: a row for each object on each frame, and a row for each object over all frames."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from sam2s.files import replacing
from sam2s.formats.export_info import ExportInfo
from sam2s.masks import rle
from sam2s.tracking.results import ObjectState
from sam2s.workspace import FrameRecord, ObjectRecord, ratio

COLUMNS = (
    *("frame", "pts", "seconds", "object_id", "name", "state", "presence", "iou", "prompted"),
    *("area", "x", "y", "width", "height", "centroid_x", "centroid_y", "category", "category_probability"),
    *("expected_iou", "doubt", "alarms"),
)
SUMMARY_COLUMNS = (
    *("object_id", "name", "fps", "frames", *(str(state) for state in ObjectState), "prompted"),
    *("first_visible", "last_visible", "visible_seconds", "mean_area", "mean_presence", "mean_iou"),
)


def write_table(records: Iterable[FrameRecord], info: ExportInfo, path: Path, summary: Path) -> None:
    """Write both tables. Areas, boxes and centroids are in pixels of the source frame, empty where no mask is.

    Args:
        records: frames in order.
        info: what the export says of the video and its objects.
        path: of the table of frames and objects.
        summary: of the table of objects.
    """
    totals: dict[int, _Total] = {}
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for record in records:
            for entry in record.objects.values():
                area = rle.area(entry.rle)
                totals.setdefault(entry.object_id, _Total()).add(record, entry, area)
                table.writerow(_row(record, entry, area, info))
    with replacing(summary) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(SUMMARY_COLUMNS)
        for object_id, total in totals.items():
            table.writerow([object_id, info.name(object_id), ratio(info.fps), *total.row(info.fps)])


def _row(record: FrameRecord, entry: ObjectRecord, area: int, info: ExportInfo) -> list[object]:
    seconds = "" if record.pts is None else f"{float(record.pts):.6f}"
    centre = rle.centroid(entry.rle)
    where = [*rle.bbox(entry.rle), *(f"{value:.2f}" for value in centre)] if centre else [""] * 6
    return [
        *(record.index, ratio(record.pts), seconds, entry.object_id, info.name(entry.object_id), str(entry.state)),
        *(entry.presence, entry.iou, int(entry.prompted), area, *where, entry.category, entry.category_probability),
        *quality_cells(entry),
    ]


def quality_cells(entry: ObjectRecord) -> list[object]:
    """Expected IoU, doubt and alarms; empty where nobody judged the mask."""
    if entry.quality is None:
        return [None] * 3
    return [entry.quality.expected_iou, entry.quality.doubt, " ".join(map(str, entry.quality.alarms))]


@dataclass
class _Total:
    """Running sums over the frames of one object; areas and predicted IoUs of the frames where it is visible."""

    frames: int = 0
    prompted: int = 0
    area: int = 0
    presence: float = 0.0
    iou: float = 0.0
    first: int | None = None
    last: int | None = None
    seen: Fraction = Fraction(0)
    before: Fraction | None = None  # time of the frame before, if the object was visible on it

    def __post_init__(self) -> None:
        self.states = dict.fromkeys(ObjectState, 0)

    def add(self, record: FrameRecord, entry: ObjectRecord, area: int) -> None:
        self.frames += 1
        self.prompted += entry.prompted
        self.presence += entry.presence
        self.states[entry.state] += 1
        if self.before is not None and record.pts is not None:
            self.seen += max(Fraction(0), record.pts - self.before)  # a clock may begin anew
        self.before = None
        if entry.state is ObjectState.VISIBLE:
            self.area += area
            self.iou += entry.iou
            self.first = record.index if self.first is None else self.first
            self.last, self.before = record.index, record.pts

    def row(self, fps: Fraction | None) -> list[object]:
        visible = self.states[ObjectState.VISIBLE]
        # The frame on which an object is seen last is shown for one frame's time, as far as anybody knows.
        tail = 1 / fps if self.before is not None and fps else 0
        seconds = f"{float(self.seen + tail):.3f}" if self.seen or tail else ""
        means = (_mean(self.area, visible, 1), _mean(self.presence, self.frames), _mean(self.iou, visible))
        return [self.frames, *self.states.values(), self.prompted, self.first, self.last, seconds, *means]


def _mean(total: float, count: int, digits: int = 5) -> str:
    return f"{total / count:.{digits}f}" if count else ""
