"""LabelMe: a folder with a JSON file a frame, whose shapes hold the mask as a picture of its box."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sam2s.errors import DatasetError, OutputError
from sam2s.files import replacing
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.quality_text import quality_text
from sam2s.formats.shapes import (
    ImportedShape,
    coordinates,
    crop,
    entry_of,
    frame_numbers,
    number_of,
    read_json_file,
    to_box,
    to_rle,
    track_keys,
)
from sam2s.masks import rle
from sam2s.picture_files import open_picture
from sam2s.tracking.mask_quality import Alarm
from sam2s.workspace import FrameRecord, ObjectRecord


def write_labelme(
    records: Iterable[FrameRecord], info: ExportInfo, folder: Path, names: Mapping[int, str] | None = None
) -> None:
    """Write FOLDER/00000.json ...: shapes of type "mask", whose `group_id` is the object.

    Of masks that were judged the description says what to believe, and the flags which alarms there are.

    Args:
        records: frames in order.
        info: what the export says of the video and its objects.
        folder: replaced when it exists.
        names: names of pictures by frame index, where there are files.
    """
    if folder.is_dir() and any(not path.name.endswith(".json") for path in folder.iterdir()):
        raise OutputError(f"{folder} holds files that no earlier export made; move it or give another --out")
    with replacing(folder) as partial:
        partial.mkdir(parents=True)
        for record in records:
            picture = (names or {}).get(record.index, f"{record.index:05d}.jpg")
            content: dict[str, Any] = {
                "version": "5.5.0",
                "flags": {},
                "shapes": [
                    _shape(info.name(object_id), object_id, entry)
                    for object_id, entry in record.objects.items()
                    if rle.area(entry.rle)
                ],
                "imagePath": picture,
                "imageData": None,
                "imageHeight": info.size[0],
                "imageWidth": info.size[1],
                "frame": record.index,
            }
            (partial / f"{Path(picture).stem}.json").write_text(json.dumps(content) + "\n", encoding="utf-8")


def read_labelme(folder: Path, size: tuple[int, int], first: int) -> Iterator[ImportedShape]:
    """Yield the masks, polygons and rectangles of a folder of this form.

    Raises:
        DatasetError: naming file and entry.
    """
    files = sorted(folder.glob("*.json"))
    with entry_of(folder, "names"):
        numbers = frame_numbers([file.name for file in files], first)
    pending: list[tuple[Path, int, int, dict[str, Any]]] = []
    for file in files:
        content = read_json_file(file)
        with entry_of(file, "it"):
            frame = number_of(content.get("frame", numbers[file.name]), "frame")
            given = [number_of(content[side], side) for side in ("imageHeight", "imageWidth")]
            if given != list(size):
                raise ValueError(f"it is of a picture of {given}, frames of the video have {list(size)}")
            pending += [(file, frame, place, dict(shape)) for place, shape in enumerate(content["shapes"])]
    with entry_of(folder, "shapes"):
        keys = track_keys(
            [(frame, _track(shape), _label(shape)) for _, frame, _, shape in pending],
            lambda place: f"{pending[place][0].name}, shape {pending[place][2]}",
        )
    for (file, frame, place, shape), key in zip(pending, keys, strict=True):
        with entry_of(file, f"shape {place}"):
            yield from _read_shape(shape, frame, key, size)


def _shape(name: str, object_id: int, entry: ObjectRecord) -> dict[str, Any]:
    x0, y0, x1, y1 = crop(entry.mask)
    data = io.BytesIO()
    Image.fromarray(entry.mask[y0 : y1 + 1, x0 : x1 + 1]).save(data, "png")
    return {
        "label": name,
        "points": [[x0, y0], [x1, y1]],
        "group_id": object_id,
        "description": "" if entry.quality is None else quality_text(entry.quality),
        "shape_type": "mask",
        "flags": {} if entry.quality is None else {str(alarm): alarm in entry.quality.alarms for alarm in Alarm},
        "mask": base64.b64encode(data.getvalue()).decode("ascii"),
    }


def _read_shape(shape: dict[str, Any], frame: int, key: str, size: tuple[int, int]) -> Iterator[ImportedShape]:
    kind, points, name = shape.get("shape_type", "polygon"), shape["points"], _label(shape)
    if kind == "mask":
        mask = np.zeros(size, bool)
        picture = _picture(shape["mask"])
        x, y = (number_of(round(float(value)), "a corner") for value in points[0])
        if y + picture.shape[0] > size[0] or x + picture.shape[1] > size[1]:
            raise ValueError(f"the mask at {x},{y} lies off the frame")
        mask[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
        yield ImportedShape(frame, key, name, rle.encode(mask))
    elif kind == "polygon":
        yield ImportedShape(frame, key, name, to_rle([[value for point in points for value in point]], size))
    elif kind == "rectangle":
        (ax, ay), (bx, by) = points
        x0, y0, x1, y1 = coordinates([min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)], size)
        yield ImportedShape(frame, key, name, None, to_box(x0, y0, x1, y1))
    else:
        raise ValueError(f"shapes of type {str(kind)[:40]!r} are not read; allowed are mask, polygon and rectangle")


def _picture(text: str) -> np.ndarray:
    try:
        data = io.BytesIO(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise DatasetError(f"the mask is not a picture ({error})") from error
    with open_picture(data, "the mask") as picture:
        return np.array(picture.convert("L")) > 0


def _label(shape: dict[str, Any]) -> str | None:
    return None if shape.get("label") is None else str(shape["label"])


def _track(shape: dict[str, Any]) -> str | None:
    return None if shape.get("group_id") is None else str(shape["group_id"])
