"""DICOM files that hold recordings (extra `dicom`)."""

from sam2s.video.dicom.attributes import DICOM_SUFFIXES, is_dicom
from sam2s.video.dicom.source import DicomPicturesSource, DicomVideoSource, open_dicom

__all__ = ["DICOM_SUFFIXES", "DicomPicturesSource", "DicomVideoSource", "is_dicom", "open_dicom"]
