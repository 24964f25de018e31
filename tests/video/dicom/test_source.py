import logging
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from dicom_tools import CAPTURE, H264, STREAMS, data_set, jpeg_file, pictures_file, save, stream, video_file
from sam2s.errors import LimitError, MissingExtraError, SourceError, TruncatedSourceError
from sam2s.limits import set_max_pixels
from sam2s.video import FileSource, VideoSource, open_source
from sam2s.video.dicom import DicomPicturesSource, DicomVideoSource, is_dicom
from sam2s.video.dicom.source import CLASSES, video_codec
from video_tools import number_of, numbered


@pytest.mark.parametrize("name", STREAMS)
def test_streams_show_what_the_same_stream_shows_as_a_file(tmp_path, name):
    path = video_file(tmp_path / "case.dcm", name, parts=3)
    bare = tmp_path / "bare"
    bare.write_bytes(stream(name))
    with FileSource(bare) as right:
        expected = list(right.frames())
    source = open_source(path)
    assert isinstance(source, VideoSource)
    assert isinstance(source, DicomVideoSource)
    found = list(source.frames())
    assert [number_of(frame.image) for frame in found] == list(range(20))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(found, expected, strict=True))
    assert [frame.pts for frame in found] == [frame.pts for frame in expected]
    assert [number_of(source.frame(i).image) for i in (17, 3, 12)] == [17, 3, 12]
    assert [f.index for f in source.frames(4, 15, 5)] == [4, 9, 14]
    assert (source.name, source.size, source.path, source.count()) == ("case", (64, 96), path, 20)
    source.close()


@pytest.mark.parametrize(
    ("syntax", "codec"),
    [
        ("1.2.840.10008.1.2.4.100.1", "mpegvideo"),
        ("1.2.840.10008.1.2.4.101", "mpegvideo"),
        (H264 + ".1", "h264"),
        ("1.2.840.10008.1.2.4.106.1", "h264"),
        ("1.2.840.10008.1.2.4.108", "hevc"),
        ("1.2.840.10008.1.2.4.50", None),
        ("1.2.840.10008.1.2.4.102.2", None),
        ("102", None),
    ],
)
def test_which_syntaxes_are_video(syntax, codec):
    assert video_codec(syntax) == codec


def test_times_come_from_the_data_set(tmp_path):
    source = open_source(video_file(tmp_path / "a.dcm", "h264", FrameTime="20", CineRate="50"))
    assert source.fps == 50
    assert [frame.pts for frame in source.frames(0, 3)] == [0, Fraction(1, 50), Fraction(1, 25)]
    source = open_source(
        pictures_file(tmp_path / "b.dcm", FrameTimeVector=["0", "33.3", "66.7", "33.3", "33.3", "33.4"])
    )
    assert source.frame(2).pts == Fraction(1, 10)
    assert source.fps == 25


def test_a_data_set_that_contradicts_its_stream_is_told(tmp_path, caplog):
    source = open_source(video_file(tmp_path / "a.dcm", "h264 in mp4", CineRate="10"))
    assert source.fps == 10
    assert "says 10 frames a second (CineRate) and its stream 25; the data set counts" in caplog.text


def test_the_number_of_frames_is_not_trusted(tmp_path, caplog):
    for declared in (3, 99, None):
        caplog.clear()
        source = open_source(video_file(tmp_path / "a.dcm", NumberOfFrames=declared))
        assert len(list(source.frames())) == source.length == 20
        assert f"says it holds {declared or 1} frames, and holds 20" in caplog.text
        pictures = open_source(pictures_file(tmp_path / "b.dcm", NumberOfFrames=declared))
        assert [number_of(f.image) for f in pictures.frames()] == list(range(6))
        jpegs = open_source(jpeg_file(tmp_path / "c.dcm", split=2, NumberOfFrames=declared))
        assert [number_of(f.image) for f in jpegs.frames()] == list(range(6))


