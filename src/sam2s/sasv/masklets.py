"""Reading a built set: videos, frames, objects with lasting ids. docs/reference/masklet-format.md has the form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from sam2s.errors import DatasetError
from sam2s.limits import check_pixels
from sam2s.sasv.masklet_video import LabelState, Masklet, MaskletFrame, MaskletVideo, mask_files
from sam2s.sasv.splits import assigned_splits
from sam2s.sasv.text_files import MALFORMED, described, inner_path, read_json, text, whole_number

__all__ = [
    "LabelState",
    "Masklet",
    "MaskletDataset",
    "MaskletFrame",
    "MaskletVideo",
    "mask_files",
    "missing_by_subset",
    "read_manifest",
    "read_video",
    "video_folder",
]

FORMAT = "sasv-masklets"
VERSION = 1
MANIFEST = "manifest.json"
RECORD = "video.json"
SUMS = "SHA256SUMS"
_REBUILD = "build the video again (sam2s sasv build)"


def read_video(folder: Path) -> MaskletVideo:
    """Read one video's `video.json`.

    Raises:
        DatasetError: it is missing, damaged, or of a newer version.
    """
    path = folder / RECORD
    data = read_json(path, _REBUILD)
    if data.get("format") != FORMAT or data.get("version") != VERSION:
        form = f"{data.get('format')!r} version {data.get('version')!r}"
        raise DatasetError(f"{path} is {form}, this program reads {FORMAT!r} version {VERSION}; build it again")
    try:
        return _parse_video(folder, data)
    except MALFORMED as error:
        raise DatasetError(f"cannot read {path}: {described(error)}; {_REBUILD}") from error


def _parse_video(folder: Path, data: Mapping[str, Any]) -> MaskletVideo:
    height, width = (whole_number(side, "size", low=1) for side in data["size"])
    check_pixels(height, width, str(folder / RECORD))
    crop = data["crop"]
    most_layers = max(1, len(data["objects"]))
    frames = tuple(_parse_frame(frame, most_layers) for frame in data["frames"])
    return MaskletVideo(
        folder=folder,
        id=text(data["id"], "id"),
        source=text(data["source"], "source"),
        subset=None if data["subset"] is None else text(data["subset"], "subset"),
        split=text(data["split"], "split"),
        patient=text(data["patient"], "patient"),
        procedure=text(data["procedure"], "procedure"),
        licence=text(data["licence"], "licence"),
        images=bool(data["images"]),
        size=(height, width),
        fps=_fraction(data["fps"]),
        crop=crop and (crop[0], crop[1], crop[2], crop[3]),
        frames=frames,
        objects=tuple(_parse_object(record, len(frames)) for record in data["objects"]),
        link_stats={text(k, "link_stats"): whole_number(n, k) for k, n in dict(data["link_stats"]).items()},
        review=tuple(dict(item) for item in data["review"]),
        edits=tuple(dict(edit) for edit in data["edits"]),
        base=text(data["base"], "base"),
        recipe=text(data["recipe"], "recipe"),
        incomplete=data.get("incomplete") or "",
    )


def _parse_frame(record: Mapping[str, Any], most_layers: int) -> MaskletFrame:
    file, layers = inner_path(record["file"], "file"), whole_number(record["layers"], "layers")
    if layers > most_layers:
        raise ValueError(f"layers is {layers}; a frame has no more of them than there are objects ({most_layers})")
    if not isinstance(record["index"], int):
        raise TypeError(f"index is {record['index']!r}; it should be a whole number")
    return MaskletFrame(file, record["index"], _fraction(record["pts"]), layers)


def _parse_object(record: Mapping[str, Any], frames: int) -> Masklet:
    area = tuple(None if n is None else whole_number(n, "area") for n in record["area"])
    if len(area) != frames:
        raise ValueError(f"object {record['id']} has an area for {len(area)} frames, the video has {frames}")
    return Masklet(
        id=whole_number(record["id"], "id", low=1),
        category=text(record["category"], "category"),
        kind=text(record["kind"], "kind"),
        label=text(record["label"], "label"),
        area=area,
        track=None if record["track"] is None else text(record["track"], "track"),
    )


class MaskletDataset:
    """A built set, or a part of it; iterates over `MaskletVideo`, reading one `video.json` at a time.

    Args:
        root: the folder that `sam2s sasv build` wrote.
        split: "train", "val" or "test".
        subset: row of Table 1, such as "CIS-Test".
        source: name of a source, such as "endovis17".
        images: True for single pictures alone, False for videos alone.
        split_file: take splits from this file (see `splits.py`) instead of those of the build.
    """

    def __init__(
        self,
        root: Path,
        *,
        split: str | None = None,
        subset: str | None = None,
        source: str | None = None,
        images: bool | None = None,
        split_file: Path | None = None,
    ) -> None:
        self.root = root
        entries = read_manifest(root)["videos"]
        assigned = assigned_splits(entries, split_file)
        self.ids = [
            name
            for name, entry in entries.items()
            if (split is None or assigned.get(name) == split)
            and subset in (None, entry["subset"])
            and source in (None, entry["source"])
            and images in (None, entry["images"])
        ]

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[MaskletVideo]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, item: int | str) -> MaskletVideo:
        name = item if isinstance(item, str) else self.ids[item]
        return read_video(video_folder(self.root, name))

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The set's manifest."""
        return read_manifest(self.root)


def video_folder(root: Path, name: str) -> Path:
    """Where video "source/name" lies."""
    return root / "videos" / name


def read_manifest(root: Path) -> dict[str, Any]:
    """Read the manifest of a built set.

    Raises:
        DatasetError: there is none, or it is of another version.
    """
    path = root / MANIFEST
    if not path.is_file():
        raise DatasetError(f"{root} is not a built set, it has no {MANIFEST}; build one: sam2s sasv build --out {root}")
    manifest = read_json(path, f"build the set again: sam2s sasv build --out {root}")
    if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
        raise DatasetError(f"{path} is not {FORMAT!r} version {VERSION}; build the set again")
    try:
        for name, entry in manifest["videos"].items():
            inner_path(name, "video")
            for key in ("source", "split", "patient", "sha256"):
                text(entry[key], key)
            if entry["subset"] is not None:
                text(entry["subset"], "subset")
            whole_number(entry["frames"], "frames")
            entry["images"] = bool(entry["images"])
        for part in ("stale", "incomplete", "splits"):
            manifest.get(part, {}).items()
        for entry in manifest.get("incomplete", {}).values():
            text(entry["source"], "source")
            text(entry["missing"], "missing")
    except MALFORMED as error:
        raise DatasetError(f"cannot read {path}: {described(error)}; build the set again") from error
    return manifest


def missing_by_subset(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Rows of Table 1 of which a set holds only a part, and what is missing; tables of counts and scores mark them."""
    return {subset: entry["missing"] for subset, entry in manifest.get("incomplete", {}).items()}


def _fraction(value: str | None) -> Fraction | None:
    return None if value is None else Fraction(text(value, "a time or rate"))
