"""DICOM recordings as video sources: video endoscopy, microscopy, photography, ultrasound, secondary capture."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from sam2s.errors import PictureError, SourceError, TruncatedSourceError
from sam2s.limits import check_pixels
from sam2s.video.dicom.attributes import read_attributes
from sam2s.video.dicom.pictures import DicomPictures, PixelLayout
from sam2s.video.dicom.pixel_data import EmbeddedVideo, PixelData, locate_pixel_data, sniff_container
from sam2s.video.dicom.timing import FrameClock, frame_clock
from sam2s.video.file import FileSource
from sam2s.video.frame import Frame, VideoSource, check_range

log = logging.getLogger(__name__)

_STORAGE = "1.2.840.10008.5.1.4.1.1."
CLASSES = {
    _STORAGE + "77.1.1": "VL Endoscopic",
    _STORAGE + "77.1.1.1": "Video Endoscopic",
    _STORAGE + "77.1.2": "VL Microscopic",
    _STORAGE + "77.1.2.1": "Video Microscopic",
    _STORAGE + "77.1.4": "VL Photographic",
    _STORAGE + "77.1.4.1": "Video Photographic",
    _STORAGE + "3": "Ultrasound Multi-frame (retired)",
    _STORAGE + "3.1": "Ultrasound Multi-frame",
    _STORAGE + "6.1": "Ultrasound",
    _STORAGE + "7": "Secondary Capture",
    _STORAGE + "7.1": "Multi-frame Single Bit Secondary Capture",
    _STORAGE + "7.2": "Multi-frame Grayscale Byte Secondary Capture",
    _STORAGE + "7.3": "Multi-frame Grayscale Word Secondary Capture",
    _STORAGE + "7.4": "Multi-frame True Color Secondary Capture",
    _STORAGE + "12.1": "X-Ray Angiographic",
    _STORAGE + "12.2": "X-Ray Radiofluoroscopic",
}
"""Kinds of objects that are recordings, by SOP class."""

_SYNTAX = "1.2.840.10008.1.2.4."
_CODECS = {
    **{_SYNTAX + number: "mpegvideo" for number in ("100", "101")},
    **{_SYNTAX + number: "h264" for number in ("102", "103", "104", "105", "106")},
    **{_SYNTAX + number: "hevc" for number in ("107", "108")},
}
_NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
_STEREO = (_SYNTAX + "105", _SYNTAX + "106")


def video_codec(syntax: str) -> str | None:
    """FFmpeg's name of the codec of a video transfer syntax, its fragmentable variant included; None for others."""
    base, _, variant = syntax.removeprefix(_SYNTAX).partition(".")
    return _CODECS.get(_SYNTAX + base) if variant in ("", "1") and syntax.startswith(_SYNTAX) else None


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
        self.pixel_aspect = self._file.pixel_aspect
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
            _note_count(self.path, attributes, self.length)

    @property
    def length(self) -> int | None:
        """Number of frames, or None if the container does not tell."""
        return self._file.length

    def count(self) -> int:
        """Exact number of frames; reads through the stream, without decoding, where it has no table."""
        return self._file.count()

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[Frame]:
        """Yield frames start, start + step, ... below stop, each decoded when it is asked for.

        Raises:
            TruncatedSourceError: after the last good frame of a damaged file, or one that was cut off.
        """
        check_range(start, stop, step)
        for frame in self._file.frames(start, stop, step):
            yield self._timed(frame)
        if self._pixels.cut and stop is None:
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
        self.pixel_aspect = _pixel_aspect(attributes)
        self.clock = frame_clock(attributes)
        if self.clock.fps is None:
            self.clock = FrameClock(fps)
        self.fps: Fraction | None = self.clock.fps
        self._pictures.read(0)
        _note_count(self.path, attributes, self._pictures.count)

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


def open_dicom(path: Path, *, fps: Fraction | None = None, square_pixels: bool = False) -> VideoSource:
    """Open a DICOM file that holds a recording.

    Args:
        path: the file.
        fps: frames a second where neither data set nor stream says it.
        square_pixels: for video whose pixels are not square; see `FileSource`.

    Raises:
        SourceError: it is damaged, or no recording.
        LimitError: its frames have more pixels than the limit.
        MissingExtraError: pydicom is not installed.
    """
    attributes, place = read_attributes(path)
    syntax = attributes.get("TransferSyntaxUID")
    if syntax is None:
        raise SourceError(f"{path}: does not say its transfer syntax, so that its pixels cannot be read")
    codec = video_codec(syntax)
    _check_class(path, attributes, video=codec is not None)
    pixels = locate_pixel_data(
        path,
        place,
        implicit=syntax == _NATIVE[0],
        little=syntax != _NATIVE[2],
        encapsulated=syntax not in _NATIVE,
    )
    _note_annotations(path, attributes)
    if codec is None:
        return DicomPicturesSource(pixels, attributes, fps=fps)
    if any(syntax.startswith(stereo) for stereo in _STEREO):
        log.warning("%s: is a stereo recording; what a plain decoder of it shows is read", path)
    return DicomVideoSource(pixels, attributes, codec, square_pixels=square_pixels)


def _check_class(path: Path, attributes: dict[str, Any], *, video: bool) -> None:
    kind = attributes.get("SOPClassUID")
    if kind in CLASSES or (kind is None and video):
        return
    raise SourceError(
        f"{path}: is a DICOM object of the class {kind or 'unknown'}, which is no recording: a slice or a volume of "
        f"another device; allowed are {', '.join(CLASSES.values())}"
    )


def _note_annotations(path: Path, attributes: dict[str, Any]) -> None:
    if attributes.get("BurnedInAnnotation") == "YES":
        log.warning(
            "%s: says that text is burned into its pictures (BurnedInAnnotation YES); it stays visible in overlays and "
            "other exports of pictures, and may name a person",
            path,
        )
    if overlays := sum(name.startswith("OverlayRows") for name in attributes):
        log.warning("%s: has %d overlay planes (group 60xx), which are not drawn into the frames", path, overlays)


def _note_count(path: Path, attributes: dict[str, Any], count: int) -> None:
    declared = attributes.get("NumberOfFrames", 1)
    if declared != count:
        log.warning("%s: says it holds %d frames, and holds %d, which are read", path, declared, count)


def _pixel_aspect(attributes: dict[str, Any]) -> Fraction:
    """Width of a pixel by its height; the attribute gives height and width."""
    sides = attributes.get("PixelAspectRatio", [])
    if len(sides) != 2 or min(sides) < 1 or 8 * min(sides) < max(sides):
        return Fraction(1)
    return Fraction(sides[1], sides[0])
