"""DICOM files that hold recordings (extra `dicom`)."""

from sam2s.video.dicom.attributes import DICOM_SUFFIXES, is_dicom, quiet_pydicom, read_attributes
from sam2s.video.dicom.pictures import DicomPictures
from sam2s.video.dicom.pictures_source import DicomPicturesSource
from sam2s.video.dicom.reference import DicomReference, reference_to
from sam2s.video.dicom.source import open_dicom, open_samples
from sam2s.video.dicom.video_source import DicomVideoSource

__all__ = [
    "DICOM_SUFFIXES",
    "DicomPictures",
    "DicomPicturesSource",
    "DicomReference",
    "DicomVideoSource",
    "is_dicom",
    "open_dicom",
    "open_samples",
    "quiet_pydicom",
    "read_attributes",
    "reference_to",
]
