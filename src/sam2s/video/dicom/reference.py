"""What another DICOM object needs to refer to a recording: UIDs, and how it was compressed. No name, no date."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from sam2s.video.dicom.pictures_source import DicomPicturesSource
from sam2s.video.dicom.video_source import DicomVideoSource

_SYNTAX = "1.2.840.10008.1.2.4."
# PS3.3, C.7.6.1.1.5.1.
_METHODS = {
    "50": "ISO_10918_1", "51": "ISO_10918_1", "81": "ISO_14495_1", "91": "ISO_15444_1", "203": "ISO_15444_15",
    "100": "ISO_13818_2", "101": "ISO_13818_2",
    "102": "ISO_14496_10", "103": "ISO_14496_10", "104": "ISO_14496_10", "105": "ISO_14496_10", "106": "ISO_14496_10",
    "107": "ISO_23008_2", "108": "ISO_23008_2",
}  # fmt: skip


@dataclass(frozen=True)
class DicomReference:
    """A recording, as others refer to it.

    Attributes:
        class_uid: its SOP class.
        instance_uid: the file.
        study_uid: and `series_uid`: where an archive keeps it.
        burned_in: whether its data set says that text is burned in; None where it says nothing.
        method: how it was compressed with loss, as a code of the standard, or None where nothing was lost.
        ratio: how many times smaller it became, or None where nothing was lost.
    """

    class_uid: str
    instance_uid: str
    study_uid: str
    series_uid: str
    burned_in: bool | None = None
    method: str | None = None
    ratio: Fraction | None = None


def reference_to(source: object) -> DicomReference | None:
    """Reference to the recording that a source reads, or None where it is not a DICOM file or lacks a UID."""
    recording = getattr(source, "recording", None)
    if not isinstance(recording, (DicomVideoSource, DicomPicturesSource)):
        return None
    attributes = recording.attributes
    names = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    if any(name not in attributes for name in names):
        return None
    number = attributes["TransferSyntaxUID"].removeprefix(_SYNTAX).partition(".")[0]
    method = _METHODS.get(number) if attributes["TransferSyntaxUID"].startswith(_SYNTAX) else None
    ratio = None
    if method is not None:
        pixels = recording.size[0] * recording.size[1] * 3 * recording.count()
        ratio = Fraction(max(1, round(100 * pixels / max(1, recording.stored_bytes))), 100)
    burned_in = {"YES": True, "NO": False}.get(attributes.get("BurnedInAnnotation", ""))
    kind, instance, study, series = (attributes[name] for name in names)
    return DicomReference(kind, instance, study, series, burned_in, method, ratio)
