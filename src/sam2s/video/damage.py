"""Noticing that a video is damaged, and stopping right before the damage; but not where two videos were joined."""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

from sam2s.video.output_check import DamageError, OutputCheck
from sam2s.video.stall import reading
from sam2s.video.structure import Structure

# More bytes between two packets than any header needs.
_HOLE = 1024
# So many packets lie at most between a break of counters and the first packet behind it, as parsers give them late.
_LATE = 2
# A pause so much longer than the last is one that may come of missing pictures.
_GAP = 1.5


@dataclass(frozen=True)
class Care:
    """How to decode: strictly, slowly, ignoring errors up to a time stamp, stopping before the packet of another."""

    strict: bool
    single_thread: bool = False
    safe_pts: int | None = None
    bad_pts: int | None = None
    name: str = ""


@dataclass
class PacketState:
    """What is known of a packet that is going to be decoded, and of those before it.

    Attributes:
        bad: the demultiplexer calls it damaged.
        hole: bytes before it belong to nothing.
        afresh: another recording begins with it.
        leading: packets passed over so far, whose pictures need what lies before the place where decoding began.
    """

    bad: bool = False
    hole: bool = False
    afresh: bool = False
    leading: int = 0


def judged(packets: Iterator[Any], index: int) -> Iterator[tuple[Any, bool]]:
    """Yield each packet and whether it is damaged.

    FFmpeg calls a packet corrupt when the counters of a transport stream break. That also happens where two recordings
    were joined, and loses nothing there: a key frame follows with which the clock begins anew.
    """
    packets, ahead = iter(packets), deque[Any]()
    while (packet := ahead.popleft() if ahead else next(packets, None)) is not None:
        bad = packet.is_corrupt
        if bad and packet.stream_index == index:
            run = [packet, *(p for p in ahead if p.stream_index == index)]
            while len(run) <= _LATE and (following := next(packets, None)) is not None:
                ahead.append(following)
                run += [following] * (following.stream_index == index)
            bad = not any(is_seam(*pair) for pair in itertools.pairwise(run))
        yield packet, bad


def is_seam(last: Any, packet: Any) -> bool:
    """Whether a packet begins another recording than the one before it ended: a key frame, and time goes back."""
    return last is not None and bool(packet.is_keyframe) and before(packet.dts, last.dts)


def pictures_of(packet: Any, context: Any, care: Care, *, bad: bool, afresh: bool) -> Iterator[Any]:
    """Decode a packet; before a bad one, or one to begin afresh with, yield what the decoder still holds.

    Raises:
        DamageError: at a bad packet or picture.
    """
    if afresh:
        try:
            held = context.decode(None)
        except av.FFmpegError as error:
            raise DamageError(packet.pts) from error
        yield from held
        context.flush_buffers()
    if bad or (packet.pts == care.bad_pts and care.bad_pts is not None):
        with contextlib.suppress(av.FFmpegError):
            held = context.decode(None)
            yield from itertools.takewhile(lambda p: not p.is_corrupt and before(p.pts, packet.pts), held)
        raise DamageError(settled=True)
    try:
        with reading(care.name):
            pictures = packet.decode()
    except av.FFmpegError as error:
        if care.safe_pts is not None and not before(care.safe_pts, packet.pts):
            return
        raise DamageError(packet.pts) from error
    for picture in pictures:
        if picture.is_corrupt:
            raise DamageError(settled=True)
        yield picture


class Packets:
    """Packets of a container up to its end or the first error of reading, which is kept; then an empty one.

    Attributes:
        error: what ended the packets, if not their end: a drive that is gone, a demultiplexer that gave up.
    """

    def __init__(self, packets: Iterator[Any], stream: Any, name: str = "") -> None:
        """Take what the demultiplexer yields, of whatever streams; `stream` is the one to decode."""
        self._packets = packets
        self._name = name
        self._stream = stream
        self._first: Any = None
        self.error: Exception | None = None

    @property
    def reason(self) -> str:
        """What the error says, for a message."""
        return str(getattr(self.error, "strerror", None) or self.error)

    def put_back(self, packet: Any) -> None:
        """Make a packet that was taken the next one again."""
        self._first = packet

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._first is not None:
            packet, self._first = self._first, None
            return packet
        try:
            with reading(self._name):
                return next(self._packets)
        except (av.FFmpegError, OSError) as error:
            if self.error is not None:
                raise StopIteration from None
            self.error = error
            last = av.Packet()  # an empty one, which asks the decoder for the pictures that it holds
            last.stream = self._stream
            return last


