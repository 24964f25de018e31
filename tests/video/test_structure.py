"""Recordings of which no byte is lost are read through, and holes are told, by what the containers say."""

import os
import random
from fractions import Fraction

import av
import numpy as np
import pytest

from sam2s.errors import SourceError, TruncatedSourceError
from sam2s.video import FileSource
from sam2s.video.structure import is_cut
from video_tools import CLIPS, number_of, write_clip

SIZE = (176, 320)


def recording(path, stamps, codec, noise=True, **options):
    """Frames at the given ticks of 1/25 s, of noise, so that packets are large, or of numbers."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options = {"bf": "2", "g": "12", **options}
        if codec == "mpeg2video":
            stream.bit_rate = 9_000_000
        for stamp in stamps:
            frame = av.VideoFrame.from_ndarray(rng.integers(60, 200, (*SIZE, 3), dtype=np.uint8), "rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def read(path):
    """How many frames came, and what was said at the end."""
    count = 0
    try:
        for _ in FileSource(path).frames():
            count += 1
    except TruncatedSourceError as error:
        return count, str(error)
    return count, "whole"


H264 = {"preset": "ultrafast", "crf": "12"}


@pytest.mark.parametrize("skipped", [3, 15, 24])
@pytest.mark.parametrize("name", ["a.avi", "a.ts", "a.m2ts", "a.mpg", "a.vob", "a.mkv", "a.mp4"])
def test_a_frame_that_the_recorder_left_out_is_no_damage(tmp_path, name, skipped):
    codec = {"avi": "mpeg4", "mpg": "mpeg2video", "vob": "mpeg2video"}.get(name[2:], "libx264")
    options = {"bf": "0"} if name == "a.avi" else H264 if codec == "libx264" else {}
    path = recording(tmp_path / name, [t for t in range(37) if t != skipped], codec, **options)
    assert read(path) == (36, "whole")


@pytest.mark.parametrize(("before", "pause"), [(8, 200), (30, 500)])
def test_a_pause_in_an_avi_is_no_damage(tmp_path, before, pause):
    stamps = [t if t < before else t + pause for t in range(36)]
    path = recording(tmp_path / "a.avi", stamps, "mpeg4", bf="0")
    assert read(path) == (36, "whole")
    with FileSource(path) as source:
        assert source.length == 36
        assert source.frame(before).pts == Fraction(before + pause, 25)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", ["plain.mkv", "plain.webm"])
def test_a_hole_of_zeros_is_told(clip, tmp_path, name, seed):
    rng = random.Random(seed)
    data = bytearray(clip(name).read_bytes())
    start = rng.randrange(len(data) // 4, len(data) * 3 // 4)
    size = rng.choice([64, 200, 600, 2000])
    data[start : start + size] = bytes(size)
    (tmp_path / name).write_bytes(data)
    got, message = [], "whole"
    try:
        got.extend(number_of(frame.image) for frame in FileSource(tmp_path / name).frames())
    except TruncatedSourceError as error:
        message = str(error)
    if message == "whole":  # pixels of VP9 may be wrong without a word, but frames are not missing
        assert len(got) == 60
    else:
        assert f"damaged or cut off at frame {len(got)} " in message
        assert len(got) > 5
    if name == "plain.mkv" and message != "whole":
        assert got == list(range(len(got)))


@pytest.mark.parametrize("name", ["plain.mkv", "plain.webm", "fragmented.mp4", "motion.avi"])
def test_a_file_shorter_than_its_header_says_is_told(clip, tmp_path, name):
    data = clip(name).read_bytes()
    path = tmp_path / name
    with av.open(str(clip(name))) as container:
        kind = container.format.name
    assert not is_cut(clip(name), kind)
    for share in (0.5, 0.9, 0.97):
        path.write_bytes(data[: int(len(data) * share)])
        assert is_cut(path, kind)
        count, message = read(path)
        assert count < 60 or name != "fragmented.mp4"
        assert f"damaged or cut off at frame {count} " in message


def test_every_cut_of_a_webm_is_told(clip, tmp_path):
    data = clip("plain.webm").read_bytes()
    for cut in range(len(data) // 2, len(data) - 1, 397):
        (tmp_path / "a.webm").write_bytes(data[:cut])
        count, message = read(tmp_path / "a.webm")
        assert message != "whole", cut
        assert count <= 60


@pytest.mark.parametrize(
    "name", ["hidden.webm", "open.mkv", "long.mkv", "irregular.mkv", "hevc.mkv", "program.mpg", "plain.avi"]
)
def test_whole_files_are_whole(clip, name):
    assert read(clip(name)) == (len(packets_shown(clip(name))), "whole")


def packets_shown(path):
    with av.open(str(path)) as container:
        return [frame.pts for frame in container.decode(video=0)]


class TestWhatReadingMeets:
    def test_a_demultiplexer_that_gives_up(self, tmp_path):
        write_clip(tmp_path / "a.ts", **CLIPS.get("plain.ts", {}))
        data = bytearray((tmp_path / "a.ts").read_bytes())
        place = len(data) * 6 // 10 // 188 * 188
        data[place:] = bytes(len(data) - place)  # a drive that was full
        (tmp_path / "a.ts").write_bytes(data)
        count, message = read(tmp_path / "a.ts")
        assert 10 < count < 60
        assert f"damaged or cut off at frame {count} " in message

    def test_an_error_of_the_drive(self, clip, monkeypatch):
        class Failing:
            def __init__(self, packets, stream, name):
                self.inner = Packets(self.fail_after(packets, 30), stream, name)

            @staticmethod
            def fail_after(packets, count):
                for _ in range(count):
                    yield next(packets)
                raise OSError(5, "Input/output error")

        from sam2s.video import decoder
        from sam2s.video.damage import Packets

        monkeypatch.setattr(decoder, "Packets", lambda *given: Failing(*given).inner)
        got = []
        with pytest.raises(TruncatedSourceError, match=r"cut off at frame 30 .*\(Input/output error\); 30 of 60"):
            got.extend(number_of(frame.image) for frame in FileSource(clip("front.mp4")).frames())
        assert got == list(range(len(got)))
        assert len(got) == 30

    def test_a_stream_without_a_known_codec(self, clip, tmp_path):
        data = clip("front.mp4").read_bytes()
        for name, fourcc in (("front.mp4", b"avc1"), ("motion.avi", b"MJPG")):
            data = clip(name).read_bytes()
            path = tmp_path / name
            path.write_bytes(data.replace(fourcc, b"zzzz"))
            with pytest.raises(SourceError, match="its codec is unknown: the header is damaged"):
                FileSource(path)

    def test_a_pipe_is_refused_at_once(self, tmp_path):
        os.mkfifo(tmp_path / "a.mp4")
        with pytest.raises(SourceError, match=r"a\.mp4: is a pipe or device, which can be read but once"):
            FileSource(tmp_path / "a.mp4")

    @pytest.mark.parametrize("seed", range(12))
    def test_a_decoder_that_fails_elsewhere_each_time_is_left(self, clip, tmp_path, seed):
        rng = random.Random(seed)
        data = bytearray(clip("hevc.mp4").read_bytes())
        for _ in range(30):
            data[rng.randrange(len(data) // 3, len(data) * 2 // 3)] = rng.randrange(256)
        (tmp_path / "a.mp4").write_bytes(data)
        try:
            count, message = read(tmp_path / "a.mp4")
        except SourceError:
            return  # the header is hit
        assert message == "whole" or f"at frame {count} " in message
        assert count == 60 or message != "whole"


class TestWhatLiesAtTheEnd:
    @pytest.mark.parametrize("name", ["plain.mkv", "plain.webm"])
    def test_a_last_block_that_gave_no_packet_is_told(self, clip, tmp_path, name):
        data = bytearray(clip(name).read_bytes())
        with av.open(str(clip(name))) as container:
            last = max(packet.pos for packet in container.demux(video=0) if packet.size)
        data[last] = 0x85  # the block now belongs to track 5, which there is not
        (tmp_path / name).write_bytes(data)
        count, message = read(tmp_path / name)
        assert count <= 59
        assert f"damaged or cut off at frame {count} " in message

    def test_an_index_of_an_avi_that_is_damaged_hides_no_frames(self, clip, tmp_path):
        data = bytearray(clip("motion.avi").read_bytes())
        place = data.rindex(b"idx1")
        data[place : place + 4] = b"junk"
        (tmp_path / "a.avi").write_bytes(data)
        count, message = read(tmp_path / "a.avi")
        assert count == 60
        assert "damaged or cut off at frame 60 (2.40 s); 60 frames lie before the damage" in message

    def test_a_fragment_that_is_lost_is_told(self, clip, tmp_path):
        data = bytearray(clip("fragmented.mp4").read_bytes())
        place = data.index(b"\x74run", len(data) // 3)
        data[place : place + 4] = b"free"
        (tmp_path / "a.mp4").write_bytes(data)
        count, message = read(tmp_path / "a.mp4")
        assert count < 60
        assert "damaged or cut off" in message
