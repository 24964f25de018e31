"""Video inside a DICOM file as a video source."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from sam2s.errors import SourceError, TruncatedSourceError
from sam2s.video.dicom.attributes import stated_pixel_aspect
from sam2s.video.dicom.notes import note_count
from sam2s.video.dicom.pixel_data import EmbeddedVideo, PixelData, sniff_container
from sam2s.video.dicom.timing import FrameClock, frame_clock
from sam2s.video.file import FileSource
from sam2s.video.frame import Frame, check_range

log = logging.getLogger(__name__)


class DicomVideoSource:
    """Frames of a bit stream (MPEG-2, H.264, HEVC) inside a DICOM file.

    The stream is decoded where it lies, and read as every video file is; see `FileSource`. Frames are those that the
    stream holds: NumberOfFrames of the data set is compared with them and otherwise not used.

    Attributes:
        path: the file.
        clock: says when frames are shown.
        attributes: of the allow-list, by name.
    """

    seekable = True

    def __init__(
        self, pixels: PixelData, attributes: dict[str, Any], codec: str, *, square_pixels: bool = False
    ) -> None:
        """Open the stream and decode its first frame.

        Raises:
            SourceError: it is of no container that DICOM allows, or its first frame is damaged.
        """
        self.path, self.attributes = pixels.path, attributes
        head = EmbeddedVideo(pixels, codec).open().read(400)
        container = sniff_container(head, codec)
        if container is None:
            raise SourceError(f"{self.path}: its pixel data are no MPEG-2, H.264 or HEVC stream, MPEG-TS or MP4 file")
        self._pixels = pixels
        self._file = FileSource(EmbeddedVideo(pixels, container), square_pixels=square_pixels)
        self.name = self.path.stem
        self.size = self._file.size
        # Where the stream says nothing of its pixels the data set may.
        self.pixel_aspect = self._file.pixel_aspect
        if self.pixel_aspect == 1 and not square_pixels:
            self.pixel_aspect = stated_pixel_aspect(attributes)
        self.time_base = self._file.time_base
        # The rate of an elementary stream may be FFmpeg's guess; it counts where the data set confirms it or is silent.
        self.clock: FrameClock = frame_clock(attributes, self._file.fps)
        self.fps: Fraction | None = self.clock.fps
        if container in ("mp4", "mpegts") and self.fps != self._file.fps:
            log.warning(
                "%s: its data set says %s frames a second (%s) and its stream %s; the data set counts",
                self.path,
                self.fps,
                self.clock.origin,
                self._file.fps,
            )
        if self.length is not None:
            note_count(self.path, attributes, self.length)

    @property
    def length(self) -> int | None:
        """Number of frames, or None if the container does not tell."""
        return self._file.length

    @property
    def recording(self) -> DicomVideoSource:
        """Itself, also behind whatever passes attributes on."""
        return self

    @property
    def stored_bytes(self) -> int:
        """How long the stream is."""
        return self._pixels.size

    def count(self) -> int:
        """Exact number of frames; reads through the stream, without decoding, where it has no table."""
        return self._file.count()

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """Yield frames start, start + step, ... below stop, each decoded when it is asked for.

        Raises:
            TruncatedSourceError: after the last good frame of a damaged file, or one that was cut off.
        """
        check_range(start, stop, step)
        following = start
        for frame in self._file.frames(start, stop, step):
            following = frame.index + step
            yield self._timed(frame)
        if self._pixels.cut and (stop is None or following < stop):
            raise TruncatedSourceError(f"{self.path}: was cut off: its pixel data do not end; what was there was read")

    def frame(self, index: int) -> Frame:
        """Read one frame.

        Raises:
            SourceError: if the video has no such frame, or it lies in a damaged part.
        """
        return self._timed(self._file.frame(index))

    def fingerprint(self) -> str:
        """Hash of the stream's parameters, size, first and last MiB; a data set whose names change keeps it."""
        return self._file.fingerprint()

    def close(self) -> None:
        """Release the decoder; idempotent."""
        self._file.close()

    def _timed(self, frame: Frame) -> Frame:
        return Frame(frame.image, frame.index, self.clock.time_of(frame.index, frame.pts))
