"""Masks of others into a workspace: every form that holds masks, polygons or boxes, as objects of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sam2s.errors import ConfigError, DatasetError
from sam2s.formats.coco import read_coco
from sam2s.formats.cvat import read_cvat, read_cvat_zip
from sam2s.formats.davis import read_davis_shapes
from sam2s.formats.dicom_seg_read import read_dicom_seg
from sam2s.formats.jsonl import read_jsonl
from sam2s.formats.labelme import read_labelme
from sam2s.formats.sav import read_sav
from sam2s.formats.shapes import ImportedShape, read_json_file
from sam2s.formats.yolo import read_yolo
from sam2s.formats.ytvis import read_youtube_vis
from sam2s.masks import rle
from sam2s.session.events import encode_prompt
from sam2s.tracking.results import ObjectState
from sam2s.video.dicom import is_dicom
from sam2s.workspace import FrameRecord, Layer, ObjectInfo, ObjectRecord, VideoIdentity, Workspace

FORMS = ("davis", "coco", "ytvis", "jsonl", "sav", "cvat", "cvat-zip", "labelme", "yolo", "dicom-seg")
"""Forms that are read."""


@dataclass
class ImportReport:
    """What an import brought.

    Attributes:
        form: of the file.
        event_id: the act under which it was written; `Workspace.undo(event_id)` takes the masks back.
        objects: object of the workspace by what the file calls it.
        masks: how many masks.
        boxes: how many boxes, which became prompts.
        frames: how many frames have a mask or box.
    """

    form: str
    event_id: int
    objects: dict[str, int] = field(default_factory=dict)
    masks: int = 0
    boxes: int = 0
    frames: int = 0


def import_masks(
    workspace: Workspace,
    path: Path,
    *,
    form: str | None = None,
    first_frame: int = 0,
    author: str | None = None,
) -> ImportReport:
    """Read a file or folder and write its masks as objects; all of it, or nothing.

    No propagation replaces imported masks. An object keeps its number where that is free, or belongs to an object of
    the same name; else it gets a new one. Boxes become prompts.

    Args:
        workspace: open to write.
        path: of the file or folder.
        form: of `FORMS`; by default found out.
        first_frame: the number in the name of the picture that is the first frame of the video.
        author: who.

    Raises:
        DatasetError: naming file and entry that cannot be read.
        ConfigError: the form is not known.
    """
    form = form or form_of(path)
    length = workspace.video.length
    with workspace.transaction():
        event = workspace.record("import", payload={"file": path.name, "form": form}, author=author)
        report = ImportReport(form, event.event_id)
        frames: set[int] = set()
        for shape in read_shapes(path, form, workspace.video, first_frame):
            if length is not None and shape.frame >= length:
                raise DatasetError(
                    f"{path}: {shape.key}: frame {shape.frame} is not in {workspace.video.name}; frames run from 0 to "
                    f"{length - 1} (--first-frame tells the number of the first picture)"
                )
            if shape.key not in report.objects:
                report.objects[shape.key] = _object_for(workspace, shape, set(report.objects.values()), author)
            _write(workspace, shape, report)
            frames.add(shape.frame)
        if not report.objects:
            raise DatasetError(f"{path} holds no mask, polygon or box")
        report.frames = len(frames)
    workspace.make_durable()
    return report


def form_of(path: Path) -> str:
    """Find out which form a file or folder has.

    Raises:
        DatasetError: none that is read, naming those that are.
    """
    if path.is_dir():
        if any(path.glob("*.json")) and not any(path.glob("*.png")) and not (path / "objects.json").exists():
            return "labelme"
        if any(path.glob("*.xml")):
            return "cvat-zip"
        if (path / "data.yaml").exists() or any(path.rglob("*.txt")):
            return "yolo"
        if any(path.glob("*.png")) or any(path.glob("*/*.png")):
            return "davis"
    elif not path.exists():
        raise DatasetError(f"cannot read {path}: no such file or folder")
    elif path.suffix.lower() == ".xml":
        return "cvat"
    elif path.suffix.lower() == ".zip":
        return "cvat-zip"
    elif is_dicom(path):
        return "dicom-seg"
    elif path.suffix.lower() in (".jsonl", ".ndjson"):
        return "jsonl"
    elif path.suffix.lower() == ".json":
        content = read_json_file(path)
        keys = set(content) if isinstance(content, dict) else set()
        for form, wanted in (("sav", {"masklet"}), ("ytvis", {"videos"}), ("coco", {"images", "annotations"})):
            if wanted <= keys:
                return form
    raise DatasetError(f"{path} is of no form that is read; --form takes one of {', '.join(FORMS)}")


def read_shapes(path: Path, form: str, video: VideoIdentity, first_frame: int = 0) -> Iterator[ImportedShape]:
    """Yield all shapes of a file or folder that belong to a video.

    Raises:
        DatasetError: naming file and entry.
        ConfigError: the form is not known.
    """
    if form not in FORMS:
        raise ConfigError(f"form {form!r} is not read; allowed are {', '.join(FORMS)}")
    if form in ("davis", "labelme", "yolo") and not path.is_dir():
        raise DatasetError(f"{path} is not a folder, as masks of the form {form} are kept in")
    size = video.size
    if form == "dicom-seg":
        return read_dicom_seg(path, video)
    if form == "davis":
        return read_davis_shapes(path, size, first_frame)
    if form == "labelme":
        return read_labelme(path, size, first_frame)
    if form == "yolo":
        return read_yolo(path, size, first_frame)
    if form == "cvat":
        return read_cvat(path, size)
    if form == "cvat-zip":
        return read_cvat_zip(path, size)
    if form == "jsonl":
        return read_jsonl(path, size)
    content = read_json_file(path)
    wanted = {"sav": ("masklet",), "ytvis": ("videos", "annotations"), "coco": ("images", "annotations")}[form]
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in wanted):
        raise DatasetError(f"{path} is not of the form {form}: it should hold the lists {', '.join(wanted)}")
    return _read_json(content, path, form, size, first_frame)


def _read_json(
    content: dict[str, Any], path: Path, form: str, size: tuple[int, int], first_frame: int
) -> Iterator[ImportedShape]:
    if form == "sav":
        return read_sav(content, path, size)
    if form == "ytvis":
        return read_youtube_vis(content, path, size, first_frame)
    return read_coco(content, path, size, first_frame)


def _object_for(workspace: Workspace, shape: ImportedShape, taken: set[int], author: str | None) -> int:
    """The object that takes a track, made if there is none."""
    known = {info.object_id: info for info in workspace.objects(removed=True)}
    name = None if shape.name in (None, "object") else shape.name
    if shape.key.isascii() and shape.key.isdecimal() and 0 < int(shape.key) < 1 << 31 and int(shape.key) not in taken:
        number = int(shape.key)
        if number not in known:
            workspace.put_object(ObjectInfo(number, name), author=author)
            return number
        if known[number].name == name and not known[number].removed:
            return number
    number = workspace.next_object_id()
    workspace.put_object(ObjectInfo(number, name), author=author)
    return number


def _write(workspace: Workspace, shape: ImportedShape, report: ImportReport) -> None:
    object_id = report.objects[shape.key]
    if shape.rle is None:
        assert shape.box is not None
        payload = {"prompt": encode_prompt(shape.box), "keep": True}
        workspace.record("prompt", frame=shape.frame, object_id=object_id, payload=payload)
        report.boxes += 1
        return
    state = ObjectState.VISIBLE if rle.area(shape.rle) else ObjectState.ABSENT
    entry = ObjectRecord(object_id, shape.rle, shape.score, 1.0, state)
    workspace.write_frame(FrameRecord(shape.frame, None, {object_id: entry}), report.event_id, layer=Layer.IMPORTED)
    report.masks += 1
