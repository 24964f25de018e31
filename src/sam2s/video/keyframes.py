"""Where decoding may begin: the key frames of a video stream, found without decoding."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any

# Containers whose header lists every packet; FFmpeg holds that table in memory as soon as the file is open.
_TABLED = {"mov", "mp4", "avi"}


def is_shown(packet: Any) -> bool:
    """Whether a packet yields a picture: not empty, not cut away by an edit list, not a hidden reference of VP8."""
    if packet.size == 0 or packet.is_discard:
        return False
    return packet.stream.codec_context.name != "vp8" or bool(bytes(packet)[0] & 0x10)


class KeyFrames:
    """Key packets of one stream: position in decode order among the shown packets, and time stamp.

    MP4, MOV and AVI carry a table of all packets, so everything is known at once. For other containers `scan` reads the
    packets (without decoding), as far as its caller goes on. Memory: 24 bytes a key frame.

    Attributes:
        tabled: whether the container has a table of packets.
        total: number of shown packets in the stream, or None while unknown.
        monotonic: whether no time stamp met so far is repeated; streams joined from several may repeat theirs, and then
            a stamp is not an address to seek to.
        placed: whether the place in the file of every key packet met so far is known, which tells it from one further
            on with the same stamp.
    """

    def __init__(self, container: Any, stream: Any) -> None:
        self.total: int | None = None
        self._positions = array("q")
        self._stamps = array("q")
        self._places = array("q")  # in bytes, -1 where unknown
        self.monotonic = self.placed = True
        self._second = round(1 / stream.time_base)
        self.tabled = bool(stream.frames) and not _TABLED.isdisjoint(container.format.name.split(","))
        entries = stream.index_entries
        if container.format.name == "avi" and (not len(entries) or entries[-1].timestamp + 1 < stream.frames):
            self.tabled = False  # the index stands at the end of the file, and is cut off or damaged
        if self.tabled:
            shown = (entry for entry in entries if entry.size and not entry.is_discard)
            count = 0
            for position, entry in enumerate(shown):
                if entry.is_keyframe:
                    self._note(position, entry.timestamp)
                count = position + 1
            self.total = count or None
            self.tabled = count > 0

    def _note(self, position: int, stamp: int | None, place: int | None = None) -> None:
        if stamp is None or (self._stamps and stamp <= self._stamps[-1]):
            self.monotonic = False
        else:
            self._positions.append(position)
            self._stamps.append(stamp)
            self._places.append(-1 if place is None else place)
            self.placed = self.placed and place is not None

    def _stamp(self, packet: Any) -> int | None:
        stamp: int | None = packet.dts if self.tabled or packet.pts is None else packet.pts
        return stamp

    def scan(self, packets: Iterator[Any]) -> Iterator[int]:
        """Read through a stream without a table; yields the position of each key packet once it is noted."""
        position = 0
        for packet in packets:
            if is_shown(packet):
                if packet.is_keyframe:
                    self._note(position, self._stamp(packet), packet.pos)
                    yield position
                position += 1
        self.total = position

    def stamps_before(self, position: int) -> list[int]:
        """Time stamps to seek to for the last few key packets not behind a position, nearest first."""
        end = bisect_right(self._positions, position) if self.monotonic else 0
        stamps = list(self._stamps[max(0, end - 8) : end])
        if self.tabled and stamps:
            # These are decode times, but a seek compares presentation times: aim right before the next key packet.
            following = self._stamps[end] if end < len(self._stamps) else stamps[-1] + self._second
            stamps = [stamp - 1 for stamp in [*stamps[1:], following]]
        return stamps[::-1]

    def position(self, packet: Any) -> int | None:
        """Position of a key packet met after a seek, or None if it is not one of these."""
        stamp = self._stamp(packet)
        if stamp is None:
            return None
        k = bisect_left(self._stamps, stamp)
        if k == len(self._stamps) or self._stamps[k] != stamp:
            return None
        elsewhere = self._places[k] not in (-1, packet.pos)
        return None if elsewhere else self._positions[k]
