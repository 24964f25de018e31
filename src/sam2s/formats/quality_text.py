"""How far masks can be believed, for forms that have no fields for it: a line of text, or a table beside the masks."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sam2s.files import replacing
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.table import quality_cells
from sam2s.tracking.mask_quality import MaskQuality
from sam2s.workspace import FrameRecord

QUALITY_COLUMNS = ("frame", "object_id", "name", "expected_iou", "doubt", "alarms")


def quality_text(quality: MaskQuality) -> str:
    """One line.

    >>> from sam2s.tracking.mask_quality import Alarm
    >>> quality_text(MaskQuality(0.82, 0.125, (Alarm.LEAK,)))
    'expected IoU 0.820, doubt 0.125, alarms: leak'
    """
    alarms = f", alarms: {' '.join(map(str, quality.alarms))}" if quality.alarms else ""
    return f"expected IoU {quality.expected_iou:.3f}, doubt {quality.doubt:.3f}{alarms}"


@dataclass
class QualitySummary:
    """What is to be believed of one object over all frames that were judged."""

    masks: int = 0
    total: float = 0.0
    lowest: float = 1.0
    lowest_frame: int = 0
    alarms: dict[str, int] = field(default_factory=dict)

    def add(self, frame: int, quality: MaskQuality) -> None:
        """Count a mask in."""
        if not self.masks or quality.expected_iou < self.lowest:
            self.lowest, self.lowest_frame = quality.expected_iou, frame
        self.masks += 1
        self.total += quality.expected_iou
        for alarm in quality.alarms:
            self.alarms[str(alarm)] = self.alarms.get(str(alarm), 0) + 1

    def text(self) -> str:
        """All of it in a sentence or two; frames are counted from 0."""
        alarms = ", ".join(f"{alarm} on {count}" for alarm, count in self.alarms.items())
        mean = self.total / self.masks
        return (
            f"Expected IoU of {self.masks} masks: mean {mean:.3f}, lowest {self.lowest:.3f} on frame "
            f"{self.lowest_frame}. " + (f"Frames with alarms: {alarms}." if alarms else "No alarm.")
        )


def write_quality(records: Iterable[FrameRecord], info: ExportInfo, path: Path) -> None:
    """Write a row for each object on each frame on which it was judged; the head alone where none was.

    Args:
        records: frames in order.
        info: what the export says of the objects.
        path: replaced when it exists.
    """
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(QUALITY_COLUMNS)
        for record in records:
            for entry in record.objects.values():
                if entry.quality is not None:
                    row = (record.index, entry.object_id, info.name(entry.object_id))
                    table.writerow([*row, *quality_cells(entry)])
