"""What is read of a DICOM data set: an allow-list of attributes that describe pictures and their clock.

Nothing else is kept. Names, identifiers, dates and free text of a data set never reach a message, a log, a workspace or
an export, because they are passed over while the file is read: sequences, private groups and every attribute that the
table below does not name. A value of the table counts only if it is of the form that its kind allows, a number, a code
word or a UID, so that a name in the wrong place is dropped as well (PS3.6 has the tags, PS3.3 C.7.6 and C.7.6.6 what
they mean).
"""

from __future__ import annotations

import logging
import re
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from io import BufferedReader
from pathlib import Path
from typing import Any

from sam2s.errors import SourceError, missing_extra

ATTRIBUTES: dict[int, tuple[str, str]] = {
    0x00020010: ("TransferSyntaxUID", "UI"),
    0x00080016: ("SOPClassUID", "UI"),
    0x00080018: ("SOPInstanceUID", "UI"),
    0x00082144: ("RecommendedDisplayFrameRate", "IS"),
    0x00180040: ("CineRate", "IS"),
    0x00181063: ("FrameTime", "DS"),
    0x00181065: ("FrameTimeVector", "DS"),
    0x0020000D: ("StudyInstanceUID", "UI"),
    0x0020000E: ("SeriesInstanceUID", "UI"),
    0x00200052: ("FrameOfReferenceUID", "UI"),
    0x00280002: ("SamplesPerPixel", "US"),
    0x00280004: ("PhotometricInterpretation", "CS"),
    0x00280006: ("PlanarConfiguration", "US"),
    0x00280008: ("NumberOfFrames", "IS"),
    0x00280009: ("FrameIncrementPointer", "AT"),
    0x00280010: ("Rows", "US"),
    0x00280011: ("Columns", "US"),
    0x00280034: ("PixelAspectRatio", "IS"),
    0x00280100: ("BitsAllocated", "US"),
    0x00280101: ("BitsStored", "US"),
    0x00280102: ("HighBit", "US"),
    0x00280103: ("PixelRepresentation", "US"),
    0x00280301: ("BurnedInAnnotation", "CS"),
    0x00281101: ("RedPaletteColorLookupTableDescriptor", "US"),
    0x00281102: ("GreenPaletteColorLookupTableDescriptor", "US"),
    0x00281103: ("BluePaletteColorLookupTableDescriptor", "US"),
    0x00281201: ("RedPaletteColorLookupTableData", "OW"),
    0x00281202: ("GreenPaletteColorLookupTableData", "OW"),
    0x00281203: ("BluePaletteColorLookupTableData", "OW"),
    **{0x60000010 + (group << 17): (f"OverlayRows{group}", "US") for group in range(16)},
}
"""Name and kind of each attribute that is read, by tag; sixteen groups 60xx may hold overlays."""

PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
"""Float, double and other pixel data: where reading stops."""

DICOM_SUFFIXES = (".dcm", ".dicom")
"""Endings of DICOM files, where they have one."""

_MAGIC = b"DICM"
_MOST_BYTES = 64 << 20  # of a header, overlays included
_QUIET = threading.Lock()
_FORMS = {
    "UI": re.compile(r"[0-9.]{1,64}"),
    "CS": re.compile(r"[A-Z0-9_ ]{1,16}"),
    "IS": re.compile(r"[+-]?[0-9]{1,12}"),
    "DS": re.compile(r"[+-]?(?:[0-9]{1,16}\.?[0-9]{0,16}|\.[0-9]{1,16})(?:[eE][+-]?[0-9]{1,2})?"),
}
# The forms of code words let through what a name looks like, so the words are listed.
_WORDS = {
    "BurnedInAnnotation": ("YES", "NO"),
    "PhotometricInterpretation": (
        "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422",
        "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "XYB",
    ),
}  # fmt: skip


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do: "DICM" behind 128 bytes of any kind."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == _MAGIC
    except OSError:
        return False


