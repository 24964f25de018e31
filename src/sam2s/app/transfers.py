"""Exports and imports as tasks: what is written and read, bounded, and where files for the browser lie meanwhile."""

from __future__ import annotations

import secrets
import shutil
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sam2s.app.desk import VideoDesk
from sam2s.app.export_choice import ChosenMasks, ExportChoice, add_pictures, check_pictures
from sam2s.app.problems import ApiError
from sam2s.app.settings import AppLimits
from sam2s.app.tasks import Progress
from sam2s.errors import DatasetError
from sam2s.runs import open_workspace_video
from sam2s.workspace import Workspace, WorkspaceEvent

EXPORT_FORMATS = {
    "coco": "COCO (JSON)",
    "ytvis": "YouTube-VIS (JSON)",
    "davis": "DAVIS (indexed PNG)",
    "sav": "SA-V (JSON)",
    "cvat": "CVAT video (XML, mask tracks)",
    "cvat-zip": "CVAT video (archive to upload)",
    "labelme": "LabelMe (JSON files)",
    "yolo": "YOLO segmentation (text files)",
    "csv": "Table (CSV)",
    "jsonl": "Masks, a line a frame (JSONL)",
    "overlay": "Overlay video (MP4)",
    "dicom-seg": "DICOM segmentation of a DICOM recording",
    "dicom-sc": "DICOM capture of overlays",
}
"""What can be written, and how it is called."""
IMPORT_FORMATS = {name: EXPORT_FORMATS[name] for name in EXPORT_FORMATS if name not in ("csv", "overlay", "dicom-sc")}
"""What can be read."""
DOWNLOADS_KEPT = 8
_ZIP_FILES = 200_000
_ONE_FILE = ("coco", "ytvis")


def export(
    desk: VideoDesk,
    root: Path,
    kind: str,
    *,
    objects: list[int] | None,
    choice: ExportChoice,
    pictures: bool = False,
    report: Progress,
) -> tuple[Path, str]:
    """Write one export beside the workspace; returns a file to send, folders and pictures packed, and what to say.

    Raises:
        ApiError: there is nothing to export.
    """
    from sam2s.formats.export import write_exports

    if desk.reader() is None:
        raise ApiError("invalid", "there are no masks yet; click an object first")
    with (
        ChosenMasks.open(desk.folder) as reader,
        closing(open_workspace_video(reader, str(desk.entry.path))) as source,
    ):
        reader.choice = choice
        if not (count := len(reader.frame_indices())):
            raise ApiError("invalid", "none of the chosen frames has a mask; choose others", "start")
        if pictures:
            check_pictures(kind, count)
        paths = write_exports(
            reader,
            source,
            [kind],
            object_ids=objects,
            report_progress=lambda _, done, total: report(done, total),
        )
        path = paths[kind]
        said = f"{count} frame{'s' * (count != 1)} written to {path.parent.name}/{path.name}"
        if path.is_file() and not pictures:
            return path, said
        packed = _packed(path, downloads(root), desk.entry.path.stem)
        if pictures:
            with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
                add_pictures(archive, kind, reader, source, report)
        return packed, said


def downloads(root: Path) -> Path:
    """The folder of packed exports; the oldest leave."""
    folder = root / ".sam2s" / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    old = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
    for path in old[: max(0, len(old) - DOWNLOADS_KEPT + 1)]:
        shutil.rmtree(path, ignore_errors=True)
    return folder


def arrival(root: Path, name: str) -> Path:
    """Where a file that is to be imported arrives: in a folder of its own, under its own name."""
    folder = root / ".sam2s" / "imports" / secrets.token_hex(8)
    folder.mkdir(parents=True)
    clean = Path(name.replace("\\", "/")).name.strip(". ") or "masks"
    return folder / clean[:150]


