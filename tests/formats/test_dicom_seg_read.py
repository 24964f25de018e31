"""Segmentations of our own, of highdicom, and of writers that say less, as objects of a workspace."""

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless, generate_uid

from dicom_tools import ULTRASOUND, name_persons, pictures_file, plain_segmentation, segment_masks, video_file
from result_tools import SIZE, wandering
from sam2s.errors import DatasetError
from sam2s.formats.dicom_seg_read import read_dicom_seg
from sam2s.formats.export import write_exports
from sam2s.formats.imports import import_masks
from sam2s.masks import rle
from sam2s.video import open_source
from sam2s.workspace import VideoIdentity, Workspace

COUNT, ROWS, COLUMNS = 4, 64, 96
VIDEO = VideoIdentity("case", "f", (ROWS, COLUMNS), None, None, COUNT)


def functional_groups(recording):
    """Give a recording positions in space, without which highdicom writes no segmentation of many frames."""
    shared = Dataset()
    shared.PixelMeasuresSequence = highdicom.PixelMeasuresSequence((1.0, 1.0), 1.0)
    shared.PlaneOrientationSequence = highdicom.PlaneOrientationSequence("PATIENT", (1.0, 0, 0, 0, 1.0, 0))
    recording.SharedFunctionalGroupsSequence = [shared]
    recording.PerFrameFunctionalGroupsSequence = []
    for frame in range(COUNT):
        group = Dataset()
        group.PlanePositionSequence = highdicom.PlanePositionSequence("PATIENT", (0.0, 0.0, float(frame)))
        recording.PerFrameFunctionalGroupsSequence.append(group)
    recording.FrameOfReferenceUID = generate_uid()
    for name in ("StudyDate", "StudyTime", "AccessionNumber", "StudyID", "ReferringPhysicianName", "PatientSex"):
        setattr(recording, name, "")


def by_highdicom(tmp_path, kind, syntax, values=None):
    """Path of a segmentation that highdicom wrote, and of its recording."""
    path = pictures_file(tmp_path / "case.dcm", kind=ULTRASOUND, count=COUNT)
    recording = pydicom.dcmread(path)
    functional_groups(recording)
    segments = [
        highdicom.seg.SegmentDescription(
            number, name, codes.cid7150.PhysicalObject, codes.cid7151.Needle, "MANUAL",
            tracking_id=f"{name}, left", tracking_uid=generate_uid(),
        )
        for number, name in ((1, "needle"), (2, "clip"))
    ]  # fmt: skip
    made = highdicom.seg.Segmentation(
        [recording], segment_masks().astype(np.uint8) if values is None else values, kind, segments, generate_uid(), 1,
        generate_uid(), 1, "maker", "model", "1", "1", transfer_syntax_uid=syntax, omit_empty_frames=False,
    )  # fmt: skip
    made.save_as(tmp_path / "seg.dcm")
    return tmp_path / "seg.dcm", path


@pytest.mark.parametrize(
    ("kind", "syntax"),
    [
        ("BINARY", ExplicitVRLittleEndian),
        ("FRACTIONAL", ExplicitVRLittleEndian),
        ("FRACTIONAL", RLELossless),
        ("LABELMAP", ExplicitVRLittleEndian),
        ("LABELMAP", JPEGLSLossless),
    ],
)
def test_what_highdicom_writes_is_read(tmp_path, kind, syntax):
    path, recording = by_highdicom(tmp_path, kind, syntax)
    with Workspace.create(tmp_path / "w", VideoIdentity.of(open_source(recording))) as workspace:
        report = import_masks(workspace, path)
        assert (report.form, report.frames) == ("dicom-seg", COUNT)
        assert report.objects == {"needle, left": 1, "clip, left": 2}
        assert [info.name for info in workspace.objects()] == ["needle", "clip"]
        for frame, masks in enumerate(segment_masks()):
            there = workspace.read_frame(frame).objects
            for number in (1, 2):
                found = there[number].mask if number in there else np.zeros((ROWS, COLUMNS), bool)
                assert np.array_equal(found, masks[..., number - 1])


def test_probabilities_are_cut_in_the_middle_and_become_the_score(tmp_path):
    values = np.where(segment_masks(), 0.8, 0.4)
    path, _ = by_highdicom(tmp_path, "FRACTIONAL", ExplicitVRLittleEndian, values)
    shapes = list(read_dicom_seg(path, VIDEO))
    assert len(shapes) == 2 * COUNT
    for shape in shapes:
        mask = segment_masks()[shape.frame, ..., 0 if shape.key.startswith("needle") else 1]
        assert np.array_equal(rle.decode(shape.rle), mask)
        assert shape.score == pytest.approx(0.8 if mask.any() else 1.0, abs=0.005)


@pytest.mark.parametrize("make", [video_file, pictures_file])
def test_ours_come_back_by_frame_name_and_number(store, tmp_path, make):
    source = open_source(make(tmp_path / "case.dcm"))
    path = write_exports(store, source, ["dicom-seg"])["dicom-seg"]
    video = VideoIdentity("case", "f", SIZE, None, str(tmp_path / "case.dcm"), 20)
    with Workspace.create(tmp_path / "back", video) as workspace:
        report = import_masks(workspace, path)
        assert report.objects == {"1": 1, "2": 2}
        assert [info.name for info in workspace.objects()] == ["grasper", "hook"]
        expected = {(i, n) for i in (0, 1, 2, 4, 6) for n in (1, 2) if wandering(i, n).any()}
        found = {(record.index, n): entry for record in workspace.frames() for n, entry in record.objects.items()}
        assert found.keys() == expected
        assert all(np.array_equal(entry.mask, wandering(*key)) for key, entry in found.items())


