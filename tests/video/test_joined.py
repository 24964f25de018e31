"""Recordings joined end to end: the clock begins anew, which is no damage; what is damaged in them is still noticed."""

import pytest

from sam2s.errors import TruncatedSourceError
from sam2s.video import FileSource
from video_tools import CLIPS, number_of, write_clip

TS = 188  # bytes of a packet of a transport stream


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Bytes of two recordings: frames 0 to 59, and 60 to 119 with the same time stamps."""

    def make(name):
        paths = [tmp_path_factory.mktemp("part") / name for _ in range(2)]
        for path, first in zip(paths, (0, 60), strict=True):
            write_clip(path, **CLIPS.get(name, {}) | {"first": first})
        return [path.read_bytes() for path in paths]

    return make


def read(path, start=0):
    got = []
    try:
        got.extend(number_of(frame.image) for frame in FileSource(path).frames(start))
    except TruncatedSourceError as error:
        return got, str(error)
    return got, "whole"


@pytest.mark.parametrize("name", ["plain.ts", "program.mpg"])
def test_every_frame_is_read_from_anywhere(parts, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"".join(parts(name)))
    assert read(path) == (list(range(120)), "whole")
    for start in (25, 45, 75):
        with FileSource(path) as source:  # whose key frames are known up to there only
            assert [number_of(f.image) for f in source.frames(start, 110)] == list(range(start, 110))
    with FileSource(path) as source:
        order = (40, 35, 50, 59, 61, 100, 33)
        assert [number_of(source.frame(i).image) for i in order] == list(order)
        assert source.count() == 120


def test_a_picture_lost_before_the_seam_is_damage(parts, tmp_path):
    one, two = parts("plain.ts")
    path = tmp_path / "cut.ts"
    for lost in range(1, 40, 3):
        path.write_bytes(one[: -TS * lost] + two)
        got, message = read(path)
        first = got[: got.index(60)] if 60 in got else got
        assert first == list(range(len(first)))
        assert message == "whole" or f"cut off at frame {len(got)} " in message


def test_a_packet_lost_behind_the_seam_is_damage_and_no_start_leads_past_it(parts, tmp_path):
    one, two = parts("plain.ts")
    path = tmp_path / "hole.ts"
    path.write_bytes(one + two[: 60 * TS] + two[61 * TS :])
    got, message = read(path)
    assert got == list(range(len(got)))
    assert len(got) > 70
    assert f"damaged or cut off at frame {len(got)} " in message
    assert "Frames behind it cannot be reached, as the time stamps of the file are not in order" in message
    path.write_bytes(one + two[: 4 * TS] + two[5 * TS :])
    assert read(path)[0] == list(range(60)), "what the decoder still holds of the first recording"
