"""Pictures inside a DICOM file as a video source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from sam2s.errors import PictureError, SourceError, TruncatedSourceError
from sam2s.limits import check_pixels
from sam2s.video.dicom.attributes import stated_pixel_aspect
from sam2s.video.dicom.notes import note_count
from sam2s.video.dicom.pictures import DicomPictures, PixelLayout
from sam2s.video.dicom.pixel_data import EmbeddedVideo, PixelData
from sam2s.video.dicom.timing import FrameClock, frame_clock
from sam2s.video.frame import Frame, check_range


class DicomPicturesSource:
    """Frames of a DICOM file that holds pictures one by one: native, run-length coded, JPEG and its kin.

    Attributes:
        path: the file.
        clock: says when frames are shown.
        attributes: of the allow-list, by name.
    """

    seekable = True

    def __init__(self, pixels: PixelData, attributes: dict[str, Any], *, fps: Fraction | None = None) -> None:
        """Find the frames and decode the first; `fps` counts where the data set says nothing.

        Raises:
            SourceError: the pictures are of a kind that is not read, or the first is damaged.
            LimitError: they have more pixels than the limit.
        """
        self.path, self.attributes = pixels.path, attributes
        self._pixels = pixels
        layout = PixelLayout.of(attributes, str(self.path))
        check_pixels(*layout.size, str(self.path))
        self._pictures = DicomPictures(pixels, layout, attributes["TransferSyntaxUID"], attributes)
        self.name = self.path.stem
        self.size = layout.size
        self.length: int | None = self._pictures.count
        self.pixel_aspect = stated_pixel_aspect(attributes)
        self.clock = frame_clock(attributes)
        if self.clock.fps is None:
            self.clock = FrameClock(fps)
        self.fps: Fraction | None = self.clock.fps
        self._pictures.read(0)
        note_count(self.path, attributes, self._pictures.count)

    @property
    def recording(self) -> DicomPicturesSource:
        """Itself, also behind whatever passes attributes on."""
        return self

    @property
    def stored_bytes(self) -> int:
        """How long the pixel data are."""
        return self._pixels.size

    def count(self) -> int:
        """Number of frames."""
        return self._pictures.count

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """Yield frames start, start + step, ... below stop, each read when it is asked for.

        Raises:
            TruncatedSourceError: at a frame that is damaged, or behind the last of a file that was cut off.
        """
        check_range(start, stop, step)
        count = self._pictures.count
        for index in range(start, count if stop is None else min(stop, count), step):
            yield self.frame(index)
        if self._pixels.cut and (stop is None or stop > count):
            raise TruncatedSourceError(f"{self.path}: was cut off behind frame {count - 1}; {count} frames were read")

    def frame(self, index: int) -> Frame:
        """Read one frame.

        Raises:
            SourceError: if there is no such frame.
            TruncatedSourceError: if it is damaged.
        """
        if not 0 <= index < self._pictures.count:
            raise SourceError(
                f"{self.path}: no frame {index}; the file has {self._pictures.count} frames, counted from 0"
            )
        try:
            return Frame(self._pictures.read(index), index, self.clock.time_of(index))
        except (PictureError, OSError) as error:
            raise TruncatedSourceError(f"{self.path}: frame {index} is damaged or gone ({error})") from error

    def fingerprint(self) -> str:
        """Hash of layout and size of the pixel data, their first and last MiB; a change of names keeps it."""
        digest = hashlib.blake2b(f"{self.size} {self._pictures.count} {self._pixels.size}".encode(), digest_size=16)
        video = EmbeddedVideo(self._pixels, "")
        with video.open() as file:
            digest.update(file.read(1 << 20))
            file.seek(max(0, self._pixels.size - (1 << 20)))
            digest.update(file.read(1 << 20))
        return digest.hexdigest()

    def close(self) -> None:
        """Nothing to release."""
