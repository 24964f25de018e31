"""Where the pixels lie in a DICOM file: one stretch of bytes, or fragments that are read as if they were one file."""

from __future__ import annotations

import io
import struct
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sam2s.errors import LimitError, SourceError

_UNDEFINED = 0xFFFFFFFF
_ITEM, _END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
_MOST_FRAGMENTS = 1 << 22
_LONG_VR = (b"OB", b"OW", b"UN", b"OF", b"OD")


@dataclass(frozen=True)
class PixelData:
    """Stretches of bytes of a file.

    Attributes:
        path: the file.
        starts: where each stretch begins, in bytes.
        sizes: how long each is.
        cut: whether the file ends before its pixel data do.
        encapsulated: whether the stretches are fragments of a compressed form.
    """

    path: Path
    starts: array[int] = field(default_factory=lambda: array("Q"))
    sizes: array[int] = field(default_factory=lambda: array("Q"))
    cut: bool = False
    encapsulated: bool = False

    @property
    def size(self) -> int:
        """Bytes of all stretches together."""
        return sum(self.sizes)

    def read(self, number: int, size: int = -1) -> bytes:
        """Read a stretch, or its first bytes."""
        with self.path.open("rb") as file:
            file.seek(self.starts[number])
            return file.read(self.sizes[number] if size < 0 else min(size, self.sizes[number]))


def locate_pixel_data(path: Path, place: int, *, implicit: bool, little: bool, encapsulated: bool) -> PixelData:
    """Find the pixel data whose element begins at a place of a file; no pixel is read.

    Raises:
        SourceError: there is none, or it is of a kind that is not a picture.
        LimitError: it is in more fragments than any recording has.
    """
    order = "<" if little else ">"
    end = path.stat().st_size
    with path.open("rb") as file:
        file.seek(place)
        head = file.read(12)
        if len(head) < 8:
            raise SourceError(f"{path}: holds no pixel data, or was cut off before it")
        group, element = struct.unpack(order + "HH", head[:4])
        if (group, element) != (0x7FE0, 0x0010):
            kind = "floating point numbers" if group == 0x7FE0 else "nothing"
            raise SourceError(f"{path}: its pixel data are {kind}, which are no picture; allowed are whole numbers")
        if implicit or head[4:6] not in _LONG_VR:
            (length,), begin = struct.unpack(order + "L", head[4:8]), place + 8
        elif len(head) < 12:
            raise SourceError(f"{path}: was cut off where its pixel data begin")
        else:
            (length,), begin = struct.unpack(order + "L", head[8:12]), place + 12
        if not encapsulated:
            if length == _UNDEFINED:
                raise SourceError(f"{path}: its pixel data are in fragments, though its transfer syntax has none")
            there = max(0, min(length, end - begin))
            return PixelData(path, array("Q", [begin]), array("Q", [there]), there < length)
        if length != _UNDEFINED:
            raise SourceError(f"{path}: its pixel data are in one piece, though its transfer syntax has fragments")
        file.seek(begin)
        return _fragments(path, file, end)


def _fragments(path: Path, file: Any, end: int) -> PixelData:
    """Go from item to item; the first is a table of offsets, which nothing here needs."""
    starts, sizes, table = array("Q"), array("Q"), True
    while len(head := file.read(8)) == 8:
        group, element, length = struct.unpack("<HHL", head)
        if (group, element) != _ITEM:
            return PixelData(path, starts, sizes, (group, element) != _END, True)
        place = file.tell()
        if not table:
            if len(starts) == _MOST_FRAGMENTS:
                raise LimitError(f"{path}: has more than {_MOST_FRAGMENTS} fragments of pixel data; it is damaged")
            starts.append(place)
            sizes.append(max(0, min(length, end - place)))
        if length == _UNDEFINED or place + length > end:
            return PixelData(path, starts, sizes, True, True)
        table = False
        file.seek(place + length)
    return PixelData(path, starts, sizes, True, True)


class JoinedReader(io.RawIOBase):
    """Fragments of a file as one file of their own, without a copy of it."""

    def __init__(self, pixels: PixelData) -> None:
        """Open the file."""
        self._file = pixels.path.open("rb")
        self._starts = pixels.starts
        self._ends = array("Q")
        total = 0
        for size in pixels.sizes:
            total += size
            self._ends.append(total)
        self._size, self._place = total, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place of the joined bytes."""
        self._place = max(0, offset + (0, self._place, self._size)[whence])
        return self._place

    def tell(self) -> int:
        """Place in the joined bytes."""
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read up to the end of a fragment."""
        number = bisect_right(self._ends, self._place)
        if number == len(self._ends):
            return 0
        before = self._ends[number - 1] if number else 0
        self._file.seek(self._starts[number] + self._place - before)
        part = self._file.read(min(len(buffer), self._ends[number] - self._place))
        buffer[: len(part)] = part
        self._place += len(part)
        return len(part)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


@dataclass(frozen=True)
class EmbeddedVideo:
    """A bit stream inside a DICOM file, to be opened as video files are.

    Attributes:
        pixels: where it lies.
        container: FFmpeg's name of its container, as its first bytes show it.
    """

    pixels: PixelData
    container: str

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """Open the stream from its beginning."""
        return io.BufferedReader(JoinedReader(self.pixels))

    @property
    def stem(self) -> str:
        """Name of the file without its ending."""
        return self.pixels.path.stem

    def __str__(self) -> str:
        return str(self.pixels.path)


def sniff_container(head: bytes, codec: str) -> str | None:
    """FFmpeg's name of the container that some first bytes belong to, None for none of those that DICOM allows.

    Args:
        head: at least 400 bytes, if there are so many.
        codec: FFmpeg's name of an elementary stream of the transfer syntax.
    """
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"):
        return "mp4"
    if any(head[start : start + 2 * stride : stride] == b"\x47\x47" for start, stride in ((0, 188), (4, 192))):
        return "mpegts"
    if head[:4] == b"\0\0\1\xba":
        return "mpeg"
    if head[:3] == b"\0\0\1" or head[:4] == b"\0\0\0\1":
        return codec
    return None
