"""A damaged file yields every frame up to the damage, none behind it, and says so."""

import random

import av
import pytest

from sam2s.errors import SourceError, TruncatedSourceError
from sam2s.video import FileSource
from video_tools import number_of


def read_until_damage(path):
    """Numbers drawn in the frames that are delivered, and the text of the error after them."""
    got = []
    with FileSource(path) as source:
        try:
            got.extend(number_of(frame.image) for frame in source.frames())
        except TruncatedSourceError as error:
            return got, str(error)
    return got, "no damage noticed"


def packets_of(path):
    with av.open(str(path)) as container:
        return [(p.pts, p.pos, p.size) for p in container.demux(video=0) if p.size]


def frames_before(path, lost):
    """How many frames lie before the first of those whose packets (start, end) are lost."""
    packets = packets_of(path)
    return sorted(pts for pts, _, _ in packets).index(min(pts for pts, pos, size in packets if lost(pos, pos + size)))


@pytest.mark.parametrize("name", ["front.mp4", "fragmented.mp4", "plain.mkv", "plain.webm", "hevc.mkv", "motion.avi"])
@pytest.mark.parametrize("at", [15, 34, 46])
def test_a_file_that_was_cut_off(clip, tmp_path, name, at):
    _, pos, size = packets_of(clip(name))[at]
    path = tmp_path / name
    path.write_bytes(clip(name).read_bytes()[: pos + size // 2])
    expected = frames_before(clip(name), lambda start, end: end > pos + size // 2)
    got, message = read_until_damage(path)
    assert got == list(range(expected))
    assert f"damaged or cut off at frame {len(got)} ({len(got) / 25:.2f} s); {len(got)}" in message


def test_a_transport_stream_that_was_cut_off_inside_a_picture(clip, tmp_path):
    data = clip("plain.ts").read_bytes()
    path = tmp_path / "cut.ts"
    for cut in range(len(data) * 6 // 10, len(data) * 6 // 10 + 10 * 188, 188):
        path.write_bytes(data[: cut // 188 * 188])
        got, message = read_until_damage(path)
        assert got == list(range(len(got)))
        assert len(got) > 20
        assert f"at frame {len(got)}" in message or message == "no damage noticed"


@pytest.mark.parametrize("name", ["front.mp4", "fragmented.mp4", "motion.avi", "hevc.mp4"])
@pytest.mark.parametrize("at", [17, 25, 33, 42])
def test_a_packet_that_was_overwritten(clip, tmp_path, name, at):
    data = bytearray(clip(name).read_bytes())
    _, pos, size = packets_of(clip(name))[at]
    data[pos + 8 : pos + size] = b"\xff" * (size - 8)
    path = tmp_path / name
    path.write_bytes(data)
    got, message = read_until_damage(path)
    assert "damaged or cut off at frame" in message
    assert got == list(range(frames_before(clip(name), lambda start, end: start >= pos)))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["front.mp4", "plain.mkv"])
def test_garbage_over_several_packets(clip, tmp_path, name, seed):
    data = bytearray(clip(name).read_bytes())
    rng = random.Random(seed)
    start = int(len(data) * rng.uniform(0.4, 0.6))
    data[start : start + 1500] = rng.randbytes(1500)
    path = tmp_path / name
    path.write_bytes(data)
    got, message = read_until_damage(path)
    assert "damaged or cut off at frame" in message
    assert got == list(range(len(got)))
    assert frames_before(clip(name), lambda a, b: b > start) <= len(got) + 1


def test_frames_behind_the_damage_can_be_read_by_starting_there(clip, tmp_path):
    data = bytearray(clip("front.mp4").read_bytes())
    packets = [p for p in av.open(str(clip("front.mp4"))).demux(video=0) if p.size]
    data[packets[15].pos + 5 : packets[15].pos + packets[15].size] = bytes(packets[15].size - 5)
    path = tmp_path / "hole.mp4"
    path.write_bytes(data)
    with FileSource(path) as source:
        assert [number_of(f.image) for f in source.frames(20)] == list(range(20, 60))
        assert number_of(source.frame(33).image) == 33
        with pytest.raises(TruncatedSourceError, match=r"at frame 1\d .*of 60 frames .*\(--start\)"):
            list(source.frames())
        with pytest.raises(TruncatedSourceError, match=r"at frame 1\d .*; frame 19 of 60 cannot be read\."):
            source.frame(19)
        with pytest.raises(TruncatedSourceError, match=r"; frames 11 to 1\d of 60 lie before .* read\."):
            list(source.frames(11))


def test_damage_behind_the_stop_is_nobodys_business(clip, tmp_path):
    data = clip("front.mp4").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: len(data) * 8 // 10])
    assert len(list(FileSource(path).frames(0, 20))) == 20


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_recording_without_its_header(clip, tmp_path, share):
    data = clip("plain.mp4").read_bytes()  # the header stands at the end
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(
        SourceError, match=r"cut\.mp4: not a video that FFmpeg can read, or a recording that was cut off"
    ):
        FileSource(path)


def test_a_damaged_first_frame_is_said_at_once(clip, tmp_path):
    data = bytearray(clip("front.mp4").read_bytes())
    packets = [p for p in av.open(str(clip("front.mp4"))).demux(video=0) if p.size]
    data[packets[0].pos : packets[-1].pos] = bytes(packets[-1].pos - packets[0].pos)
    path = tmp_path / "bad.mp4"
    path.write_bytes(data)
    with pytest.raises(SourceError, match="its first frame cannot be decoded"):
        FileSource(path)