def written(tmp_path, **values):
    return plain_segmentation(tmp_path / "plain.dcm", segment_masks(), **values)


def test_places_in_time_and_bare_order_tell_frames_too(tmp_path):
    order = [(shape.key, shape.frame) for shape in read_dicom_seg(written(tmp_path), VIDEO)]
    assert order == [(key, frame) for key in ("1", "2") for frame in range(COUNT)]
    path = written(tmp_path, frames=[1, 11, 21, 31])
    long = VideoIdentity("case", "f", (ROWS, COLUMNS), None, None, 40)
    shapes = list(read_dicom_seg(path, long))
    assert {shape.frame for shape in shapes} == {0, 10, 20, 30}
    assert {shape.name for shape in shapes} == {"segment 1", "segment 2"}
    assert np.array_equal(rle.decode(shapes[1].rle), segment_masks()[1, ..., 0])


def refer(*frames, uid="1.2.3", **values):
    """A change that makes each mask derived from these frames of a recording."""

    def change(made):
        for group in made.PerFrameFunctionalGroupsSequence:
            image, derivation = Dataset(), Dataset()
            image.ReferencedSOPInstanceUID = uid
            if frames:
                image.ReferencedFrameNumber = list(frames)
            for name, value in values.items():
                setattr(image, name, value)
            derivation.SourceImageSequence = [image]
            group.DerivationImageSequence = [derivation]

    return change


def slices(made):
    refer()(made)
    for place, group in enumerate(made.PerFrameFunctionalGroupsSequence):
        group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = f"1.2.{place}"


def without(name):
    return lambda made: delattr(made, name)


def put(name, value):
    return lambda made: setattr(made, name, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("SOPClassUID", "1.2.840.10008.5.1.4.1.1.481.3"), "481.3, which is no segmentation; allowed are Segment"),
        (put("SegmentationType", "SURFACE"), "SegmentationType is 'SURFACE'; allowed are BINARY, FRACTIONAL and LABEL"),
        (put("Rows", 32), "its masks have 96x32 pixels, frames of case have 96x64; masks are not scaled"),
        (put("NumberOfFrames", 9), "says that it holds 9 masks, and describes 8"),
        (put("PixelData", bytes(64 * 96 * 5)), "describes 8 masks, and its pixels hold 5"),
        (without("SegmentSequence"), "describes no segment"),
        (lambda made: made.SegmentSequence.pop(), "has masks of segment 2, which it does not describe"),
        (refer(3), "segment 1 has two masks on frame 2 of the video"),
        (refer(3, 4), "has a mask that was derived from 2 frames; masks of one frame are read"),
        (refer(0), "has the ReferencedFrameNumber 0; they are counted from 1"),
        (refer(1, SpatialLocationsPreserved="NO"), r"lie elsewhere .* \(SpatialLocationsPreserved is NO\)"),
        (slices, "its masks refer to 8 objects: single images, slices or several recordings"),
        (put("PixelData", None), "holds no pixel data|pixels hold 0|no whole frame"),
    ],
)
def test_refusals_name_the_reason(tmp_path, change, message):
    path = written(tmp_path, change=change)
    with pytest.raises(DatasetError, match=message) as caught:
        list(read_dicom_seg(path, VIDEO))
    assert str(path) in str(caught.value)


def test_other_recordings_frames_that_nothing_tells_and_values_without_a_segment(tmp_path):
    recording = pictures_file(tmp_path / "case.dcm", count=COUNT)
    other = VideoIdentity("case", "f", (ROWS, COLUMNS), None, str(recording), COUNT)
    with pytest.raises(DatasetError, match=r"its masks refer to 1\.2\.3, and case is 1\..*: they are of another rec"):
        list(read_dicom_seg(written(tmp_path, change=refer(1)), other))
    longer = VideoIdentity("case", "f", (ROWS, COLUMNS), None, None, 5)
    with pytest.raises(DatasetError, match=r"nothing tells which frames of case its masks belong to: .* each of 5 fra"):
        list(read_dicom_seg(written(tmp_path), longer))
    masks = np.full((8, ROWS, COLUMNS), 7)
    path = written(tmp_path, kind="LABELMAP", pixels=masks)
    eight = VideoIdentity("case", "f", (ROWS, COLUMNS), None, None, 8)
    with pytest.raises(DatasetError, match="has pixels of segment 7, which it does not describe"):
        list(read_dicom_seg(path, eight))


def test_nothing_that_names_a_person_is_in_a_message(tmp_path):
    texts = set()

    def change(made):
        texts.update(name_persons(made))
        made.PerFrameFunctionalGroupsSequence.pop()

    with pytest.raises(DatasetError) as caught:
        list(read_dicom_seg(written(tmp_path, change=change), VIDEO))
    assert not any(text in str(caught.value) for text in texts)
    assert "describes 7" in str(caught.value)