class Watch:
    """Notices missing pictures that no decoder complains of.

    Demultiplexers pass over bytes they do not understand. So where more bytes lie between two packets than headers
    need, the container's structure is asked; and where it does not know, or a stream breaks off amid reordered
    pictures, a longer pause between two pictures means that some are lost. Elsewhere, in videos of variable rate, it
    means nothing.

    Attributes:
        end: seconds at which the last packet of any stream ends.
    """

    def __init__(self, start: Fraction, structure: Structure | None, codec: str, *, whole: bool = True) -> None:
        """Begin at a time.

        Args:
            start: in seconds.
            structure: of containers without a table of packets.
            codec: FFmpeg's name of it.
            whole: whether the packets are read from the first on.
        """
        self.end = start
        self._output = OutputCheck(codec)
        self._structure = structure
        self._covered: int | None = None
        self._place: int | None = None
        self._whole = whole
        self._bytes = 0
        self._suspicious = False
        self._since: int | None = None
        self._until: int | None = None
        self._last: int | None = None
        self._pause: int | None = None

    def packet(self, packet: Any) -> bool:
        """Look at a packet of any stream, in the order of the file; whether bytes before it belong to nothing."""
        whole = True
        if not packet.size:
            return False
        self._bytes += packet.size
        if packet.pts is not None and packet.stream.time_base is not None:
            self.end = max(self.end, (packet.pts + (packet.duration or 0)) * packet.stream.time_base)
        if self._structure is not None and packet.pos is not None:
            whole = self._gap_is_whole(packet, self._structure)
            self._covered = max(self._covered or 0, packet.pos + packet.size)
            if self._place is None or packet.pos > self._place:
                self._place = packet.pos
        return not whole

    def _gap_is_whole(self, packet: Any, structure: Structure) -> bool:
        if self._covered is None or self._place is None or packet.pos <= self._covered + structure.overhead:
            return True
        whole = structure.is_whole(self._place, packet.pos)
        if whole is False and structure.strict:
            return False
        if not whole and packet.pos > self._covered + _HOLE and packet.stream.type == "video":
            self.suspect(until=packet.pts)
        return True

    def decoding(self, packet: Any) -> None:
        """Look at a packet of the stream that is going to be decoded."""
        self._output.packet(packet)

    def finish(self) -> None:
        """Look back once all is decoded.

        Raises:
            DamageError: packets at the end gave no pictures, or lie there and were not read.
        """
        self._output.end()
        if self._structure is not None and self._place is not None and self._structure.ends_whole(self._place) is False:
            raise DamageError(settled=True)
        if self._structure is not None and self._whole and self._structure.holds_more(self._bytes):
            raise DamageError(settled=True)

    def suspect(self, since: int | None = None, until: int | None = None) -> None:
        """Take longer pauses for damage, behind a time stamp and up to another, or for good."""
        self._suspicious, self._since, self._until = True, since, until

    def picture(self, picture: Any) -> None:
        """Look at a picture, in the order of presentation.

        Raises:
            DamageError: if pictures are missing before it.
        """
        self._output.picture(picture)
        if picture.pts is None:
            return
        pause = picture.pts - self._last if before(self._last, picture.pts) else None
        if self._last is not None and pause is None:
            self._suspicious = False  # another recording
        if self._suspicious:
            late = not before(picture.pts, self._since)
            if late and pause is not None and self._pause is not None and pause > _GAP * self._pause:
                raise DamageError(settled=True)
            self._suspicious = self._until is None or picture.pts < self._until
        self._last, self._pause = picture.pts, pause


def before(pts: int | None, other: int | None) -> bool:
    """Whether a time stamp is known to come before another."""
    return pts is not None and other is not None and pts < other