def import_file(
    desk: VideoDesk,
    path: Path,
    form: str,
    author: str,
    *,
    limits: AppLimits,
    answer: Callable[[int], None],
    report: Progress,
) -> tuple[None, str]:
    """Read masks of others into the video's workspace; all of them, or none. Boxes are answered as prompts.

    Args:
        desk: the video.
        path: the file; an archive holds a folder. It is removed afterwards.
        form: of `IMPORT_FORMATS`.
        author: who.
        limits: bounds on what is unpacked.
        answer: computes the mask of the prompt of an event.
        report: is told how many boxes are answered.
    """
    from sam2s.formats.imports import import_masks

    try:
        content = _file_of(form, _unpacked(path, limits)) if zipfile.is_zipfile(path) else path
        workspace = desk.writer()
        last = max((event.event_id for event in workspace.events()), default=0)
        made = import_masks(workspace, content, form=form, author=author)
        newest = max(event.event_id for event in workspace.events(since=last))
        workspace.record("note", payload={"import": made.event_id, "last": newest}, author=author)  # undone as one
        prompts = workspace.events(since=last, kinds=("prompt",))
        for done, event in enumerate(prompts):
            report(done, len(prompts))
            answer(event.event_id)
        return None, f"{made.masks} masks and {made.boxes} boxes of {len(made.objects)} objects on {made.frames} frames"
    except DatasetError as error:
        raise DatasetError(str(error).replace(f"{path.parent}/", "")) from error
    finally:
        shutil.rmtree(path.parent, ignore_errors=True)


def turn_rest_of_import(workspace: Workspace, event: WorkspaceEvent, how: str, author: str) -> WorkspaceEvent:
    """Take back, or do again, all acts of the import that an act belongs to; returns the import, or the act itself."""
    for note in workspace.events(kinds=("note",)):
        first, last = note.payload.get("import"), note.payload.get("last")
        if not isinstance(first, int) or not isinstance(last, int) or not first <= event.event_id <= last:
            continue
        group = [one for one in workspace.events(since=first - 1) if one.event_id <= last]
        open_ones = [one for one in group if bool(one.undone) == (how == "redo")]
        for one in open_ones if how == "redo" else reversed(open_ones):
            getattr(workspace, how)(one.event_id, author=author)
        return group[0]
    return event


def _packed(made: Path, place: Path, stem: str) -> Path:
    """A file or folder as an archive."""
    target = place / secrets.token_hex(8)
    target.mkdir()
    path = target / f"{stem}-{made.stem}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in [made] if made.is_file() else sorted(made.rglob("*")):
            if file.is_file():
                archive.write(file, file.name if file == made else file.relative_to(made).as_posix())
    return path


def _file_of(form: str, content: Path) -> Path:
    """Of a form that is one file, the file in an unpacked archive, in which pictures may lie beside it."""
    found = [] if form not in _ONE_FILE or content.is_file() else sorted(content.rglob("*.json"))
    return found[0] if len(found) == 1 else content


def _unpacked(path: Path, limits: AppLimits) -> Path:
    """Unpack an archive beside it, within the bounds and below its folder; a single folder inside is the content.

    Raises:
        ApiError: it is larger than allowed, or names places outside.
    """
    target = path.parent / "content"
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if len(entries) > _ZIP_FILES or sum(entry.file_size for entry in entries) > limits.import_bytes:
            raise ApiError(
                "too-large", f"{path.name} unpacks to more than {limits.import_bytes} bytes or {_ZIP_FILES} files"
            )
        left = limits.import_bytes
        for entry in entries:
            place = (target / entry.filename).resolve()
            if target.resolve() not in (place, *place.parents):
                raise ApiError("forbidden", f"{path.name} names a place outside of itself: {entry.filename[:80]!r}")
            if entry.is_dir():
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as packed, place.open("wb") as file:
                while chunk := packed.read(1 << 20):
                    left -= len(chunk)
                    if left < 0:
                        raise ApiError("too-large", f"{path.name} unpacks to more than {limits.import_bytes} bytes")
                    file.write(chunk)
    inside = list(target.iterdir()) if target.exists() else []
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else target
