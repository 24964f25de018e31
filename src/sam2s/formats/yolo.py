"""YOLO segmentation: a text file a frame, a line for each object: its class, then a polygon in shares of the frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from sam2s.errors import DatasetError, OutputError
from sam2s.files import replacing
from sam2s.formats.coco import Read
from sam2s.formats.contours import outline
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.quality_text import write_quality
from sam2s.formats.shapes import ImportedShape, describe, entry_of, frame_numbers, number_of, read_text, to_box, to_rle
from sam2s.formats.shapes import track_keys as keys_of
from sam2s.masks import rle


def write_yolo(read: Read, info: ExportInfo, folder: Path, stems: Mapping[int, str] | None = None) -> None:
    """Write FOLDER/labels/SOURCE/00000.txt ... and FOLDER/data.yaml with the names of the classes.

    YOLO knows no identities: objects of one name are one class. Parts of an object are lines of their own. What to
    believe of each mask is in FOLDER/quality.csv.

    Args:
        read: goes over the frames in order; called twice.
        info: what the export says of the video and its objects.
        folder: replaced when it exists.
        stems: names of pictures by frame index, where they are not the index in five digits.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "data.yaml").exists():
        raise OutputError(
            f"{folder} is there and no earlier export (it lacks data.yaml); move it or give another --out"
        )
    height, width = info.size
    classes: dict[str, int] = {}
    with replacing(folder) as partial:
        labels = partial / "labels" / info.folder_name
        labels.mkdir(parents=True)
        for record in read():
            lines = []
            for object_id, entry in record.objects.items():
                number = classes.setdefault(info.name(object_id), len(classes))
                if not rle.area(entry.rle):
                    continue
                for polygon in outline(entry.mask):
                    shares = (polygon / (width, height)).reshape(-1)
                    lines.append(f"{number} {' '.join(f'{share:.7g}' for share in shares)}\n")
            name = (stems or {}).get(record.index, f"{record.index:05d}")
            (labels / f"{name}.txt").write_text("".join(lines), encoding="ascii")
        content = {
            "path": ".",
            "train": f"images/{info.folder_name}",
            "names": {n: name for name, n in classes.items()},
        }
        (partial / "data.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        write_quality(read(), info, partial / "quality.csv")


def read_yolo(folder: Path, size: tuple[int, int], first: int) -> Iterator[ImportedShape]:
    """Yield the polygons and boxes of a folder of this form; lines of one class are parts of one object.

    Raises:
        DatasetError: naming file and line.
    """
    names = _names(folder)
    root = folder / "labels" if (folder / "labels").is_dir() else folder
    files = sorted(root.rglob("*.txt"))
    with entry_of(root, "names"):
        numbers = frame_numbers([str(file.relative_to(root)) for file in files], first)
    height, width = size
    for file in files:
        frame = numbers[str(file.relative_to(root))]
        parts: dict[int, list[list[float]]] = {}
        boxes: list[tuple[int, list[float]]] = []
        for at, line in enumerate(read_text(file).splitlines(), 1):
            with entry_of(file, f"line {at}"):
                if not (words := line.split()):
                    continue
                number = number_of(words[0], "the class")
                values = [float(word) for word in words[1:]]
                if len(values) == 4:
                    boxes.append((number, values))
                else:
                    flat = [value * (height if place % 2 else width) for place, value in enumerate(values)]
                    parts.setdefault(number, []).append(flat)
        for number, polygons in parts.items():
            with entry_of(file, f"class {number}"):
                yield ImportedShape(frame, f"class {number}", names.get(number), to_rle(polygons, size))
        with entry_of(file, "boxes"):
            keys = keys_of([(frame, None, names.get(n, str(n))) for n, _ in boxes], lambda place: f"box {place}")
            for (number, (x, y, w, h)), _ in zip(boxes, keys, strict=True):
                box = to_box((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
                yield ImportedShape(frame, f"class {number}", names.get(number), None, box)


def _names(folder: Path) -> dict[int, str]:
    path = folder / "data.yaml"
    if not path.exists():
        return {}
    try:
        names = yaml.safe_load(read_text(path))["names"]
        pairs = enumerate(names) if isinstance(names, list) else names.items()
        return {number_of(number, "a class"): str(name) for number, name in pairs}
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DatasetError(f"{path}: it names no classes ({describe(error)})") from error
