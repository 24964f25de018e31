import highdicom
import numpy as np
import pydicom
import pytest

from dicom_tools import jpeg_file, pictures_file, video_file
from result_tools import wandering
from sam2s.errors import OutputError
from sam2s.formats import dicom_seg
from sam2s.formats.dicom_seg import write_dicom_seg
from sam2s.formats.export import write_exports
from sam2s.formats.export_info import ExportInfo
from sam2s.masks import rle
from sam2s.tracking.results import ObjectState
from sam2s.video import open_source
from sam2s.video.dicom import DicomReference, reference_to
from sam2s.workspace import FrameRecord, ObjectRecord

INDICES = [0, 1, 2, 4, 6]  # as the workspace has them
REFERENCE = DicomReference("1.2.840.10008.5.1.4.1.1.77.1.1.1", "1.2.3", "1.2.4", "1.2.5")


def record(index, masks):
    """A record of masks by object id."""
    entries = {
        i: ObjectRecord(i, rle.encode(mask), 0.9, 0.9, ObjectState.VISIBLE if mask.any() else ObjectState.ABSENT)
        for i, mask in masks.items()
    }
    return FrameRecord(index, None, entries)


@pytest.mark.parametrize("make", [video_file, pictures_file, jpeg_file])
def test_highdicom_reads_equal_pixels_by_frame_of_the_recording(store, tmp_path, make):
    source = open_source(make(tmp_path / "case.dcm"))
    path = write_exports(store, source, ["dicom-seg"])["dicom-seg"]
    found = highdicom.seg.segread(path)
    recording = pydicom.dcmread(tmp_path / "case.dcm", stop_before_pixels=True)
    pixels = found.get_pixels_by_source_frame(
        recording.SOPInstanceUID, [index + 1 for index in INDICES], segment_numbers=[1, 2]
    )
    for place, index in enumerate(INDICES):
        for number in (1, 2):
            assert np.array_equal(pixels[place, ..., number - 1] > 0, wandering(index, number))
    assert found.NumberOfFrames == sum(wandering(i, n).any() for i in INDICES for n in (1, 2)) == 9
    assert [item.SegmentLabel for item in found.SegmentSequence] == ["grasper", "hook"]
    assert [item.TrackingID for item in found.SegmentSequence] == ["1", "2"]
    assert (found.StudyInstanceUID, found.PatientName, found.PatientID) == (recording.StudyInstanceUID, "", "")
    (series,) = found.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == recording.SeriesInstanceUID
    assert series.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == recording.SOPInstanceUID
    assert found.SeriesInstanceUID != recording.SeriesInstanceUID


def test_frames_that_begin_within_a_byte(tmp_path):
    rng = np.random.default_rng(5)
    size = (5, 7)
    masks = {index: {3: rng.random(size) < 0.5, 8: rng.random(size) < 0.5} for index in (0, 1, 9)}
    records = [record(index, frame) for index, frame in masks.items()]
    write_dicom_seg(lambda: records, ExportInfo("v", size, None), REFERENCE, tmp_path / "s.dcm")
    pixels = pydicom.dcmread(tmp_path / "s.dcm").pixel_array
    expected = [mask for frame in masks.values() for mask in frame.values()]
    assert np.array_equal(pixels.astype(bool), expected)
    found = highdicom.seg.segread(tmp_path / "s.dcm")
    assert [item.TrackingID for item in found.SegmentSequence] == ["3", "8"]
    by_frame = found.get_pixels_by_source_frame("1.2.3", [10], segment_numbers=[2])
    assert np.array_equal(by_frame[0, ..., 0] > 0, masks[9][8])


def test_masks_that_overlap_stay_whole(tmp_path):
    both = np.ones((4, 4), bool)
    write_dicom_seg(
        lambda: [record(0, {1: both, 2: both})], ExportInfo("v", (4, 4), None), REFERENCE, tmp_path / "s.dcm"
    )
    assert pydicom.dcmread(tmp_path / "s.dcm").pixel_array.all()


def test_each_frame_says_where_it_comes_from(tmp_path):
    write_dicom_seg(
        lambda: [record(6, {4: np.ones((2, 4), bool)})], ExportInfo("v", (2, 4), None), REFERENCE, tmp_path / "s.dcm"
    )
    made = pydicom.dcmread(tmp_path / "s.dcm")
    (groups,) = made.PerFrameFunctionalGroupsSequence
    (image,) = groups.DerivationImageSequence[0].SourceImageSequence
    assert (image.ReferencedSOPInstanceUID, image.ReferencedFrameNumber) == ("1.2.3", 7)
    assert list(groups.FrameContentSequence[0].DimensionIndexValues) == [1, 7]
    assert groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 1
    assert (made.LossyImageCompression, made.SegmentationType, made.BitsAllocated) == ("00", "BINARY", 1)
    assert "FrameOfReferenceUID" not in made
    assert made.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "object"


@pytest.mark.parametrize(
    ("make", "method"),
    [(video_file, "ISO_14496_10"), (jpeg_file, "ISO_10918_1"), (pictures_file, None)],
)
def test_loss_of_the_recording_is_passed_on(store, tmp_path, make, method):
    source = open_source(make(tmp_path / "case.dcm"))
    made = pydicom.dcmread(write_exports(store, source, ["dicom-seg"])["dicom-seg"])
    assert made.LossyImageCompression == ("01" if method else "00")
    assert made.get("LossyImageCompressionMethod") == method
    if method:
        pixels = 64 * 96 * 3 * source.count() / source.stored_bytes
        assert float(made.LossyImageCompressionRatio) == pytest.approx(pixels, abs=0.01)


def test_refusals_name_the_reason_and_the_other_ways(store, tmp_path, monkeypatch, info):
    others = "--to dicom-sc writes overlays, and coco, jsonl or davis hold every mask"
    with pytest.raises(OutputError, match=f"refers to frames of a DICOM recording, and clip is none, .*; {others}"):
        write_exports(store, None, ["dicom-seg"])
    empty = [record(0, {1: np.zeros((48, 64), bool)})]
    with pytest.raises(OutputError, match=f"needs a mask, and all of clip are empty; {others}"):
        write_dicom_seg(lambda: empty, info, REFERENCE, tmp_path / "s.dcm")
    monkeypatch.setattr(dicom_seg, "MOST_FRAMES", 8)
    source = open_source(video_file(tmp_path / "case.dcm"))
    with pytest.raises(
        OutputError, match=r"9 masks of 64x48 are 3456 bytes; one DICOM SEG holds up to 8 masks .*--objects"
    ):
        write_exports(store, source, ["dicom-seg"])
    assert write_exports(store, source, ["dicom-seg"], object_ids=[2])["dicom-seg"].exists()


def test_a_recording_without_a_uid_is_no_reference(tmp_path):
    assert reference_to(open_source(video_file(tmp_path / "a.dcm", SeriesInstanceUID=None))) is None
    assert reference_to(None) is None
    found = reference_to(open_source(pictures_file(tmp_path / "b.dcm", BurnedInAnnotation="NO")))
    assert (found.burned_in, found.method, found.ratio) == (False, None, None)
