"""What a container itself says about bytes: whether any are missing between two packets, or at the end of the file.

Demultiplexers pass over bytes that they do not understand, without a word. But the structure of a container tells
whether something was there: elements of Matroska, chunks of RIFF and packets of a program stream lie end to end, and
packets of a transport stream are counted. Where that adds up nothing was lost, however large the overhead, and where
it does not something was, however small the hole.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from sam2s.video.container import StoredVideo

_REGION = 64 << 20  # more bytes between two packets are not looked through
_SYNC = 0x47
_STRIDES = ((188, 0), (192, 4), (204, 0))  # of transport packets, and where in them the packet begins
_SLOP = 16  # writers of RIFF disagree about what a size counts
# Elements of Matroska that hold others, of which the header alone is passed over.
_MASTERS = {0x18538067, 0x1F43B675, 0xA0}
_BLOCKS = (0xA3, 0xA1)
# Those that hold one number, and all that may stand between two blocks.
_NUMBERS = {0xE7, 0xA7, 0xAB, 0x9B, 0xFB, 0xFA, 0x75A2, 0xBF}
_BETWEEN = _MASTERS | _NUMBERS | {
    0xEC, 0xA4, 0x8E, 0xAF, 0x5854, 0x75A1,  # void, codec state, slices, encrypted block, silent tracks, additions
    0x1C53BB6B, 0x1254C367, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1941A469, 0x1043A770, 0x1A45DFA3,  # top level
}  # fmt: skip
_UNKNOWN_SIZE = -1


class Structure:
    """Checks bytes of one file; holds it open.

    Attributes:
        overhead: so many bytes between the contents of two packets need no look.
        strict: whether bytes that belong to nothing are damage in themselves.
    """

    def __init__(self, path: StoredVideo, container: str) -> None:
        """Open the file; `container` is FFmpeg's name of its format."""
        self._file = path.open("rb")
        checks: dict[str, Callable[[int, int], bool]] = {
            "mpegts": self._transport,
            "mpeg": self._program,
            "avi": self._chunks,
            "matroska,webm": self._elements,
        }
        self._container = container
        self._check = checks.get(container)
        # Headers of blocks and chunks are short; elsewhere packets of other streams and padding lie between.
        self.overhead = 24 if container in ("matroska,webm", "avi") else 1024
        # Where nothing may lie between packets that is not named. Transport streams may hold anything between
        # recordings, and their counters are watched by FFmpeg.
        self.strict = container in ("matroska,webm", "mpeg", "avi")

    def is_whole(self, start: int, stop: int) -> bool | None:
        """Whether all bytes between the places of two packets (`packet.pos`) are accounted for; None if unknown."""
        if self._check is None or not 0 < stop - start <= _REGION:
            return None
        try:
            return self._check(start, stop)
        except (OSError, struct.error, IndexError):
            return None

    def ends_whole(self, start: int) -> bool | None:
        """Whether nothing that is a packet lies behind the place of the last one that was read; None if unknown."""
        end = self._file.seek(0, 2)
        try:
            if self._container == "matroska,webm":
                segment = _segment_end(self._file)
                return self._elements(start, min(segment or end, end))
            if self._container == "avi":
                return self._ends_without_chunks(start, end)
        except (OSError, struct.error, IndexError):
            pass
        return None

    def holds_more(self, size: int) -> bool:
        """Whether a fragmented MP4 file holds more media data than so many bytes of packets: fragments were lost."""
        if "mp4" not in self._container:
            return False
        payload, place, end = 0, 0, self._file.seek(0, 2)
        while place + 16 <= end:
            length, name = struct.unpack(">I4s", self._read(place, 8))
            if length < 8:
                return False  # of unknown length; is_cut looks at that
            payload += length - 8 if name == b"mdat" else 0
            place += length
        return payload > size + max(_SLOP, payload // 200)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        return self._file.read(size)

    def _transport(self, start: int, stop: int) -> bool:
        """Every packet begins with the sync byte, and those of this stream count on."""
        data = self._read(start, stop - start + 4 + 204)
        for stride, offset in _STRIDES:
            if (stop - start) % stride == 0 and data[offset] == _SYNC:
                break
        else:
            return False
        count = (stop - start) // stride + 1
        packets = np.frombuffer(data, np.uint8, count * stride - (stride - offset - 4)).copy()
        packets.resize(count * stride)
        headers = packets.reshape(count, stride)[:, offset : offset + 4].astype(np.int64)
        if (headers[:, 0] != _SYNC).any():
            return False
        stream = (headers[:, 1] & 0x1F) << 8 | headers[:, 2]
        counters = headers[(stream == stream[0]) & (headers[:, 3] & 0x10 > 0), 3] & 0x0F
        return bool((np.diff(counters) % 16 <= 1).all())  # a packet may be sent twice

    def _program(self, start: int, stop: int) -> bool:
        """Packs and packets follow each other without a gap."""
        data, place = self._read(start, stop - start + 16), 0
        while place < stop - start:
            if data[place : place + 3] != b"\0\0\1":
                return False
            kind = data[place + 3]
            if kind == 0xBA:
                place += 14 + (data[place + 13] & 7) if data[place + 4] & 0xC0 == 0x40 else 12
            elif kind == 0xB9:
                place += 4
            elif kind >= 0xBB:
                place += 6 + int.from_bytes(data[place + 4 : place + 6], "big")
            else:
                return False
        return place == stop - start

    def _chunks(self, start: int, stop: int) -> bool:
        """Chunks follow each other; a packet's place is behind the eight bytes of its chunk's header."""
        place = start - 8
        while place < stop - 8:
            name, size = struct.unpack("<4sI", self._read(place, 8))
            if not name.isascii() or not name.isalnum():
                return False
            # Lists hold chunks; of the lists inside a movie, and of a second RIFF, the header alone is passed over.
            place += 12 if name in (b"LIST", b"RIFF") else 8 + size + size % 2
        return place == stop - 8

    def _ends_without_chunks(self, start: int, end: int) -> bool:
        """What follows is an index or padding, or frames that the recorder left out."""
        place = start - 8
        name, size = struct.unpack("<4sI", self._read(place, 8))
        stream = name[:2]
        place += 8 + size + size % 2
        while place + 8 <= end:
            name, size = struct.unpack("<4sI", self._read(place, 8))
            if name[:2] == stream and name[2:] in (b"dc", b"db") and size:
                return False
            if not name.isascii() or not name.isalnum():
                return False
            place += 12 if name in (b"LIST", b"RIFF") else 8 + size + size % 2
        return True

    def _elements(self, start: int, stop: int) -> bool:
        """Elements follow each other, no block among them; a packet lies where the content of its block begins."""
        size = self._block_size(start)
        if size is None:
            return True  # of another kind, of which nothing is known
        place = start + size
        while place < stop:
            element, content, size = self._element(place)
            if element is None:
                return False
            if element in _BLOCKS:
                return content == stop  # else it is one that gave no packet
            if element not in _BETWEEN or (element in _NUMBERS and size > 8):
                return False
            masters = element in _MASTERS or size == _UNKNOWN_SIZE
            place = content if masters else content + size
        return place == stop

    def _block_size(self, place: int) -> int | None:
        head = self._read(place - 9, 9)
        for length in range(1, 9):
            first = head[9 - length]
            if first and 8 - first.bit_length() == length - 1 and head[8 - length] in _BLOCKS:
                return int.from_bytes(head[9 - length :], "big") & ((1 << 7 * length) - 1)
        return None

    def _element(self, place: int) -> tuple[int | None, int, int]:
        """Name, place of the content and size of an element of Matroska; None for what is none."""
        head = self._read(place, 12)
        if not head or not head[0] >> 4:
            return None, place, 0
        name = 9 - head[0].bit_length()
        if len(head) <= name or not head[name]:
            return None, place, 0
        length = 9 - head[name].bit_length()
        size = int.from_bytes(head[name : name + length], "big") & ((1 << 7 * length) - 1)
        if size == (1 << 7 * length) - 1:
            size = _UNKNOWN_SIZE
        return int.from_bytes(head[:name], "big"), place + name + length, size


def is_cut(path: StoredVideo, container: str) -> bool:
    """Whether a file is shorter than its own header says.

    Known for RIFF (AVI), Matroska and WebM whose segment has a size, and the boxes of MP4 and MOV; false elsewhere.
    """
    with path.open("rb") as file:
        end = file.seek(0, 2)
        try:
            if container == "avi":
                return _riff_end(file, end) > end + _SLOP
            if container == "matroska,webm":
                return _segment_end(file) > end
            if "mp4" in container.split(","):
                return _boxes_end(file, end) > end
        except (OSError, struct.error, IndexError):
            return True  # a header that ends before itself
    return False


def _riff_end(file: BinaryIO, end: int) -> int:
    place = 0
    while place + 12 <= end:
        file.seek(place)
        name, size = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF" or size == 0:  # a recorder that was stopped leaves 0
            break
        place += 8 + size + size % 2
    return place


def _segment_end(file: BinaryIO) -> int:
    file.seek(0)
    head = file.read(4096)
    place = head.find(b"\x18\x53\x80\x67")
    if place < 0 or not head[place + 4]:
        return 0
    length = 9 - head[place + 4].bit_length()
    size = int.from_bytes(head[place + 4 : place + 4 + length], "big") & ((1 << 7 * length) - 1)
    return 0 if size == (1 << 7 * length) - 1 else place + 4 + length + size


def _boxes_end(file: BinaryIO, end: int) -> int:
    place = 0
    while place + 8 <= end:
        file.seek(place)
        size, name = struct.unpack(">I4s", file.read(8))
        if not name.isascii() or not name.decode().isprintable():
            return end + 1  # no box
        if size == 1:
            size = struct.unpack(">Q", file.read(8))[0]
        if size == 0:  # to the end of the file
            return end
        if size < 8:
            return end + 1
        place += size
    return place


def counts_agree(path: StoredVideo) -> bool:
    """Whether every track of an MP4 or MOV file has a clock, and tables that count the same samples."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        counts: list[dict[bytes, int]] = []
        try:
            _collect_counts(file, 0, end, counts)
        except (OSError, struct.error, IndexError):
            return False
    return all(track.pop(b"mdhd", 0) and len(set(track.values())) <= 1 for track in counts)


def _collect_counts(file: BinaryIO, place: int, end: int, tracks: list[dict[bytes, int]]) -> None:
    while place + 8 <= end:
        file.seek(place)
        size, name = struct.unpack(">I4s", file.read(8))
        content = place + 8
        if size == 1:
            size, content = struct.unpack(">Q", file.read(8))[0], place + 16
        size = size or end - place
        if size < 8:
            return
        if name == b"trak":
            tracks.append({})
        if name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            _collect_counts(file, content, min(place + size, end), tracks)
        elif name == b"mdhd" and tracks:
            tracks[-1][name] = 1
        elif name in (b"stts", b"ctts", b"stsz") and tracks:
            head = file.read(12)
            entries = struct.unpack(">I", head[8:12] if name == b"stsz" else head[4:8])[0]
            if name != b"stsz":
                entries = min(entries, (size - 16) // 8)
                file.seek(content + 8)
                entries = int(np.frombuffer(file.read(8 * entries), ">u4")[::2].sum(dtype=np.int64))
            tracks[-1][name] = entries
        place += size
