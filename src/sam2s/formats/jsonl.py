"""JSON lines: a line for the video, then a line a frame with its masks, for programs that read in order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sam2s.files import replacing
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.shapes import ImportedShape, entry_of, number_of, read_text, score_of, to_rle
from sam2s.masks import rle
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
                if entry.quality is not None:
                    entry_line |= {"expected_iou": entry.quality.expected_iou, "doubt": entry.quality.doubt}
                    if entry.quality.alarms:
                        entry_line["alarms"] = [str(alarm) for alarm in entry.quality.alarms]
                if entry.prompted:
                    entry_line["prompted"] = True
                if entry.category is not None:
                    entry_line |= {"category": entry.category, "category_probability": entry.category_probability}
                objects.append(entry_line)
            line = {"frame": record.index, "pts": ratio(record.pts), "objects": objects}
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


def read_jsonl(path: Path, size: tuple[int, int]) -> Iterator[ImportedShape]:
    """Yield the masks of a file of this form.

    Raises:
        DatasetError: naming file and line.
    """
    names: dict[str, str] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        with entry_of(path, f"line {number}"):
            content = json.loads(line)
            if number == 1 and "frame" not in content:
                names = {str(key): str(name) for key, name in content["names"].items()}
                continue
            frame = number_of(content["frame"], "frame")
            for entry in content["objects"]:
                key = str(entry["id"])
                runs = to_rle({"size": list(size), "counts": entry["counts"]}, size)
                if rle.area(runs):
                    score = score_of(entry.get("iou"))
                    yield ImportedShape(frame, key, names.get(key), runs, score=score)
