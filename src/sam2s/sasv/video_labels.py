"""A video's labels in memory, as RLE per object and frame: built or corrected there, then written whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sam2s.errors import DatasetError
from sam2s.masks import rle
from sam2s.masks.palette import MAX_LABEL, encode_label_map
from sam2s.sasv.masklets import FORMAT, RECORD, SUMS, VERSION, MaskletVideo, mask_files

MAX_ID = 65535


@dataclass
class LabelledObject:
    """One object, and per frame its mask: None where nobody looked, an RLE without pixels where it is absent."""

    category: str
    kind: str
    label: str
    masks: list[rle.Rle | None]
    track: str | None = None


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """One frame's name in the source and its time."""

    index: int
    pts: Fraction | None
    annotated: bool


@dataclass
class VideoLabels:
    """A video's labels; `header` holds the fields of `video.json` that do not depend on labels."""

    header: dict[str, Any]
    size: tuple[int, int]
    frames: list[LabelledFrame]
    objects: dict[int, LabelledObject]
    link_stats: dict[str, int] = field(default_factory=dict)
    review: list[dict[str, Any]] = field(default_factory=list)
    edits: list[dict[str, Any]] = field(default_factory=list)
    base: str = ""

    def fingerprint(self) -> str:
        """Short hash of all labels: objects, ids and masks."""
        content = [[i, o.category, [m and m["counts"] for m in o.masks]] for i, o in sorted(self.objects.items())]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def empty(size: tuple[int, int]) -> rle.Rle:
    """The mask of an object that is not there."""
    return rle.encode(np.zeros(size, bool))


def read_labels(video: MaskletVideo) -> VideoLabels:
    """A written video's labels, to be corrected."""
    data = json.loads((video.folder / RECORD).read_text("utf-8"))
    header = {key: data.get(key, "") if key == "incomplete" else data[key] for key in HEADER}
    frames = [LabelledFrame(f.index, f.pts, f.layers > 0) for f in video.frames]
    objects = {o.id: LabelledObject(o.category, o.kind, o.label, [], o.track) for o in video.objects}
    for t in range(len(video)):
        masks = video.masks(t)
        for i, o in objects.items():
            o.masks.append(rle.encode(masks[i]) if i in masks else None)
    return VideoLabels(
        header, video.size, frames, objects, dict(video.link_stats), list(video.review), list(video.edits), video.base
    )


HEADER = (
    "id",
    "source",
    "subset",
    "split",
    "patient",
    "procedure",
    "licence",
    "images",
    "fps",
    "crop",
    "recipe",
    "incomplete",
)


def write_labels(labels: VideoLabels, files: Sequence[str], folder: Path) -> None:
    """Write label maps, `video.json` and `SHA256SUMS` into a folder that holds the frames already.

    Args:
        labels: the labels.
        files: names of the frames relative to the folder, in order.
        folder: usually a temporary one, see `sam2s.files.replacing`.
    """
    if labels.objects and max(labels.objects) > MAX_ID:
        raise DatasetError(f"{labels.header['id']}: object id {max(labels.objects)} is above {MAX_ID}; relabel it")
    (folder / "masks").mkdir(parents=True)
    layers = [_write_masks(labels, t, folder) for t in range(len(labels.frames))]
    frames = [
        {"file": name, "index": f.index, "pts": None if f.pts is None else str(f.pts), "layers": count}
        for name, f, count in zip(files, labels.frames, layers, strict=True)
    ]
    objects = [
        {
            "id": i,
            "category": o.category,
            "kind": o.kind,
            "label": o.label,
            "track": o.track,
            "area": [None if m is None else rle.area(m) for m in o.masks],
        }
        for i, o in sorted(labels.objects.items())
    ]
    record = {"format": FORMAT, "version": VERSION, **labels.header, "size": list(labels.size), "base": labels.base}
    record |= {"link_stats": labels.link_stats, "edits": labels.edits, "review": labels.review}
    (folder / RECORD).write_text(pretty({**record, "objects": objects, "frames": frames}), "utf-8")
    content = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    (folder / SUMS).write_text("".join(f"{sha256(folder / name)}  {name}\n" for name in content), "utf-8")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pretty(record: dict[str, Any]) -> str:
    """JSON with one key a line, and one element a line in lists of objects."""
    lines = []
    for key, value in record.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            text = "[\n" + ",\n".join(f"  {json.dumps(item)}" for item in value) + "\n ]"
        elif isinstance(value, dict) and value and all(isinstance(item, dict) for item in value.values()):
            text = "{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(item)}" for k, item in value.items()) + "\n }"
        else:
            text = json.dumps(value)
        lines.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _write_masks(labels: VideoLabels, t: int, folder: Path) -> int:
    """Write a frame's label maps, a further one wherever an object overlaps those before it; return how many."""
    present = {i: m for i, o in sorted(labels.objects.items()) if (m := o.masks[t]) is not None}
    if not labels.frames[t].annotated and not present:
        return 0
    dtype = np.uint8 if max(labels.objects, default=0) <= MAX_LABEL else np.uint16
    layers = [np.zeros(labels.size, dtype)]
    for i, encoded in present.items():
        if not rle.area(encoded):
            continue
        mask = rle.decode(encoded)
        free = next((layer for layer in layers if not layer[mask].any()), None)
        if free is None:
            free = np.zeros(labels.size, dtype)
            layers.append(free)
        free[mask] = i
    for name, layer in zip(mask_files(t, len(layers)), layers, strict=True):
        if dtype == np.uint8:
            (folder / name).write_bytes(encode_label_map(layer))
        else:
            Image.fromarray(layer).save(folder / name)
    return len(layers)
