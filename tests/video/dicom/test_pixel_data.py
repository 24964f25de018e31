import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam2s.errors import SourceError
from sam2s.video.dicom.pixel_data import JoinedReader, locate_pixel_data, sniff_container

ITEM, END = struct.pack("<HHL", 0xFFFE, 0xE000, 0)[:4], struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


def element(*fragments, head=b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff", end=END):
    """An element with pixel data in fragments, the table of offsets first."""
    return head + b"".join(ITEM + struct.pack("<L", len(part)) + part for part in (b"", *fragments)) + end


def located(path, data, place=0, *, encapsulated=True, implicit=False, little=True):
    path.write_bytes(data)
    return locate_pixel_data(path, place, implicit=implicit, little=little, encapsulated=encapsulated)


def test_fragments_are_found_behind_whatever_stands_before(tmp_path):
    pixels = located(tmp_path / "a", b"before" + element(b"abcd", b"", b"ef"), 6)
    assert [pixels.read(i) for i in range(3)] == [b"abcd", b"", b"ef"]
    assert (pixels.size, pixels.cut, pixels.encapsulated, pixels.read(0, 2)) == (6, False, True, b"ab")


@pytest.mark.parametrize(
    ("data", "sizes"),
    [
        (element(b"abcd", b"ef", end=b""), [4, 2]),
        (element(b"abcd", b"ef")[:-10], [4, 0]),
        (element(b"abcd", b"ef")[:-18], [4]),
        (element(b"abcd", b"ef")[:-20], [2]),
        (element(b"abcd", end=b"\0" * 8), [4]),
        (element(b"abcd", end=ITEM + b"\xff\xff\xff\xff" + b"xy"), [4, 2]),
    ],
)
def test_what_does_not_end_is_cut(tmp_path, data, sizes):
    pixels = located(tmp_path / "a", data)
    assert (list(pixels.sizes), pixels.cut) == (sizes, True)


def test_one_stretch_of_bytes(tmp_path):
    head = b"\xe0\x7f\x10\x00OW\0\0\x06\0\0\0"
    pixels = located(tmp_path / "a", head + b"abcdef", encapsulated=False)
    assert (pixels.read(0), pixels.cut) == (b"abcdef", False)
    pixels = located(tmp_path / "a", head + b"abc", encapsulated=False)
    assert (pixels.read(0), pixels.cut) == (b"abc", True)
    pixels = located(tmp_path / "a", b"\xe0\x7f\x10\x00\x02\0\0\0ab", encapsulated=False, implicit=True)
    assert pixels.read(0) == b"ab"
    pixels = located(tmp_path / "a", b"\x7f\xe0\x00\x10OW\0\0\0\0\0\x02ab", encapsulated=False, little=False)
    assert pixels.read(0) == b"ab"


@pytest.mark.parametrize(
    ("data", "encapsulated", "message"),
    [
        (b"\xe0\x7f", True, "holds no pixel data, or was cut off before it"),
        (b"\xe0\x7f\x08\x00OF\0\0\x02\0\0\0ab", False, "floating point numbers, which are no picture"),
        (b"\xe0\x7f\x10\x00OB\0\0", False, "was cut off where its pixel data begin"),
        (element(b"ab"), False, "in fragments, though its transfer syntax has none"),
        (b"\xe0\x7f\x10\x00OB\0\0\x02\0\0\0ab", True, "in one piece, though its transfer syntax has fragments"),
    ],
)
def test_refusals(tmp_path, data, encapsulated, message):
    with pytest.raises(SourceError, match=message):
        located(tmp_path / "a", data, encapsulated=encapsulated)


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=7), min_size=1, max_size=6), st.data())
def test_joined_fragments_read_as_one_file(tmp_path_factory, fragments, data):
    whole = b"".join(fragments)
    with JoinedReader(located(tmp_path_factory.mktemp("joined") / "a", element(*fragments))) as reader:
        place = 0
        for _ in range(8):
            if data.draw(st.booleans()):
                offset, whence = data.draw(st.integers(-3, 50)), data.draw(st.sampled_from([0, 1, 2]))
                place = max(0, offset + (0, place, len(whole))[whence])
                assert reader.seek(offset, whence) == reader.tell() == place
            wanted = data.draw(st.integers(0, 20))
            part = reader.read(wanted)
            assert whole[place : place + wanted].startswith(part)
            assert part or not whole[place:] or not wanted
            place += len(part)
        reader.seek(0)
        assert reader.readall() == whole


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"\0\0\0\x20ftypisom", "mp4"),
        (b"\0\0\x10\0moov", "mp4"),
        ((b"\x47" + b"\0" * 187) * 2, "mpegts"),
        ((b"\0" * 4 + b"\x47" + b"\0" * 187) * 2, "mpegts"),
        (b"\0\0\x01\xba\x44", "mpeg"),
        (b"\0\0\x01\xb3\x12", "hevc"),
        (b"\0\0\0\x01\x67", "hevc"),
        (b"#EXTM3U\nfile:///etc/passwd", None),
        (b"ffconcat version 1.0", None),
        (b"", None),
    ],
)
def test_the_container_is_known_by_its_first_bytes(head, container):
    assert sniff_container(head.ljust(400 if head else 0, b"\0"), "hevc") == container
