"""DAVIS: a folder with one indexed PNG a frame, whose pixel values are object ids."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sam2s.errors import DatasetError, OutputError
from sam2s.files import replacing
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.shapes import ImportedShape, entry_of, frame_numbers, read_json_file
from sam2s.formats.table import quality_cells
from sam2s.masks import rle
from sam2s.masks.palette import encode_label_map, label_map, read_label_map
from sam2s.workspace import FrameRecord, ratio


def write_davis(
    records: Iterable[FrameRecord], info: ExportInfo, folder: Path, stems: Mapping[int, str] | None = None
) -> None:
    """Write FOLDER/SOURCE/00000.png ..., FOLDER/frames.csv (times), FOLDER/objects.json (names, frame rate) and
    FOLDER/quality.csv (how far masks can be believed).

    Every frame gets a picture; one without objects is all zero. The folder appears whole or not at all.

    Args:
        records: frames in order.
        info: what the export says of the video and its objects.
        folder: replaced when it exists.
        stems: names of pictures by frame index, where they are not the index in five digits.

    Raises:
        OutputError: a folder of another origin is in the way, an object id above 255, or the disk is full.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "objects.json").exists():
        raise OutputError(
            f"{folder} is there and no earlier export (it lacks objects.json); move it or give another --out"
        )
    with replacing(folder) as partial:
        pictures = partial / info.folder_name
        pictures.mkdir(parents=True)
        with (
            (partial / "frames.csv").open("w", newline="", encoding="utf-8") as file,
            (partial / "quality.csv").open("w", newline="", encoding="utf-8") as quality_file,
        ):
            table, quality = csv.writer(file), csv.writer(quality_file)
            table.writerow(["file", "frame", "pts", "seconds"])
            quality.writerow(["file", "frame", "object_id", "expected_iou", "doubt", "alarms"])
            for record in records:
                name = f"{(stems or {}).get(record.index, f'{record.index:05d}')}.png"
                labels = label_map({entry.object_id: entry.mask for entry in record.objects.values()}, info.size)
                (pictures / name).write_bytes(encode_label_map(labels))
                seconds = "" if record.pts is None else f"{float(record.pts):.6f}"
                table.writerow([name, record.index, ratio(record.pts), seconds])
                for entry in record.objects.values():
                    quality.writerow([name, record.index, entry.object_id, *quality_cells(entry)])
        names = {str(object_id): name for object_id, name in info.names.items()}
        (partial / "objects.json").write_text(json.dumps({"fps": ratio(info.fps), "names": names}, indent=1) + "\n")


def read_davis(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (stem, ids [H, W]) of every PNG in a folder, in order of their names.

    Raises:
        DatasetError: there is none, or one holds colours instead of ids.
    """
    files = sorted(folder.glob("*.png"))
    if not files:
        raise DatasetError(f"{folder} holds no PNG masks")
    for file in files:
        yield file.stem, read_label_map(file)


def read_davis_shapes(folder: Path, size: tuple[int, int], first: int) -> Iterator[ImportedShape]:
    """Yield the masks of a folder of label images, or of one that holds such a folder.

    `frames.csv` beside the folder says which frames the pictures are, else the numbers at the ends of their names;
    `objects.json` names the objects.

    Raises:
        DatasetError: naming the file.
    """
    inner = folder
    if not any(folder.glob("*.png")):
        inside = sorted(path for path in folder.iterdir() if path.is_dir() and any(path.glob("*.png")))
        if len(inside) != 1:
            raise DatasetError(f"{folder} holds {len(inside)} folders of PNG masks; give the one of this video")
        inner = inside[0]
    files = sorted(inner.glob("*.png"))
    with entry_of(inner, "names"):
        numbers = _listed(inner.parent / "frames.csv") or frame_numbers([file.name for file in files], first)
    names: dict[str, Any] = {}
    if (listing := inner.parent / "objects.json").exists():
        with entry_of(listing, "names"):
            names = dict(read_json_file(listing)["names"])
    for file in files:
        labels = read_label_map(file)
        with entry_of(file, "it"):
            if labels.shape != size:
                raise ValueError(f"it has size {list(labels.shape)}, frames of the video have {list(size)}")
            frame = numbers[file.name]
        for value in np.unique(labels[labels > 0]):
            name = names.get(str(value))
            runs = rle.encode(labels == value)
            yield ImportedShape(frame, str(value), None if name is None else str(name), runs)


def _listed(path: Path) -> dict[str, int]:
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        return {row["file"]: int(row["frame"]) for row in csv.DictReader(file)}
