"""Noticing packets of which a decoder makes no picture."""

from __future__ import annotations

from collections import deque
from typing import Any

from sam2s.video.keyframes import is_shown

# Codecs of which every packet that is not hidden gives a picture, in the order of the packets.
_ONE_PICTURE_EACH = ("vp8", "vp9", "libvpx-vp9", "av1", "libdav1d", "mjpeg", "ffv1", "prores", "dnxhd", "huffyuv")


class DamageError(Exception):
    """Internal: decoding met damage, in the packet of a time stamp; settled: no good picture is left before it."""

    def __init__(self, pts: int | None = None, *, settled: bool = False, reason: str | None = None) -> None:
        self.pts = pts
        self.settled = settled
        self.reason = reason


class OutputCheck:
    """Notices packets of which a decoder makes no picture, where a codec neither reorders pictures nor hides any."""

    def __init__(self, codec: str) -> None:
        """Take FFmpeg's name of the codec."""
        self._due: deque[int] | None = deque() if codec in _ONE_PICTURE_EACH else None
        self._begun = False

    def packet(self, packet: Any) -> None:
        """Look at a packet that is going to be decoded."""
        if self._due is not None and packet.pts is not None and is_shown(packet):
            self._due.append(packet.pts)

    def picture(self, picture: Any) -> None:
        """Look at a picture that was decoded.

        Raises:
            DamageError: packets before it gave none.
        """
        if self._due is None or picture.pts is None:
            return
        lost = False
        while self._due and self._due[0] <= picture.pts:
            lost = self._due.popleft() < picture.pts or lost
        if lost and self._begun:
            raise DamageError(settled=True)
        self._begun = True

    def end(self) -> None:
        """Look back once all is decoded.

        Raises:
            DamageError: packets at the end gave no pictures.
        """
        if self._due:
            raise DamageError(settled=True)
