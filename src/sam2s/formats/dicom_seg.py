"""DICOM SEG: masks as a binary segmentation that refers to the frames of the recording.

PS3.3 A.51 lets a segmentation do without a frame of reference, which recordings do not have, where every frame says
which frame of which object it was derived from (Derivation Image Macro, C.7.6.16.2.6): pixels then lie where those of
that frame lie. highdicom 0.28 reads such objects and does not write them ("Only a single frame is supported when the
source image has no Frame of Reference UID"), so that they are put together here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from sam2s.errors import OutputError
from sam2s.files import replacing
from sam2s.formats.coco import Read
from sam2s.formats.dicom_codes import segment_codes
from sam2s.formats.dicom_objects import MOST_BYTES, coded, new_object, object_file, referenced_instance
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.quality_text import QualitySummary, quality_text
from sam2s.masks import rle
from sam2s.masks.palette import display_color
from sam2s.tracking.mask_quality import MaskQuality
from sam2s.video.dicom import DicomReference

if TYPE_CHECKING:
    from pydicom import Dataset

_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"
_SYNTAX = "1.2.840.10008.1.2.1"
MOST_FRAMES = 30_000
"""Masks in one object: each is described by nested data sets, all of which are in memory while it is written."""
MOST_TEXT = 1024
"""Characters of a value of the kind ST."""
_OTHERS = "--to dicom-sc writes overlays, and coco, jsonl or davis hold every mask"


def write_dicom_seg(read: Read, info: ExportInfo, reference: DicomReference | None, path: Path) -> None:
    """Write one file with a segment for each object and a frame for each mask that has a pixel.

    Segments are numbered from 1 in the order of the objects' ids; TrackingID is the id. Where masks were judged, each
    frame's comments say what to believe of it, and each segment's description what to believe of all.

    Args:
        read: goes over the frames in order; called twice.
        info: what the export says of the video and its objects.
        reference: to the recording.
        path: replaced when it exists.

    Raises:
        OutputError: the video is not a DICOM file, there is no mask, or there are more than one object can hold.
        MissingExtraError: pydicom is not installed.
    """
    if reference is None:
        raise OutputError(
            f"DICOM SEG refers to frames of a DICOM recording, and {info.source} is none, or not at hand (--video); "
            f"{_OTHERS}"
        )
    masks: list[tuple[int, int, MaskQuality | None]] = []
    summaries: dict[int, QualitySummary] = {}
    for record in read():
        for object_id, entry in sorted(record.objects.items()):
            if entry.quality is not None:
                summaries.setdefault(object_id, QualitySummary()).add(record.index, entry.quality)
            if rle.area(entry.rle):
                masks.append((record.index, object_id, entry.quality))
    size = (len(masks) * info.size[0] * info.size[1] + 7) // 8
    if not masks:
        raise OutputError(f"DICOM SEG needs a mask, and all of {info.source} are empty; {_OTHERS}")
    if size > MOST_BYTES or len(masks) > MOST_FRAMES:
        raise OutputError(
            f"{len(masks)} masks of {info.size[1]}x{info.size[0]} are {size} bytes; one DICOM SEG holds up to "
            f"{MOST_FRAMES} masks and {MOST_BYTES} bytes: export fewer objects (--objects); {_OTHERS}"
        )
    numbers = {object_id: number for number, object_id in enumerate(sorted({i for _, i, _ in masks}), 1)}
    made = _segmentation(info, reference)
    made.SegmentSequence = [_segment(number, i, info, summaries.get(i)) for i, number in numbers.items()]
    made.NumberOfFrames = len(masks)
    made.PerFrameFunctionalGroupsSequence = [
        _frame_groups(index, numbers[object_id], reference, quality) for index, object_id, quality in masks
    ]
    with replacing(path) as partial, object_file(made, partial, size) as file:
        _write_bits(read, file)


def _segmentation(info: ExportInfo, reference: DicomReference) -> Dataset:
    """The object without its segments and what belongs to single frames."""
    from pydicom import Dataset
    from pydicom.uid import generate_uid

    made = new_object(_CLASS, "SEG", _SYNTAX, info, reference)
    made.ImageType = ["DERIVED", "PRIMARY"]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 1
    made.HighBit = 0
    made.SegmentationType, made.SegmentsOverlap = "BINARY", "UNDEFINED"
    made.ContentLabel, made.ContentDescription = "MASKS", "Masks of tracked objects"
    made.ContentCreatorName = ""
    made.LossyImageCompression = "01" if reference.method else "00"
    if reference.method and reference.ratio:
        made.LossyImageCompressionMethod = reference.method
        made.LossyImageCompressionRatio = f"{float(reference.ratio):.2f}"
    series = Dataset()
    series.SeriesInstanceUID = reference.series_uid
    series.ReferencedInstanceSequence = [referenced_instance(reference)]
    made.ReferencedSeriesSequence = [series]
    organization = Dataset()
    organization.DimensionOrganizationUID = generate_uid()
    made.DimensionOrganizationSequence = [organization]
    made.DimensionIndexSequence = []
    # The segment, and the place of the frame in time.
    for pointer, group in ((0x0062000B, 0x0062000A), (0x00209128, 0x00209111)):
        index = Dataset()
        index.DimensionOrganizationUID = organization.DimensionOrganizationUID
        index.DimensionIndexPointer, index.FunctionalGroupPointer = pointer, group
        made.DimensionIndexSequence.append(index)
    made.SharedFunctionalGroupsSequence = [Dataset()]
    return made


def _segment(number: int, object_id: int, info: ExportInfo, summary: QualitySummary | None) -> Dataset:
    """Description of a segment."""
    from pydicom import Dataset
    from pydicom.uid import generate_uid

    name = info.name(object_id)[:64].replace("\\", "/")
    codes = segment_codes(name)
    kind = coded(*codes.kind)
    if codes.modifier is not None:
        kind.SegmentedPropertyTypeModifierCodeSequence = [coded(*codes.modifier)]
    item = Dataset()
    item.SegmentNumber, item.SegmentLabel = number, name
    if summary is not None:
        item.SegmentDescription = summary.text()[:MOST_TEXT]
    item.SegmentAlgorithmType, item.SegmentAlgorithmName = "SEMIAUTOMATIC", "SAM2S"
    item.SegmentedPropertyCategoryCodeSequence = [coded(*codes.category)]
    item.SegmentedPropertyTypeCodeSequence = [kind]
    item.RecommendedDisplayCIELabValue = _cielab(display_color(object_id))
    item.TrackingID, item.TrackingUID = str(object_id), generate_uid()
    return item


def _frame_groups(index: int, segment: int, reference: DicomReference, quality: MaskQuality | None) -> Dataset:
    """Which segment a frame shows, and from which frame of the recording it comes."""
    from pydicom import Dataset

    item, content, image, derivation, identification = (Dataset() for _ in range(5))
    content.DimensionIndexValues = [segment, index + 1]
    content.TemporalPositionIndex = index + 1
    if quality is not None:
        content.FrameComments = quality_text(quality)
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = reference.class_uid, reference.instance_uid
    image.ReferencedFrameNumber = index + 1
    image.PurposeOfReferenceCodeSequence = [coded("121322", "DCM", "Source image for image processing operation")]
    image.SpatialLocationsPreserved = "YES"
    derivation.SourceImageSequence = [image]
    derivation.DerivationCodeSequence = [coded("113076", "DCM", "Segmentation")]
    identification.ReferencedSegmentNumber = segment
    item.FrameContentSequence = [content]
    item.DerivationImageSequence = [derivation]
    item.SegmentIdentificationSequence = [identification]
    return item


def _write_bits(read: Read, file: BinaryIO) -> None:
    """Write masks one behind the other; a frame may begin within a byte (PS3.5, 8.1.1)."""
    left = np.zeros(0, bool)
    for mask in _masks(read):
        bits = np.concatenate([left, mask.reshape(-1)])
        whole = len(bits) // 8 * 8
        file.write(np.packbits(bits[:whole], bitorder="little").tobytes())
        left = bits[whole:]
    file.write(np.packbits(left, bitorder="little").tobytes())


def _masks(read: Read) -> Iterator[np.ndarray]:
    for record in read():
        for _, entry in sorted(record.objects.items()):
            if rle.area(entry.rle):
                yield entry.mask


def _cielab(rgb: tuple[int, int, int]) -> list[int]:
    """A colour as three numbers of 16 bits (PS3.3, C.10.7.1.1): CIELab, white point D50."""
    from PIL import Image, ImageCms

    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    convert = ImageCms.buildTransform(*profiles, "RGB", "LAB")
    pixel = ImageCms.applyTransform(Image.new("RGB", (1, 1), rgb), convert)
    assert pixel is not None
    lightness, a, b = np.asarray(pixel).view(np.uint8).reshape(3).tolist()
    return [lightness * 257, ((a + 128) % 256) * 257, ((b + 128) % 256) * 257]
