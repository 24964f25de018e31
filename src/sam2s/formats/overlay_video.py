"""The video with its objects drawn in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np

from sam2s.errors import OutputError
from sam2s.files import replacing
from sam2s.formats.export_info import ExportInfo
from sam2s.masks.labels import Places
from sam2s.masks.layer import OverlayLayer
from sam2s.masks.overlay import draw
from sam2s.tracking.results import FrameResult
from sam2s.video.frame import Frame, VideoSource
from sam2s.workspace import FrameRecord

Clean = Callable[[np.ndarray], np.ndarray]

_FPS_OF_FOLDERS = Fraction(25)


class Writer(Protocol):
    """Where drawn frames go; `sam2s.video.VideoWriter` is one."""

    def write(self, image: np.ndarray, pts: Fraction | None = None) -> None:
        """Append a picture uint8 [H, W, 3] at an exact time in seconds."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def layers(
    result: FrameResult | FrameRecord, names: Mapping[int, str], clean: Clean | None = None
) -> list[OverlayLayer]:
    """What `sam2s.masks.overlay.draw` needs to draw a fresh or a stored result; `clean` may change each mask before."""
    return [
        OverlayLayer(i, clean(entry.mask) if clean else entry.mask, names.get(i), str(entry.state), entry.presence)
        for i, entry in result.objects.items()
    ]


class Times:
    """Times as a video can hold them: one that is missing or runs backward is put one frame after the last."""

    def __init__(self, fps: Fraction) -> None:
        self._step = 1 / fps
        self._last: Fraction | None = None

    def __call__(self, pts: Fraction | None) -> Fraction:
        """The time for the next frame."""
        if self._last is not None and (pts is None or pts <= self._last):
            pts = self._last + self._step
        self._last = pts or Fraction(0)
        return self._last


def write_overlay(
    records: Iterable[FrameRecord],
    info: ExportInfo,
    source: VideoSource,
    path: Path,
    open_writer: Callable[[Path, tuple[int, int], Fraction], Writer],
) -> None:
    """Draw every recorded frame over its picture; other frames of the source are left out.

    The video appears whole or not at all.

    Args:
        records: frames in order.
        info: what the export says of the video and its objects.
        source: the video, seekable.
        path: of the video to write.
        open_writer: makes the writer from path, (H, W) and frames a second.

    Raises:
        OutputError: the source can be read only once, or ends before the records do.
    """
    if not source.seekable:
        raise OutputError(f"{source.name} is a live stream and cannot be read again for an overlay; export other kinds")
    rows = iter(records)
    record = next(rows, None)
    if record is None:
        return
    pictures = source.frames(record.index)
    fps = info.fps or _FPS_OF_FOLDERS
    places, times = Places(), Times(fps)
    with (
        replacing(path) as partial,
        closing(open_writer(partial, info.size, fps)) as writer,
        closing(pictures),  # type: ignore[type-var]
    ):
        while record is not None:
            frame = _find(pictures, record.index, source)
            writer.write(draw(frame.image, layers(record, info.names), places=places), times(record.pts))
            record = next(rows, None)


class LiveOverlay:
    """An overlay drawn frame by frame while the pictures are at hand, for sources that cannot be read twice."""

    def __init__(
        self,
        path: Path,
        info: ExportInfo,
        open_writer: Callable[[Path, tuple[int, int], Fraction], Writer],
    ) -> None:
        """Write to `path`; the file is begun with the first frame, in its size."""
        self._path, self._names, self._open = path, info.names, open_writer
        self._fps = info.fps or _FPS_OF_FOLDERS
        self._writer: Writer | None = None
        self._times = Times(self._fps)
        self._places: Places = {}

    def write(self, frame: Frame, result: FrameResult, clean: Clean | None = None) -> None:
        """Draw a result over its frame; `clean` may change each mask before."""
        if self._writer is None:
            self._writer = self._open(self._path, frame.image.shape[:2], self._fps)
        picture = draw(frame.image, layers(result, self._names, clean), places=self._places)
        self._writer.write(picture, self._times(frame.pts))

    def close(self) -> None:
        """Finish the file, if a frame was written."""
        if self._writer is not None:
            self._writer.close()


def _find(pictures: Iterable[Frame], index: int, source: VideoSource) -> Frame:
    for frame in pictures:
        if frame.index == index:
            return frame
    raise OutputError(f"{source.name} ends before frame {index}, which has masks; is it the same video?")
