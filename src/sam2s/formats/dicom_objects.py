"""What every DICOM object that is written holds: a study to lie in, no patient, and pixel data that stream to the file.

Nobody is named: the attributes of the patient and of the study's people are there, as the standard wants them, and
empty. An archive that receives the object fills them in from the study, whose UID is the recording's own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sam2s import __version__
from sam2s.errors import missing_extra
from sam2s.formats.export_info import ExportInfo
from sam2s.video.dicom import DicomReference

if TYPE_CHECKING:
    from pydicom import Dataset

# Required to be there, and allowed to be empty (type 2).
_EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "ReferringPhysicianName",
    "StudyID", "AccessionNumber", "PatientOrientation",
)  # fmt: skip
_UNDEFINED = 0xFFFFFFFF
MOST_BYTES = _UNDEFINED - 1
"""Bytes of pixel data without compression, whose length has 32 bits."""


def new_object(
    class_uid: str, modality: str, syntax: str, info: ExportInfo, reference: DicomReference | None
) -> Dataset:
    """Make an object of a class, in the study of the recording, in a series of its own.

    Raises:
        MissingExtraError: pydicom is not installed.
    """
    try:
        from pydicom import Dataset, FileMetaDataset
        from pydicom.uid import UID, generate_uid
    except ImportError as error:
        raise missing_extra("DICOM exports need pydicom", "dicom") from error
    now = datetime.now(UTC)
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = UID(syntax)
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = class_uid, generate_uid()
    made.StudyInstanceUID = reference.study_uid if reference else generate_uid()
    made.SeriesInstanceUID = generate_uid()
    made.Modality, made.SeriesNumber, made.InstanceNumber = modality, 1, 1
    made.SeriesDescription = "Masks by SAM2S"
    for name in _EMPTY:
        setattr(made, name, "")
    made.Manufacturer = made.ManufacturerModelName = "SAM2S"
    made.DeviceSerialNumber = "none"
    made.SoftwareVersions = [__version__, *([info.weights[:64]] if info.weights else [])]
    made.ContentDate, made.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    made.Rows, made.Columns = info.size
    made.PixelRepresentation = 0
    return made


def referenced_instance(reference: DicomReference) -> Dataset:
    """Reference to the recording as an item of a sequence."""
    from pydicom import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = reference.class_uid, reference.instance_uid
    return item


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    """A code of a terminology as an item of a sequence."""
    from pydicom import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


@contextmanager
def object_file(made: Dataset, path: Path, pixel_bytes: int | None) -> Iterator[BinaryIO]:
    """Write all of an object but its pixel data, which the block writes behind it.

    Args:
        made: without pixel data; nothing of it stands behind group 7FE0.
        path: of the file.
        pixel_bytes: how many bytes the block writes, without compression; None for frames by `write_fragment`.
    """
    with path.open("wb") as file:
        from pydicom import dcmwrite

        dcmwrite(file, made, enforce_file_format=True)
        if pixel_bytes is not None:
            file.write(struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, pixel_bytes + pixel_bytes % 2))
            yield file
            file.write(b"\0" * (pixel_bytes % 2))
            return
        file.write(struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, _UNDEFINED))
        write_fragment(file, b"")  # no table of offsets
        yield file
        file.write(struct.pack("<HHL", 0xFFFE, 0xE0DD, 0))


def write_fragment(file: Any, data: bytes) -> None:
    """Append a frame of a compressed form."""
    file.write(struct.pack("<HHL", 0xFFFE, 0xE000, len(data) + len(data) % 2) + data + b"\0" * (len(data) % 2))
