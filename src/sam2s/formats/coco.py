"""COCO: frames as images and every mask as an annotation with the id of its track.

Plain COCO knows no time: `track_id` says which annotations are one object, `frame` and `pts` when an image was shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from sam2s import __version__
from sam2s.files import replacing
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.shapes import (
    ImportedShape,
    entry_of,
    frame_numbers,
    number_of,
    score_of,
    to_box,
    to_rle,
    track_keys,
)
from sam2s.masks import rle
from sam2s.workspace import FrameRecord, ratio

Read = Callable[[], Iterable[FrameRecord]]
"""Goes over the records from the start, at each call anew."""


def write_coco(read: Read, info: ExportInfo, path: Path, names: Mapping[int, str] | None = None) -> None:
    """Write one JSON file, frame by frame: memory does not grow with the video.

    Objects without a pixel on a frame have no annotation there.

    Args:
        read: goes over the frames in order; called twice.
        info: what the export says of the video and its objects.
        path: replaced when it exists.
        names: names of pictures by frame index, where there are files.
    """
    categories = Categories(info)

    def images() -> Iterator[dict[str, Any]]:
        for record in read():
            yield {
                "id": record.index,
                "file_name": file_name(record.index, info, names),
                "height": info.size[0],
                "width": info.size[1],
                "frame": record.index,
                "pts": ratio(record.pts),
            }

    def annotations() -> Iterator[dict[str, Any]]:
        number = 0  # ids begin at 1: COCO's evaluation takes 0 for "no match"
        for record in read():
            for entry in record.objects.values():
                if not (area := rle.area(entry.rle)):
                    continue
                number += 1
                yield {
                    "id": number,
                    "image_id": record.index,
                    "category_id": categories.of(entry.object_id),
                    "track_id": entry.object_id,
                    "segmentation": entry.rle,
                    "area": area,
                    "bbox": rle.bbox(entry.rle),
                    "iscrowd": 0,
                    "score": entry.iou,
                    "presence": entry.presence,
                    "state": str(entry.state),
                    "prompted": entry.prompted,
                    "expected_iou": None if entry.quality is None else entry.quality.expected_iou,
                    "doubt": None if entry.quality is None else entry.quality.doubt,
                    "alarms": [] if entry.quality is None else [str(alarm) for alarm in entry.quality.alarms],
                }

    with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(f'{{"info": {json.dumps(head(info))},\n"images": ')
        write_list(file, images())
        file.write(',\n"annotations": ')
        write_list(file, annotations())
        file.write(f',\n"categories": {json.dumps(categories.used())}}}\n')


class Categories:
    """Numbers the names of objects from 1 as they turn up."""

    def __init__(self, info: ExportInfo) -> None:
        self._info = info
        self._ids: dict[str, int] = {}

    def of(self, object_id: int) -> int:
        """Category id of an object."""
        return self._ids.setdefault(self._info.name(object_id), len(self._ids) + 1)

    def used(self) -> list[dict[str, Any]]:
        """COCO's list of categories."""
        return [{"id": number, "name": name, "supercategory": ""} for name, number in self._ids.items()]


def head(info: ExportInfo) -> dict[str, Any]:
    """COCO's `info`: where the masks come from, and the frame rate as "num/den"."""
    return {
        "description": f"masks of {info.source}",
        "version": f"sam2s {__version__}",
        "video": info.source,
        "fps": ratio(info.fps),
        "weights": info.weights,
    }


def file_name(index: int, info: ExportInfo, names: Mapping[int, str] | None) -> str:
    """Name of a frame's picture: SOURCE/NAME of a folder of images, else SOURCE/00000.jpg, counted from 0."""
    return f"{info.folder_name}/{(names or {}).get(index, f'{index:05d}.jpg')}"


def write_list(file: TextIO, items: Iterable[Any]) -> None:
    """Write a JSON list item by item, one a line."""
    file.write("[")
    for number, item in enumerate(items):
        file.write(",\n" if number else "\n")
        file.write(json.dumps(item))
    file.write("]")


def read_coco(content: dict[str, Any], path: Path, size: tuple[int, int], first: int) -> Iterator[ImportedShape]:
    """Yield the masks of a COCO file, and the boxes of annotations that have no mask.

    An image's `frame` says which frame it is, else the number at the end of its name. `track_id` says which annotations
    are one object; without it there may be one of each category on an image.

    Raises:
        DatasetError: naming file and entry.
    """
    with entry_of(path, "images"):
        images = {str(image["id"]): image for image in content["images"]}
        numbered = [image for image in images.values() if "frame" not in image]
        numbers = frame_numbers([str(image["file_name"]) for image in numbered], first)
        frames = {
            key: number_of(image["frame"], "frame") if "frame" in image else numbers[str(image["file_name"])]
            for key, image in images.items()
        }
    categories = category_names(content, path)
    annotations = list(content["annotations"])
    rows = []
    for place, entry in enumerate(annotations):
        with entry_of(path, f"annotation {place}"):
            if str(entry["image_id"]) not in frames:
                raise ValueError(f"its image {entry['image_id']!r} is not among the images")
            track = entry.get("track_id", entry.get("instance_id"))
            name = categories.get(str(entry.get("category_id")))
            rows.append((frames[str(entry["image_id"])], None if track is None else str(track), name))
    with entry_of(path, "annotations"):
        keys = track_keys(rows, lambda place: f"annotation {place}")
    for place, (entry, (frame, _, name), key) in enumerate(zip(annotations, rows, keys, strict=True)):
        with entry_of(path, f"annotation {place}"):
            score = score_of(entry.get("score"))
            if entry.get("segmentation"):
                yield ImportedShape(frame, key, name, to_rle(entry["segmentation"], size), score=score)
            else:
                x, y, width, height = (float(value) for value in entry["bbox"])
                yield ImportedShape(frame, key, name, None, to_box(x, y, x + width, y + height), score)


def category_names(content: dict[str, Any], path: Path) -> dict[str, str]:
    """Names of categories by id as text.

    Raises:
        DatasetError: one has no id or no name.
    """
    names = {}
    for place, category in enumerate(content.get("categories") or []):
        with entry_of(path, f"category {place}"):
            names[str(category["id"])] = str(category["name"])
    return names
