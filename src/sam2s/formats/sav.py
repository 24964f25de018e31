"""SA-V: one JSON file, a list of masks for each frame, one for each masklet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sam2s.files import replacing
from sam2s.formats.coco import Read, write_list
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.shapes import ImportedShape, entry_of, number_of, to_rle
from sam2s.masks import rle
from sam2s.masks.rle import Rle
from sam2s.workspace import ratio


def write_sav(read: Read, info: ExportInfo, path: Path) -> None:
    """Write one file; beyond SA-V's own keys `frames` and `pts` say which frames the lists run over.

    Args:
        read: goes over the frames in order; called twice.
        info: what the export says of the video and its objects.
        path: replaced when it exists.
    """
    frames, times, counts, first = [], [], dict[int, int](), dict[int, int]()
    for record in read():
        frames.append(record.index)
        times.append(ratio(record.pts))
        for object_id, entry in record.objects.items():
            seen = rle.area(entry.rle) > 0
            counts[object_id] = counts.get(object_id, 0) + seen
            if seen:
                first.setdefault(object_id, len(frames) - 1)
    ids = sorted(counts)
    height, width = info.size
    head = {
        "video_id": info.folder_name,
        "video_duration": None if info.fps is None or info.length is None else float(info.length / info.fps),
        "video_frame_count": info.length or len(frames),
        "video_height": height,
        "video_width": width,
        "video_resolution": height * width,
        "fps": ratio(info.fps),
        "frames": frames,
        "pts": times,
        "masklet_id": ids,
        "masklet_name": [info.name(object_id) for object_id in ids],
        "masklet_num": len(ids),
        "masklet_frame_count": [counts[object_id] for object_id in ids],
        "masklet_first_appeared_frame": [first.get(object_id) for object_id in ids],
        "masklet_type": ["manual"] * len(ids),
    }

    def rows() -> Iterator[list[Rle]]:
        nothing: Rle = {"size": [height, width], "counts": rle.compress([height * width])}
        for record in read():
            entries = [record.objects.get(object_id) for object_id in ids]
            yield [nothing if entry is None else entry.rle for entry in entries]

    with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head)[:-1] + ', "masklet": ')
        write_list(file, rows())
        file.write("}\n")


def read_sav(content: dict[str, Any], path: Path, size: tuple[int, int]) -> Iterator[ImportedShape]:
    """Yield the masks of a file of this form; frames are counted by 1 where it does not say which they are."""
    with entry_of(path, "masklet"):
        rows, ids = list(content["masklet"]), content.get("masklet_id")
        names = content.get("masklet_name") or []
        frames = [number_of(frame, "a frame") for frame in content.get("frames") or range(len(rows))]
        if len(frames) != len(rows):
            raise ValueError(f"it has masks of {len(rows)} frames and names {len(frames)}")
    for frame, row in zip(frames, rows, strict=True):
        with entry_of(path, f"frame {frame}"):
            for place, mask in enumerate(row):
                if mask is None:
                    continue
                key = str(place if ids is None else ids[place])
                name = str(names[place]) if place < len(names) else None
                runs = to_rle(mask, size)
                if rle.area(runs):
                    yield ImportedShape(frame, key, name, runs)
