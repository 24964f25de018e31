"""DICOM recordings: video endoscopy, microscopy, photography, ultrasound, secondary capture, fluoroscopy."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path
from typing import Any

from sam2s.errors import SourceError
from sam2s.limits import check_pixels
from sam2s.video.dicom.attributes import read_attributes
from sam2s.video.dicom.notes import note_annotations
from sam2s.video.dicom.pictures import DicomPictures, PixelLayout
from sam2s.video.dicom.pictures_source import DicomPicturesSource
from sam2s.video.dicom.pixel_data import PixelData, locate_pixel_data
from sam2s.video.dicom.video_source import DicomVideoSource
from sam2s.video.frame import VideoSource

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
    codec = video_codec(_syntax(path, attributes))
    _check_class(path, attributes, video=codec is not None)
    pixels = _locate(path, attributes, place)
    note_annotations(path, attributes)
    if codec is None:
        return DicomPicturesSource(pixels, attributes, fps=fps)
    if attributes["TransferSyntaxUID"].startswith(_STEREO):
        log.warning("%s: is a stereo recording; what a plain decoder of it shows is read", path)
    return DicomVideoSource(pixels, attributes, codec, square_pixels=square_pixels)


def open_samples(path: Path, classes: tuple[str, ...]) -> tuple[dict[str, Any], DicomPictures]:
    """Open the pictures of an object that is not a recording, as they are stored.

    Args:
        path: the file.
        classes: which SOP classes it may have.

    Returns:
        Attributes by name, and the pictures; see `DicomPictures.read_samples`.

    Raises:
        SourceError: it is damaged, of another class, or of a form that is not read.
        LimitError: its pictures have more pixels than the limit.
        MissingExtraError: pydicom is not installed.
    """
    attributes, place = read_attributes(path)
    if attributes.get("SOPClassUID") not in classes:
        raise SourceError(f"{path}: is a DICOM object of the class {attributes.get('SOPClassUID', 'unknown')}")
    syntax = _syntax(path, attributes)
    pixels = _locate(path, attributes, place)
    layout = PixelLayout.of(attributes, str(path))
    check_pixels(*layout.size, str(path))
    if layout.allocated == 1 and pixels.encapsulated:
        raise SourceError(f"{path}: is of single bits and compressed ({syntax}), which is not read; decompress it")
    return attributes, DicomPictures(pixels, layout, syntax, attributes)


def _syntax(path: Path, attributes: dict[str, Any]) -> str:
    syntax = attributes.get("TransferSyntaxUID")
    if syntax is None:
        raise SourceError(f"{path}: does not say its transfer syntax, so that its pixels cannot be read")
    return str(syntax)


def _locate(path: Path, attributes: dict[str, Any], place: int) -> PixelData:
    syntax = _syntax(path, attributes)
    return locate_pixel_data(
        path,
        place,
        implicit=syntax == _NATIVE[0],
        little=syntax != _NATIVE[2],
        encapsulated=syntax not in _NATIVE,
    )


def _check_class(path: Path, attributes: dict[str, Any], *, video: bool) -> None:
    kind = attributes.get("SOPClassUID")
    if kind in CLASSES or (kind is None and video):
        return
    raise SourceError(
        f"{path}: is a DICOM object of the class {kind or 'unknown'}, which is not a recording: a slice or a volume of "
        f"another device; allowed are {', '.join(CLASSES.values())}"
    )
