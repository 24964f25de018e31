"""When each frame of a DICOM recording is shown, as exact fractions of the decimal texts in its data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

_VECTOR, _TIME = 0x00181065, 0x00181063
# Data sets round: 33.37 ms or 30 frames a second are written for 1001/30000 s.
_ROUNDING = Fraction(2, 1000)
_SLOWEST, _FASTEST = Fraction(1, 3600), Fraction(10_000)


@dataclass(frozen=True)
class FrameClock:
    """Times of frames.

    Attributes:
        fps: frames a second, the mean where they come irregularly; None where nothing says it.
        starts: time of each frame in seconds, where the data set lists them.
        origin: the attribute that says so, "the bit stream", or None.
    """

    fps: Fraction | None
    starts: tuple[Fraction, ...] = ()
    origin: str | None = None

    def time_of(self, index: int, stream_pts: Fraction | None = None) -> Fraction | None:
        """Time of a frame in seconds; `stream_pts` is what the bit stream says of it."""
        if self.starts:
            if index < len(self.starts):
                return self.starts[index]
            step = self.starts[-1] - self.starts[-2] if len(self.starts) > 1 else Fraction(0)
            return self.starts[-1] + (index + 1 - len(self.starts)) * (step or 1 / (self.fps or Fraction(25)))
        if self.origin == "the bit stream" and stream_pts is not None:
            return stream_pts
        return index / self.fps if self.fps else None


def frame_clock(attributes: Mapping[str, Any], stream_fps: Fraction | None = None) -> FrameClock:
    """Decide on the clock of a recording.

    FrameTimeVector comes first, then FrameTime, CineRate and RecommendedDisplayFrameRate, each if it is there and makes
    sense; FrameIncrementPointer puts FrameTime before the vector where it points to that. A bit stream that carries a
    rate of its own within 0.2 percent of that is taken at its word, because data sets round; it also counts where the
    data set says nothing.

    Args:
        attributes: of the data set, by name.
        stream_fps: what the bit stream says; None where it carries no rate.
    """
    stated = _stated(attributes)
    if stated is None:
        return FrameClock(stream_fps, origin="the bit stream" if stream_fps else None)
    if not stated.starts and stream_fps and stated.fps and abs(stream_fps / stated.fps - 1) <= _ROUNDING:
        return FrameClock(stream_fps, origin="the bit stream")
    return stated


def _stated(attributes: Mapping[str, Any]) -> FrameClock | None:
    pointer = attributes.get("FrameIncrementPointer", [])
    order = ["FrameTimeVector", "FrameTime", "CineRate", "RecommendedDisplayFrameRate"]
    if _TIME in pointer and _VECTOR not in pointer:
        order[:2] = order[1::-1]
    for name in order:
        value = attributes.get(name)
        if value is None:
            continue
        if name == "FrameTimeVector":
            if len(value) > 1 and all(step > 0 for step in value[1:]):
                starts = tuple(accumulate([Fraction(0), *(step / 1000 for step in value[1:])]))
                return FrameClock((len(starts) - 1) / starts[-1], starts, name)
            continue
        fps = Fraction(0) if value <= 0 else 1000 / value if name == "FrameTime" else Fraction(value)
        if _SLOWEST <= fps <= _FASTEST:
            return FrameClock(fps, origin=name)
    return None
