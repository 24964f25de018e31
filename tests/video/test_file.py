"""Frame numbers and times are exact in every container, from the beginning and from anywhere."""

import itertools
import random
import weakref
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from sam2s.errors import ConfigError, SourceError
from sam2s.video import FileSource, VideoSource
from video_tools import CLIPS, IRREGULAR, number_of, numbered, write_clip

SHORT = [name for name in CLIPS if not name.startswith("long")]


@pytest.mark.parametrize("name", SHORT)
def test_every_frame_has_its_number_and_a_later_time_than_the_one_before(clip, name):
    with FileSource(clip(name)) as source:
        frames = list(source.frames())
        assert [number_of(f.image) for f in frames] == [f.index for f in frames] == list(range(60))
        assert all(a.pts < b.pts for a, b in itertools.pairwise(frames))
        assert frames[0].image.shape == (*source.size, 3) == (*CLIPS[name].get("size", (64, 96)), 3)
        assert source.length in (60, None)
        assert source.count() == source.length == 60


@pytest.mark.parametrize("ending", ["mkv", "webm", "mp4"])
def test_a_video_that_begins_late_is_whole(tmp_path, ending):
    codec = {"codec": "libvpx-vp9", "b_frames": 0, "options": {"lag-in-frames": "0"}} if ending == "webm" else {}
    write_clip(tmp_path / f"late.{ending}", 30, times=[40 * i + 1200 for i in range(30)], **codec)
    with FileSource(tmp_path / f"late.{ending}") as source:
        times = [frame.pts for frame in source.frames()]
    assert len(times) == 30
    assert times[0] == Fraction(6, 5)


@pytest.mark.parametrize("name", SHORT)
def test_random_access_gives_the_same_frames_as_reading_through(clip, name):
    with FileSource(clip(name)) as source:
        times = [f.pts for f in source.frames()]
        order = random.Random(name).sample(range(60), 60)
        for i in [*order[:20], 59, 58, 57, 0, 1, 2]:
            frame = source.frame(i)
            assert (number_of(frame.image), frame.index, frame.pts) == (i, i, times[i])
        for start in order[:3]:
            part = [(number_of(f.image), f.index, f.pts) for f in source.frames(start, 60, 7)]
            assert part == [(i, i, times[i]) for i in range(start, 60, 7)]


@pytest.mark.parametrize(("name", "fps"), [("ntsc.mp4", Fraction(30000, 1001)), ("plain.mp4", Fraction(25))])
def test_times_of_a_constant_rate_are_exact_fractions(clip, name, fps):
    source = FileSource(clip(name))
    assert source.fps == fps
    assert [f.pts for f in source.frames()] == [i / fps for i in range(60)]


@pytest.mark.parametrize("name", ["irregular.mkv", "irregular.mp4"])
def test_times_of_a_variable_rate_are_exact_fractions(clip, name):
    assert [f.pts for f in FileSource(clip(name)).frames()] == [Fraction(t, 1000) for t in IRREGULAR]


@pytest.mark.parametrize("name", ["plain.mp4", "plain.mov", "plain.avi", "reordered.avi"])
def test_length_is_known_at_once_where_the_container_has_a_table(clip, name):
    assert FileSource(clip(name)).length == 60


