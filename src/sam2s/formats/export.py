"""Every export of a workspace in one call: made whenever wanted, as often as wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from sam2s.errors import ConfigError, OutputError, Sam2sError
from sam2s.formats import outputs
from sam2s.formats.coco import Read, write_coco
from sam2s.formats.cvat import write_cvat, write_cvat_zip
from sam2s.formats.davis import write_davis
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.jsonl import write_jsonl
from sam2s.formats.labelme import write_labelme
from sam2s.formats.outputs import KINDS, TABLES
from sam2s.formats.overlay_video import write_overlay
from sam2s.formats.quality_text import write_quality
from sam2s.formats.sav import write_sav
from sam2s.formats.table import write_table
from sam2s.formats.yolo import write_yolo
from sam2s.formats.ytvis import write_youtube_vis
from sam2s.video.frame import VideoSource
from sam2s.workspace import FrameRecord, WorkspaceReader

ExportProgress = Callable[[str, int, int], None]
"""Is told the kind, the frames gone over and their number; some kinds go over the frames several times."""


def check_kinds(kinds: Sequence[str]) -> None:
    """Refuse unknown kinds, before hours of tracking rather than after.

    Raises:
        ConfigError: naming the kinds there are.
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise ConfigError(f"export {unknown[0]!r} is not known; allowed are {', '.join(KINDS)}")


def write_exports(
    workspace: WorkspaceReader,
    source: VideoSource | None,
    kinds: Sequence[str],
    *,
    folder: Path | None = None,
    object_ids: Iterable[int] | None = None,
    report_progress: ExportProgress | None = None,
) -> dict[str, Path]:
    """Write exports of all frames in a workspace, also of a run that was broken off.

    Older exports in the folder are replaced, files of another origin are not. One that cannot be written does not keep
    the others from being written.

    Args:
        workspace: where the masks are.
        source: its video: needed for overlay and the forms of DICOM, and names the pictures of a folder of images.
        kinds: of `KINDS`.
        folder: where they go; by default beside the workspace.
        object_ids: which objects, by default all.
        report_progress: called frame by frame.

    Returns:
        Path by kind, without overlays of no frames.

    Raises:
        ConfigError: an unknown kind.
        OutputError: an export cannot be written; the others are whole.
        SourceError: the video cannot be read for an overlay; the other exports are whole.
    """
    check_kinds(kinds)
    folder = workspace.folder if folder is None else folder
    info, total = ExportInfo.of(workspace), len(workspace.frame_indices())
    wanted = None if object_ids is None else list(object_ids)
    paths, errors = {}, list[Sam2sError]()
    for kind in kinds:

        def read(kind: str = kind) -> Iterator[FrameRecord]:
            for done, record in enumerate(workspace.frames(object_ids=wanted), 1):
                yield record
                if report_progress is not None:
                    report_progress(kind, done, total)

        if kind in ("overlay", "dicom-sc") and not total:
            continue
        try:
            path = outputs.claim(folder, kind)
            _write(kind, read, info, source, path)
            paths[kind] = path
        except Sam2sError as error:
            errors.append(error)
    if len(errors) > 1:
        raise OutputError("; ".join(map(str, errors))) from errors[0]
    if errors:
        raise errors[0]
    return paths


def _write(kind: str, read: Read, info: ExportInfo, source: VideoSource | None, path: Path) -> None:
    names = picture_names(source)
    if kind == "davis":
        write_davis(read(), info, path, _stems(names))
    elif kind == "coco":
        write_coco(read, info, path, names)
    elif kind == "ytvis":
        write_youtube_vis(read, info, path, names)
    elif kind == "csv":
        write_table(read(), info, path, path.with_name(TABLES[kind]))
    elif kind == "jsonl":
        write_jsonl(read(), info, path)
    elif kind == "sav":
        write_sav(read, info, path)
        write_quality(read(), info, path.with_name(TABLES[kind]))
    elif kind == "cvat":
        write_cvat(read, info, path)
    elif kind == "cvat-zip":
        write_cvat_zip(read, info, path)
    elif kind == "labelme":
        write_labelme(read(), info, path, names)
    elif kind == "yolo":
        write_yolo(read, info, path, _stems(names))
    elif kind == "dicom-seg":
        from sam2s.formats.dicom_seg import write_dicom_seg
        from sam2s.video.dicom import reference_to

        write_dicom_seg(read, info, reference_to(source), path)
    elif source is None:
        raise OutputError(f"{kind} needs the video; give it to write_exports as `source`")
    elif kind == "dicom-sc":
        from sam2s.formats.dicom_capture import CaptureWriter
        from sam2s.video.dicom import reference_to

        writer = partial(CaptureWriter, info=info, reference=reference_to(source))
        write_overlay(read(), info, source, path, writer)
    else:
        from sam2s.video.writer import VideoWriter  # loads FFmpeg, which the other kinds do without

        write_overlay(read(), info, source, path, partial(VideoWriter, pixel_aspect=source.pixel_aspect))


def picture_names(source: VideoSource | None) -> Mapping[int, str]:
    """Names of a folder's images by index; none of other sources."""
    return {index: Path(file).name for index, file in enumerate(getattr(source, "files", []))}


def _stems(names: Mapping[int, str]) -> Mapping[int, str] | None:
    """The same without suffix, if that tells them apart."""
    stems = {index: Path(name).stem for index, name in names.items()}
    return stems if len(set(stems.values())) == len(stems) else None
