import io
from fractions import Fraction

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.pixels import pixel_array

from sam2s.errors import OutputError
from sam2s.formats.dicom_capture import QUALITY, CaptureWriter
from sam2s.formats.export import write_exports
from sam2s.formats.export_info import ExportInfo
from sam2s.formats.overlay_video import write_overlay
from sam2s.video import ArraySource, open_source
from sam2s.video.dicom import DicomReference
from video_tools import numbered

SIZE = (48, 64)
INFO = ExportInfo("clip", SIZE, Fraction(25), {1: "grasper"}, "micro")


def picture(index):
    return numbered(index, SIZE)


def capture(path, times, reference=None):
    writer = CaptureWriter(path, SIZE, Fraction(25), INFO, reference)
    for index, time in enumerate(times):
        writer.write(picture(index), time)
    writer.close()
    writer.close()
    return pydicom.dcmread(path)


def as_jpeg(image):
    """What is left of a picture in the file."""
    Image.fromarray(image).save(buffer := io.BytesIO(), "JPEG", quality=QUALITY, subsampling="4:2:2")
    return np.asarray(Image.open(buffer).convert("RGB"))


def test_frames_are_the_drawn_ones(store):
    source = ArraySource([picture(i) for i in range(8)], fps=Fraction(25), name="clip")
    path = write_exports(store, source, ["dicom-sc"])["dicom-sc"]
    made = pydicom.dcmread(path)
    drawn = []

    class Kept:
        def __init__(self, path, size, fps):
            self.path = path

        def write(self, image, pts=None):
            drawn.append(image)

        def close(self):
            self.path.touch()

    info = ExportInfo.of(store)
    write_overlay(store.frames(), info, source, path.with_name("kept"), Kept)
    assert len(drawn) == made.NumberOfFrames == 5
    # YBR is turned into RGB by pydicom's formula here and by Pillow's there; both round.
    for found, image in zip(pixel_array(path), drawn, strict=True):
        assert np.abs(found.astype(int) - as_jpeg(image)).max() <= 2
    assert not np.array_equal(drawn[0], picture(0))


def test_our_own_reader_shows_the_same(tmp_path):
    capture(tmp_path / "c.dcm", [None] * 4)
    source = open_source(tmp_path / "c.dcm")
    assert (source.length, source.fps, source.size) == (4, 25, SIZE)
    for frame in source.frames():
        assert np.abs(frame.image.astype(int) - as_jpeg(picture(frame.index))).max() <= 2


@pytest.mark.parametrize(
    ("times", "name", "value"),
    [
        ([None, None, None], "FrameTime", 40),
        ([Fraction(1001 * i, 30000) for i in range(5)], "FrameTime", 33.3666666667),
        ([Fraction(0), Fraction(1, 10), Fraction(1, 5), Fraction(1, 2)], "FrameTimeVector", [0, 100, 100, 300]),
        ([Fraction(7)], "FrameTime", 40),
    ],
)
def test_times(tmp_path, times, name, value):
    made = capture(tmp_path / "c.dcm", times)
    assert made[name].value == value
    assert made.FrameIncrementPointer == made[name].tag
    assert ("FrameTime" in made) != ("FrameTimeVector" in made)


def test_what_the_object_says_of_itself(tmp_path):
    made = capture(tmp_path / "c.dcm", [None])
    assert made.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7.4"
    assert (made.PatientName, made.PatientID, made.StudyDate, made.Modality) == ("", "", "", "OT")
    assert (made.BurnedInAnnotation, made.LossyImageCompressionMethod) == ("YES", "ISO_10918_1")
    assert list(made.SoftwareVersions)[1] == "micro"
    assert "SourceImageSequence" not in made
    reference = DicomReference("1.2.840.10008.5.1.4.1.1.77.1.1.1", "1.2.3", "1.2.4", "1.2.5", burned_in=False)
    made = capture(tmp_path / "d.dcm", [None], reference)
    assert (made.BurnedInAnnotation, made.StudyInstanceUID) == ("NO", "1.2.4")
    assert made.SourceImageSequence[0].ReferencedSOPInstanceUID == "1.2.3"


def test_nothing_is_left_without_frames_or_beside_the_file(tmp_path, store):
    writer = CaptureWriter(tmp_path / "c.dcm", SIZE, Fraction(25), INFO, None)
    writer.close()
    assert list(tmp_path.glob("*.pictures")) == list(tmp_path.glob("*.dcm")) == []
    with pytest.raises(OutputError, match="frames of 70000x1 are too large for JPEG, which ends at 65500"):
        CaptureWriter(tmp_path / "c.dcm", (1, 70000), Fraction(25), INFO, None)
    with pytest.raises(OutputError, match="dicom-sc needs the video"):
        write_exports(store, None, ["dicom-sc"])
    source = ArraySource([picture(i) for i in range(3)], name="short")
    with pytest.raises(OutputError, match="ends before frame 4, which has masks"):
        write_exports(store, source, ["dicom-sc"])
    assert not list(store.folder.glob("*.pictures")) + list(store.folder.glob(".partial*"))