@pytest.mark.parametrize(
    ("rotation", "flip"), [(0, False), (90, False), (180, False), (-90, False), (0, True), (90, True)]
)
@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_rotation_metadata_is_applied(tmp_path, rotation, flip, container):
    path = tmp_path / f"turned.{container}"
    write_clip(path, 3, rotation=rotation, flip=flip)
    source = FileSource(path)
    upright = np.rot90(numbered(2), rotation // 90)  # both count counter-clockwise
    upright = upright[:, ::-1] if flip else upright
    assert source.size == upright.shape[:2]
    assert np.abs(source.frame(2).image.astype(int) - upright).mean() < 6


@pytest.mark.parametrize("trim", [1, 2, 3])
def test_frames_that_an_edit_list_cuts_away_are_not_counted(tmp_path, trim):
    path = tmp_path / "edited.mp4"
    write_clip(path, 30)
    data = bytearray(path.read_bytes())
    at = data.index(b"elst")
    media_time = int.from_bytes(data[at + 16 : at + 20], "big")
    step = Fraction(1, 25) / FileSource(path).time_base
    data[at + 16 : at + 20] = int(media_time + trim * step).to_bytes(4, "big")
    path.write_bytes(data)
    with FileSource(path) as source:
        assert [number_of(f.image) for f in source.frames()] == list(range(trim, 30))
        assert source.length == 30 - trim
        assert [number_of(source.frame(i).image) for i in (12, 25, 0)] == [12 + trim, 25 + trim, trim]


def test_a_stream_cut_out_of_a_broadcast_begins_at_its_first_key_frame(clip, tmp_path):
    data = clip("plain.ts").read_bytes()
    start = next(p.pos for p in av.open(str(clip("plain.ts"))).demux(video=0) if p.pts == 90000 * 15 // 25 + 7200)
    path = tmp_path / "joined.ts"
    path.write_bytes(data[: 3 * 188] + data[start // 188 * 188 :])
    with FileSource(path) as source:
        seen = [number_of(f.image) for f in source.frames()]
        assert seen == list(range(seen[0], 60))
        assert 15 <= seen[0] <= 20
        assert [number_of(source.frame(i).image) for i in (35, 3)] == [seen[0] + 35, seen[0] + 3]


@pytest.mark.parametrize("name", ["long.mp4", "long.mkv"])
def test_a_far_start_is_reached_by_seeking_not_by_decoding(clip, name, monkeypatch):
    source = FileSource(clip(name))
    decoded = []
    decode = source._decoder._decode
    monkeypatch.setattr(source._decoder, "_decode", lambda *a: (decoded.append(p[0]) or p for p in decode(*a)))
    assert number_of(next(source.frames(590)).image) == 590
    assert decoded[0] == 540
    decoded.clear()
    assert [number_of(source.frame(i).image) for i in range(479, 449, -1)] == list(range(479, 449, -1))
    assert len(decoded) <= 60  # backwards through a group of pictures decodes it once


@pytest.mark.parametrize("name", ["long.mp4", "open.mp4", "front.mp4", "plain.mov"])
def test_seeks_go_on_in_the_container_of_the_seek_before(clip, name, monkeypatch):
    source = FileSource(clip(name))
    opened, open_file = [], source._decoder.open
    monkeypatch.setattr(source._decoder, "open", lambda **how: opened.append(open_file(**how)) or opened[-1])
    order = random.Random(name).sample(range(5, source.length), 30)
    for index in order:
        assert number_of(source.frame(index).image) == index
        source._cache.clear()
    assert number_of(source.frame(source.length - 1).image) == source.length - 1
    list(source.frames(source.length - 3))  # to the very end, while the other stands open as well
    for index in order[:5]:
        assert number_of(source.frame(index).image) == index
    assert len(opened) <= 3
    assert len(source._decoder._spare._kept) <= 1
    source.close()
    assert source._decoder._spare._kept == []


def test_a_container_without_a_table_and_a_damaged_one_are_opened_anew(clip, tmp_path):
    with FileSource(clip("long.mkv")) as source:
        assert [number_of(source.frame(i).image) for i in (500, 100, 300)] == [500, 100, 300]
        source.close()
        assert source._decoder._spare._kept == []
    data = bytearray(clip("long.mp4").read_bytes())
    with av.open(str(clip("long.mp4"))) as container:
        place = [packet.pos for packet in container.demux(video=0) if packet.size][301]
    data[place : place + 40] = bytes(40)
    (tmp_path / "hurt.mp4").write_bytes(data)
    with FileSource(tmp_path / "hurt.mp4") as source:
        assert number_of(source.frame(200).image) == 200
        for _ in range(2):
            with pytest.raises(SourceError, match="damaged or cut off at frame"):
                source.frame(330)
            assert number_of(source.frame(400).image) == 400


@pytest.mark.parametrize(("rotation", "width"), [(0, 48), (0, 96), (0, 31), (90, 32)])
def test_a_scaled_frame_is_the_frame_made_smaller(tmp_path, rotation, width):
    path = tmp_path / "clip.mp4"
    write_clip(path, 3, rotation=rotation)
    with FileSource(path) as source:
        whole = source.frame(2)
        scaled = source.scaled_frame(2, width)
        height = round(source.size[0] * width / source.size[1])
        wanted = np.asarray(Image.fromarray(whole.image).resize((width, height), Image.Resampling.BILINEAR))
        assert (scaled.index, scaled.pts, scaled.image.shape) == (2, whole.pts, wanted.shape)
        assert np.abs(scaled.image.astype(int) - wanted).mean() < 3
        with pytest.raises(SourceError, match="there is no frame 3"):
            source.scaled_frame(3, width)


def test_iterating_keeps_no_frame_alive(clip):
    alive: list[weakref.ref] = []
    for frame in FileSource(clip("long.mkv")).frames():
        alive = [r for r in alive if r() is not None]
        assert len(alive) <= 2
        alive.append(weakref.ref(frame.image))
    assert frame.index == 599


def test_the_cache_of_single_frames_is_bounded(clip):
    source = FileSource(clip("long.mp4"))
    for i in range(0, 600, 2):
        source.frame(i)
    assert len(source._cache) <= source._capacity == 64


@pytest.mark.slow
def test_resident_memory_is_flat_over_a_long_video(tmp_path):
    path = tmp_path / "long.mp4"
    write_clip(path, 1500, size=(240, 320), group=50, codec="mpeg4", b_frames=0)
    sizes = []
    for frame in FileSource(path).frames():
        if frame.index % 250 == 249:
            with open("/proc/self/statm") as file:
                sizes.append(int(file.read().split()[1]) * 4096)
    assert max(sizes[1:]) - sizes[1] < 8 << 20


def test_colours_are_those_of_the_source(tmp_path):
    path = tmp_path / "colour.mkv"
    colour = np.full((64, 64, 3), (200, 60, 90), np.uint8)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width = stream.height = 64
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
        frame = av.VideoFrame.from_ndarray(colour, "rgb24")
        out.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")))
        out.mux(stream.encode())
    assert np.abs(FileSource(path).frame(0).image.astype(int) - colour).max() <= 3


def test_the_fingerprint_belongs_to_the_content(clip, tmp_path):
    copy = tmp_path / "other name.mp4"
    copy.write_bytes(clip("plain.mp4").read_bytes())
    assert FileSource(copy).fingerprint() == FileSource(clip("plain.mp4")).fingerprint()
    assert FileSource(copy).fingerprint() != FileSource(clip("ntsc.mp4")).fingerprint()


def test_reading_does_not_hang_when_python_logs_for_ffmpeg(clip):
    av.logging.set_level(av.logging.ERROR)
    try:
        for name in ("plain.mp4", "front.mp4", "open.mp4", "tenbit.mp4"):
            source = FileSource(clip(name))
            assert [number_of(source.frame(i).image) for i in (50, 5, 30)] == [50, 5, 30]
    finally:
        av.logging.set_level(None)


def test_two_readers_of_one_source_do_not_disturb_each_other(clip):
    with FileSource(clip("long.mkv")) as source:
        for a, b in zip(source.frames(100, 130), source.frames(300, 330), strict=True):
            assert (number_of(a.image), number_of(b.image)) == (a.index, b.index) == (a.index, a.index + 200)
            assert number_of(source.frame(a.index + 5).image) == a.index + 5


def test_a_file_source_is_a_video_source_and_closes_twice(clip):
    source = FileSource(clip("plain.mp4"))
    assert isinstance(source, VideoSource)
    source.close()
    source.close()
    assert number_of(source.frame(7).image) == 7


@pytest.mark.parametrize("index", [-1, 60, 1000])
@pytest.mark.parametrize("name", ["plain.mp4", "plain.mkv"])
def test_a_frame_that_does_not_exist_is_named(clip, name, index):
    with pytest.raises(SourceError, match=f"no frame {index}; the video has 60 frames, counted from 0"):
        FileSource(clip(name)).frame(index)


def test_impossible_ranges_are_refused(clip):
    with pytest.raises(ConfigError, match="start=-3"):
        next(FileSource(clip("plain.mp4")).frames(-3))
    assert list(FileSource(clip("plain.mp4")).frames(70)) == []
    assert list(FileSource(clip("plain.mkv")).frames(70)) == []
    assert list(FileSource(clip("plain.mkv")).frames(5, 5)) == []