def test_jpeg_pictures_are_those_of_pillow(tmp_path):
    for split in (1, 2, 3):
        source = open_source(jpeg_file(tmp_path / "a.dcm", split=split, CineRate="30"))
        assert isinstance(source, DicomPicturesSource)
        assert (source.length, source.fps, source.frame(3).pts) == (6, 30, Fraction(1, 10))
        found = list(source.frames(1, 6, 2))
        assert [number_of(frame.image) for frame in found] == [1, 3, 5]
        assert max(np.abs(f.image.astype(int) - numbered(f.index)).mean() for f in found) < 3


def test_notes_on_annotations(tmp_path, caplog):
    path = video_file(tmp_path / "a.dcm", BurnedInAnnotation="YES", PixelAspectRatio=["1", "1"])
    open_source(path).close()
    assert "says that text is burned into its pictures" in caplog.text
    caplog.clear()
    made = data_set(CAPTURE, frames=1)
    made.add_new(0x60000010, "US", 64)
    made.add_new(0x60000011, "US", 96)
    made.add_new(0x60020010, "US", 64)
    made.add_new(0x60003000, "OW", b"\0" * 768)
    made.PixelData = numbered(0).tobytes()
    source = open_source(save(made, tmp_path / "b.dcm"))
    assert "has 2 overlay planes (group 60xx)" in caplog.text
    assert np.array_equal(source.frame(0).image, numbered(0))


def test_pixels_that_are_not_square(tmp_path, caplog):
    assert open_source(pictures_file(tmp_path / "a.dcm", PixelAspectRatio=["3", "4"])).pixel_aspect == Fraction(4, 3)
    assert open_source(pictures_file(tmp_path / "b.dcm", PixelAspectRatio=["1", "900"])).pixel_aspect == 1
    assert open_source(pictures_file(tmp_path / "c.dcm", PixelAspectRatio=["0", "4"])).pixel_aspect == 1
    wide = video_file(tmp_path / "d.dcm", "h264", PixelAspectRatio=["4", "3"])
    assert open_source(wide).pixel_aspect == Fraction(3, 4)
    assert open_source(wide, square_pixels=True).pixel_aspect == 1


def test_the_frame_rate_given_counts_where_there_is_none(tmp_path):
    path = pictures_file(tmp_path / "a.dcm")
    assert open_source(path).frame(2).pts is None
    assert open_source(path, fps=Fraction(8)).frame(2).pts == Fraction(1, 4)


def test_fingerprints_tell_pixels_and_nothing_else(tmp_path):
    prints = {
        open_source(make(tmp_path / f"{make.__name__} {name}.dcm", PatientID=name)).fingerprint()
        for make in (video_file, pictures_file, jpeg_file)
        for name in ("one", "two")
    }
    assert len(prints) == 3
    assert open_source(pictures_file(tmp_path / "more.dcm", count=7)).fingerprint() not in prints


@pytest.mark.parametrize("make", [video_file, pictures_file, jpeg_file])
def test_a_file_that_was_cut_off_gives_what_is_there(tmp_path, make):
    path = make(tmp_path / "a.dcm", **({"name": "h264"} if make is video_file else {}))
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])
    source = open_source(path)
    numbers = []
    with pytest.raises(TruncatedSourceError, match=r"cut off|damaged"):
        numbers += [number_of(frame.image) for frame in source.frames()]
    numbers = [number_of(frame.image) for frame in source.frames(0, 3)]
    assert numbers == [0, 1, 2]


def test_a_video_whose_last_bytes_are_gone_is_not_taken_for_whole(tmp_path):
    path = video_file(tmp_path / "a.dcm", "h264 in ts")
    path.write_bytes(path.read_bytes()[:-8])  # the end of the sequence alone
    seen = []
    with pytest.raises(TruncatedSourceError, match="was cut off: its pixel data do not end"):
        seen.extend(number_of(frame.image) for frame in open_source(path).frames())
    assert [number_of(frame.image) for frame in open_source(path).frames(2, 12, 4)] == [2, 6, 10]
    with pytest.raises(TruncatedSourceError, match="was cut off"):
        list(open_source(path).frames(0, 21))
    path = pictures_file(tmp_path / "b.dcm")
    path.write_bytes(path.read_bytes()[:-10])
    frames = open_source(path)
    assert (frames.length, [number_of(f.image) for f in frames.frames(0, 5)]) == (5, [0, 1, 2, 3, 4])
    with pytest.raises(TruncatedSourceError, match="was cut off behind frame 4; 5 frames were read"):
        list(frames.frames())
    with pytest.raises(SourceError, match="no frame 5; the file has 5 frames"):
        frames.frame(5)


