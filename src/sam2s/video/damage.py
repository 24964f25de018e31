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

# More bytes between two packets than any header needs.
_HOLE = 1024
# So many packets lie at most between a break of counters and the first packet behind it, as parsers give them late.
_LATE = 2
# A pause so much longer than the last is one that may come of missing pictures.
_GAP = 1.5


class DamageError(Exception):
    """Internal: decoding met damage, in the packet of a time stamp; settled: no good picture is left before it."""

    def __init__(self, pts: int | None = None, *, settled: bool = False) -> None:
        self.pts = pts
        self.settled = settled


@dataclass(frozen=True)
class Care:
    """How to decode: strictly, slowly, ignoring errors up to a time stamp, stopping before the packet of another."""

    strict: bool
    single_thread: bool = False
    safe_pts: int | None = None
    bad_pts: int | None = None


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
        pictures = packet.decode()
    except av.FFmpegError as error:
        if care.safe_pts is not None and not before(care.safe_pts, packet.pts):
            return
        raise DamageError(packet.pts) from error
    for picture in pictures:
        if picture.is_corrupt:
            raise DamageError(settled=True)
        yield picture


class Watch:
    """Notices missing pictures that no decoder complains of.

    Demultiplexers pass over bytes they do not understand. So where bytes are skipped, or a stream breaks off amid
    reordered pictures, a longer pause between two pictures means that some are lost. Elsewhere, in videos of variable
    rate, it means nothing.

    Attributes:
        end: seconds at which the last packet of any stream ends.
    """

    def __init__(self, start: Fraction, *, bytewise: bool) -> None:
        self.end = start
        self._bytewise = bytewise
        self._covered: int | None = None
        self._suspicious = False
        self._until: int | None = None
        self._last: int | None = None
        self._pause: int | None = None

    def packet(self, packet: Any) -> None:
        """Look at a packet of any stream, in the order of the file."""
        if not packet.size:
            return
        if packet.pts is not None:
            self.end = max(self.end, (packet.pts + (packet.duration or 0)) * packet.stream.time_base)
        if self._bytewise and packet.pos is not None:
            if self._covered is not None and packet.pos > self._covered + _HOLE and packet.stream.type == "video":
                self.suspect(packet.pts)
            self._covered = max(self._covered or 0, packet.pos + packet.size)

    def suspect(self, until: int | None = None) -> None:
        """Take longer pauses for damage, up to a time stamp or for good."""
        self._suspicious, self._until = True, until

    def picture(self, picture: Any) -> None:
        """Look at a picture, in the order of presentation.

        Raises:
            DamageError: if pictures are missing before it.
        """
        if picture.pts is None:
            return
        pause = picture.pts - self._last if before(self._last, picture.pts) else None
        if self._last is not None and pause is None:
            self._suspicious = False  # another recording
        if self._suspicious:
            if pause is not None and self._pause is not None and pause > _GAP * self._pause:
                raise DamageError(settled=True)
            self._suspicious = self._until is None or picture.pts < self._until
        self._last, self._pause = picture.pts, pause


def before(pts: int | None, other: int | None) -> bool:
    """Whether a time stamp is known to come before another."""
    return pts is not None and other is not None and pts < other
