"""JSON lines: a line for the video, then a line a frame with its masks, for programs that read in order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sam2s.files import replacing
from sam2s.formats.export_info import ExportInfo
from sam2s.workspace import FrameRecord, ratio


def write_jsonl(records: Iterable[FrameRecord], info: ExportInfo, path: Path) -> None:
    """Write one file, frame by frame.

    Args:
        records: frames in order.
        info: what the export says of the video and its objects.
        path: replaced when it exists.
    """
    head = {
        "video": info.source,
        "height": info.size[0],
        "width": info.size[1],
        "fps": ratio(info.fps),
        "names": {str(object_id): name for object_id, name in info.names.items()},
        "weights": info.weights,
    }
    with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head) + "\n")
        for record in records:
            objects = []
            for entry in record.objects.values():
                entry_line: dict[str, Any] = {
                    "id": entry.object_id,
                    "counts": entry.rle["counts"],
                    "iou": entry.iou,
                    "presence": entry.presence,
                    "state": str(entry.state),
                    "layer": entry.layer.name.lower(),
                }
                if entry.prompted:
                    entry_line["prompted"] = True
                if entry.category is not None:
                    entry_line |= {"category": entry.category, "category_probability": entry.category_probability}
                objects.append(entry_line)
            line = {"frame": record.index, "pts": ratio(record.pts), "objects": objects}
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
