"""DICOM files that hold recordings (extra `dicom`)."""

from sam2s.video.dicom.attributes import DICOM_SUFFIXES, is_dicom
from sam2s.video.dicom.pictures_source import DicomPicturesSource
from sam2s.video.dicom.reference import DicomReference, reference_to
from sam2s.video.dicom.source import open_dicom
from sam2s.video.dicom.video_source import DicomVideoSource

__all__ = [
    "DICOM_SUFFIXES",
    "DicomPicturesSource",
    "DicomReference",
    "DicomVideoSource",
    "is_dicom",
    "open_dicom",
    "reference_to",
]
