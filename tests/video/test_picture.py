import logging
from fractions import Fraction

import av
import numpy as np
import pytest

from sam2s.errors import LimitError
from sam2s.video import FileSource, VideoWriter, open_source
from video_tools import write_clip


def record(path, aspect, size=(96, 128), codec="libx264"):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = size
        stream.pix_fmt, stream.codec_context.sample_aspect_ratio = "yuv420p", aspect
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((*size, 3), 90, np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_pixels_that_are_not_square_are_said_and_kept(tmp_path, caplog, name):
    codec = "mpeg4" if name == "a.avi" else "libx264"
    with caplog.at_level(logging.WARNING):
        source = open_source(record(tmp_path / name, Fraction(16, 11), codec=codec))
    assert (source.size, source.pixel_aspect) == ((96, 128), Fraction(16, 11))
    assert "not square (16:11): frames have 128x96 pixels, and those count in coordinates" in caplog.text
    assert "players show 186x96; --square-pixels scales the frames to that" in caplog.text


def test_square_on_request(tmp_path, caplog):
    path = record(tmp_path / "a.mp4", Fraction(16, 11))
    source = open_source(path, square_pixels=True)
    assert (source.size, source.pixel_aspect) == ((96, 186), 1)
    assert source.frame(1).image.shape == next(iter(source.frames())).image.shape == (96, 186, 3)
    assert "not square" not in caplog.text
    assert source.fingerprint() != FileSource(path).fingerprint()
    narrow = open_source(record(tmp_path / "b.mp4", Fraction(1, 2)), square_pixels=True)
    assert narrow.size == (96, 64)


@pytest.mark.parametrize("aspect", [Fraction(1), Fraction(100, 1), Fraction(1, 9)])
def test_square_or_nonsense_says_nothing(tmp_path, caplog, aspect):
    source = open_source(record(tmp_path / "a.mp4", aspect))
    assert source.pixel_aspect == 1
    assert "not square" not in caplog.text


def test_a_recording_on_its_side_turns_its_ratio_too(tmp_path):
    write_clip(tmp_path / "plain.mp4", 3, rotation=90)
    turned = tmp_path / "turned.mp4"
    with av.open(str(tmp_path / "plain.mp4")) as source, av.open(str(turned), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    opened = FileSource(turned)
    if opened.pixel_aspect == 1:
        pytest.skip("this FFmpeg does not write the ratio of a copied stream")
    assert opened.pixel_aspect == Fraction(3, 4)


def test_the_overlay_keeps_the_ratio(tmp_path):
    with VideoWriter(tmp_path / "o.mp4", (96, 128), 25, pixel_aspect=Fraction(16, 11)) as writer:
        writer.write(np.zeros((96, 128, 3), np.uint8))
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 11)
    assert FileSource(tmp_path / "o.mp4").pixel_aspect == Fraction(16, 11)


def test_a_video_larger_than_the_limit_is_refused(tmp_path, monkeypatch):
    path = record(tmp_path / "a.mp4", Fraction(1))
    monkeypatch.setenv("SAM2S_MAX_PIXELS", str(96 * 128 - 1))
    with pytest.raises(LimitError, match=r"a\.mp4: 128x96 are 12288 pixels, more than the limit of 12287"):
        FileSource(path)