def test_what_is_no_recording(tmp_path):
    made = data_set("1.2.840.10008.5.1.4.1.1.2", frames=1)
    made.PixelData = numbered(0).tobytes()
    with pytest.raises(
        SourceError, match=r"class 1\.2\.840\.10008\.5\.1\.4\.1\.1\.2, which is not a recording.*Video Endoscopic"
    ):
        open_source(save(made, tmp_path / "slice.dcm"))
    made = data_set()
    with pytest.raises(SourceError, match="holds no pixel data, or was cut off before it"):
        open_source(save(made, tmp_path / "report.dcm"))
    (tmp_path / "text.dcm").write_bytes(b"x" * 500)
    with pytest.raises(SourceError, match="does not begin as a DICOM file does"):
        open_source(tmp_path / "text.dcm")
    path = video_file(tmp_path / "a.dcm")
    path.write_bytes(
        path.read_bytes().replace(stream("h264 in mp4")[:64], b"#EXTM3U\nfile:///etc/passwd".ljust(64, b"\n"))
    )
    with pytest.raises(SourceError, match=r"its pixel data are no MPEG-2, H\.264 or HEVC stream"):
        open_source(path)
    assert len(CLASSES) == 16


def test_a_deflated_file_is_refused_before_it_is_inflated(tmp_path):
    made = data_set(CAPTURE, "1.2.840.10008.1.2.1.99", frames=1)
    made.PixelData = numbered(0).tobytes()
    with pytest.raises(SourceError, match="deflated form, which is not read; convert it: dcmconv"):
        open_source(save(made, tmp_path / "a.dcm"))


def test_headers_longer_than_any(tmp_path):
    made = data_set(CAPTURE, frames=1)
    made.PixelData = numbered(0).tobytes()
    made.RedPaletteColorLookupTableData = b"\0" * (65 << 20)
    path = save(made, tmp_path / "a.dcm")
    with pytest.raises(SourceError, match="what stands before its pixel data is longer than 64 MiB"):
        list(open_source(path).frames())


def test_folders_of_dicom_files_are_refused(tmp_path):
    pictures_file(tmp_path / "IM0001", count=1)
    with pytest.raises(
        SourceError, match=r"holds DICOM files\. A recording is one file of many frames: give that file"
    ):
        open_source(tmp_path)
    Image.fromarray(numbered(0)).save(tmp_path / "0.png")
    assert open_source(tmp_path).length == 1


def test_files_without_ending_are_known_by_their_first_bytes(tmp_path):
    path = pictures_file(tmp_path / "IM0001")
    assert is_dicom(path)
    assert open_source(path).length == 6
    assert not is_dicom(tmp_path / "none")


def test_limits_and_the_extra(tmp_path, monkeypatch):
    path = pictures_file(tmp_path / "a.dcm")
    monkeypatch.setenv("SAM2S_MAX_PIXELS", "100")
    set_max_pixels(100)
    for make in (pictures_file, video_file):
        with pytest.raises(LimitError, match="96x64 are 6144 pixels, more than the limit of 100"):
            open_source(make(tmp_path / "b.dcm"))
    monkeypatch.setitem(__import__("sys").modules, "pydicom", None)
    with pytest.raises(MissingExtraError, match=r"DICOM files need pydicom; install it .*'\.\[dicom\]'"):
        open_source(path)


def test_nothing_is_logged_of_a_plain_file(tmp_path, caplog):
    with caplog.at_level(logging.DEBUG):
        list(open_source(video_file(tmp_path / "a.dcm")).frames())
    assert caplog.text == ""