class _BoundedReader:
    """A file that refuses to be read further than a header may be long, before memory is taken for it."""

    def __init__(self, file: BufferedReader, path: Path) -> None:
        self.name = ""  # pydicom's messages would name the file
        self._file, self._path, self._left = file, path, _MOST_BYTES
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes."""
        if size < 0 or size > self._left:
            raise SourceError(
                f"{self._path}: what stands before its pixel data is longer than {_MOST_BYTES >> 20} MiB; it is "
                "damaged, or no recording"
            )
        self._left -= size
        return self._file.read(size)


def read_attributes(path: Path) -> tuple[dict[str, Any], int]:
    """Read the attributes of the allow-list, and where the element with the pixel data begins.

    Returns:
        Values by name: whole numbers for US, IS and AT, Fractions for DS (lists of them where there are several), text
        for CS and UI, bytes for OW. What is missing or malformed is left out. Then the place in the file.

    Raises:
        SourceError: the file cannot be read, is not a DICOM file, or is damaged before its pixel data.
        MissingExtraError: pydicom is not installed.
    """
    try:
        from pydicom import filereader
    except ImportError as error:
        raise missing_extra("DICOM files need pydicom", "dicom") from error
    try:
        with path.open("rb") as file, quiet_pydicom():
            if file.read(132)[128:] != _MAGIC:
                raise SourceError(f"{path}: does not begin as a DICOM file does (DICM behind 128 bytes)")
            bounded: Any = _BoundedReader(file, path)
            meta = filereader.read_dataset(
                bounded, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2, specific_tags=[0x00020010]
            )
            values = dict(_values(meta, little=True))
            syntax = values.get("TransferSyntaxUID", "")
            little = syntax != "1.2.840.10008.1.2.2"
            if syntax == "1.2.840.10008.1.2.1.99":
                raise SourceError(
                    f"{path}: is stored as a whole in deflated form, which is not read; convert it: dcmconv +te IN OUT"
                )
            found = filereader.read_dataset(
                bounded,
                syntax == "1.2.840.10008.1.2",
                little,
                stop_when=lambda tag, vr, length: tag >= PIXELS[0],
                specific_tags=list(ATTRIBUTES),
            )
            return values | dict(_values(found, little=little)), file.tell()
    except SourceError:
        raise
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from error
    except Exception as error:  # damaged headers fail in many ways; what pydicom says may quote values
        raise SourceError(f"{path}: its DICOM header is damaged ({type(error).__name__})") from None


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep warnings and log lines of pydicom, which quote values, from everybody; one thread at a time."""
    logger = logging.getLogger("pydicom")
    with _QUIET:
        before = logger.disabled
        logger.disabled = True
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            logger.disabled = before


def _values(dataset: Any, *, little: bool) -> Iterator[tuple[str, Any]]:
    for tag, (name, kind) in ATTRIBUTES.items():
        if tag not in dataset:
            continue
        raw = getattr(dataset.get_item(tag), "value", None)
        if not isinstance(raw, bytes) or not raw:
            continue
        value = _value(raw, name, kind, little)
        if value is not None:
            yield name, value


def _value(raw: bytes, name: str, kind: str, little: bool) -> Any:
    """Value of an element by its kind, or None where it is not of the form."""
    order = "<" if little else ">"
    if kind == "OW":
        return raw
    if kind == "US":
        numbers = list(struct.unpack(f"{order}{len(raw) // 2}H", raw[: len(raw) // 2 * 2]))
        return numbers if name.endswith("Descriptor") else next(iter(numbers), None)
    if kind == "AT":
        return [group << 16 | element for group, element in struct.iter_unpack(f"{order}HH", raw[: len(raw) // 4 * 4])]
    parts = [part.strip(" \0") for part in raw.decode("latin-1").split("\\")]
    if not all(_FORMS[kind].fullmatch(part) for part in parts):
        return None
    if kind == "CS":
        return parts[0] if parts[0] in _WORDS[name] else None
    if kind == "UI":
        return parts[0]
    numbers = [Fraction(part) if kind == "DS" else int(part) for part in parts]
    return numbers if name in ("FrameTimeVector", "PixelAspectRatio") else numbers[0]


def stated_pixel_aspect(attributes: dict[str, Any]) -> Fraction:
    """Width of a pixel by its height; the attribute gives height and width."""
    sides = attributes.get("PixelAspectRatio", [])
    if len(sides) != 2 or min(sides) < 1 or 8 * min(sides) < max(sides):
        return Fraction(1)
    return Fraction(sides[1], sides[0])
