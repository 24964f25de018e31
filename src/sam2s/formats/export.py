"""Every export of a run in one call: made from the store, whenever wanted, as often as wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from sam2s.errors import ConfigError, OutputError, Sam2sError
from sam2s.formats.coco import Read, write_coco
from sam2s.formats.davis import write_davis
from sam2s.formats.outputs import FILES, SUMMARY
from sam2s.formats.overlay_video import write_overlay
from sam2s.formats.records import FrameRecord
from sam2s.formats.run_info import RunInfo
from sam2s.formats.store import MaskStore
from sam2s.formats.table import write_table
from sam2s.formats.ytvis import write_youtube_vis
from sam2s.video.frame import VideoSource

Progress = Callable[[str, int, int], None]
"""Told the kind, the frames gone over and their number; some kinds go over the frames several times."""


def check_kinds(kinds: Sequence[str]) -> None:
    """Refuse unknown kinds, before hours of tracking rather than after.

    Raises:
        ConfigError: naming the kinds there are.
    """
    if unknown := [kind for kind in kinds if kind not in FILES]:
        raise ConfigError(f"--export {unknown[0]} is not known; allowed are {', '.join(FILES)}")


def write_exports(
    store: MaskStore,
    source: VideoSource | None,
    kinds: Sequence[str],
    progress: Progress | None = None,
) -> dict[str, Path]:
    """Write exports of all frames in the store, also of a run that was broken off, into its folder.

    Older exports of the run are replaced, files of another origin are not.

    One that cannot be written does not keep the others from being written.

    Args:
        store: the run.
        source: its video: needed for overlay, and names the pictures of a folder of images.
        kinds: of `FILES`.
        progress: called frame by frame.

    Returns:
        Path by kind, without an overlay of no frames.

    Raises:
        ConfigError: an unknown kind.
        OutputError: an export cannot be written; the others are whole.
        SourceError: the video cannot be read for an overlay; the other exports are whole.
    """
    check_kinds(kinds)
    total = len(store.frames_done())
    paths, errors = {}, list[Sam2sError]()
    for kind in kinds:

        def read(kind: str = kind) -> Iterator[FrameRecord]:
            for done, record in enumerate(store.records(), 1):
                yield record
                if progress is not None:
                    progress(kind, done, total)

        if kind == "overlay" and not total:
            continue
        try:
            path = store.claim(kind)
            _write(kind, read, store.info, source, path)
            paths[kind] = path
        except Sam2sError as error:
            errors.append(error)
    if len(errors) > 1:
        raise OutputError("; ".join(map(str, errors))) from errors[0]
    if errors:
        raise errors[0]
    return paths


def _write(kind: str, read: Read, info: RunInfo, source: VideoSource | None, path: Path) -> None:
    names = _names(source)
    if kind == "davis":
        write_davis(read(), info, path, _stems(names))
    elif kind == "coco":
        write_coco(read, info, path, names)
    elif kind == "ytvis":
        write_youtube_vis(read, info, path, names)
    elif kind == "csv":
        write_table(read(), info, path, path.with_name(SUMMARY))
    elif source is None:
        raise OutputError("an overlay needs the video; give it to write_exports as `source`")
    else:
        from sam2s.video.writer import VideoWriter  # loads FFmpeg, which the other kinds do without

        write_overlay(read(), info, source, path, partial(VideoWriter, pixel_aspect=source.pixel_aspect))


def _names(source: VideoSource | None) -> Mapping[int, str]:
    """Names of a folder's images by index; none of other sources."""
    return {index: Path(file).name for index, file in enumerate(getattr(source, "files", []))}


def _stems(names: Mapping[int, str]) -> Mapping[int, str] | None:
    """The same without suffix, if that tells them apart."""
    stems = {index: Path(name).stem for index, name in names.items()}
    return stems if len(set(stems.values())) == len(stems) else None
