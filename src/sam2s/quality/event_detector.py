"""Events of the video in a stream of frames: one decision a frame, steady in time, in constant memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from statistics import median
from typing import Any

import numpy as np

from sam2s.video.event_kind import EventKind
from sam2s.video.frame import Frame, VideoSource

from .cuts import CutDetector
from .event_rules import WASH_FRAMES, EventThresholds, UsualFrame, UsualMeter, classify_frame
from .frame_statistics import FrameStatistics, StatisticsMeter, sample_picture

ENTER, LEAVE = 3, 4
"""Frames in a row that a rule must hold before an event begins, and must fail before it ends."""

LONGEST = 1500
"""Frames after which an event that is told by what is usual may be the new usual, which is then learned anew."""

COMPARED = (EventKind.OUT_OF_BODY, EventKind.BLOOD, EventKind.LENS_WASH, EventKind.SMOKE, EventKind.BLUR)

ENTER_OF = {EventKind.FROZEN: 10, EventKind.BLACK: 2, EventKind.TEST_PATTERN: 2}
"""Events that need more or fewer frames to begin: a calm scene stands still for a moment without being frozen."""


@dataclass(frozen=True)
class EventSpan:
    """An event over frames `start` to `stop` - 1, by index in the video."""

    kind: EventKind
    start: int
    stop: int


class EventDetector:
    """Decides frame by frame which event of the video goes on.

    An event begins once its rule held for `ENTER` frames in a row and ends once it failed for `LEAVE`; its span begins
    with the first of those frames and ends before the first of these. At most one event goes on at a time, beside cuts.

        detector = EventDetector()
        for frame in source.frames():
            kind = detector.step(frame.image)

    Args:
        thresholds: limits of the rules; None for the fitted ones.
        usual: what is usual, where it is known; by default it is learned from the frames as they come.

    Attributes:
        cut: whether the frame stepped last began another scene.
    """

    def __init__(self, thresholds: EventThresholds | None = None, *, usual: UsualFrame | None = None) -> None:
        self._limits, self._known = thresholds or EventThresholds(), usual
        self._meter, self._cuts, self._usual = StatisticsMeter(), CutDetector(), UsualMeter()
        self._turmoil: deque[float] = deque(maxlen=WASH_FRAMES)
        self._state = SteadyState()
        self.cut = False

    @property
    def current(self) -> EventKind | None:
        """The event that goes on after the frame stepped last."""
        return self._state.kind

    @property
    def age(self) -> int:
        """How many frames before the one stepped last the present state began, be it an event or none."""
        return self._state.age

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers of the frames so far, as plain JSON."""
        parts = {name: getattr(self, f"_{name}").state_dict() for name in ("meter", "cuts", "usual", "state")}
        return {**parts, "turmoil": list(self._turmoil)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on as the detector that `state_dict` was taken of."""
        for name in ("meter", "cuts", "usual", "state"):
            getattr(self, f"_{name}").load_state_dict(state[name])
        self._turmoil = deque(state["turmoil"], maxlen=WASH_FRAMES)

    def step(self, image: np.ndarray) -> EventKind | None:
        """Look at the next frame, uint8 [H, W, 3] RGB; the event that goes on, None if none does."""
        self.cut = self._cuts.step(sample_picture(image))
        return self.step_statistics(self._meter.step(image))

    def step_statistics(self, statistics: FrameStatistics) -> EventKind | None:
        """As `step`, for a frame that was measured before; cuts are not looked for."""
        self._turmoil.append(statistics.turmoil)
        turmoil = median(self._turmoil)
        kind = classify_frame(statistics, self._known or self._usual.usual, turmoil, self._limits)
        if kind is None and self._state.kind is None:
            self._usual.step(statistics)
        if self._state.kind in COMPARED and self._state.age >= LONGEST:
            self._usual = UsualMeter()
        return self._state.step(kind)


class SteadyState:
    """The event that goes on, changed only by several frames that agree."""

    def __init__(self) -> None:
        self.kind: EventKind | None = None
        self.age = 0
        self._candidate: EventKind | None = None
        self._count = 0

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, as plain JSON."""
        return {"kind": self.kind, "age": self.age, "candidate": self._candidate, "count": self._count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on as the state that `state_dict` was taken of."""
        kinds = (state["kind"], state["candidate"])
        self.kind, self._candidate = (None if name is None else EventKind(name) for name in kinds)
        self.age, self._count = state["age"], state["count"]

    def step(self, kind: EventKind | None) -> EventKind | None:
        """Take in what the next frame shows; the event that goes on now."""
        self.age += 1
        if kind == self.kind:
            self._candidate, self._count = None, 0
            return self.kind
        self._count = self._count + 1 if kind == self._candidate and self._count else 1
        self._candidate = kind
        needed = LEAVE if kind is None else ENTER_OF.get(kind, ENTER)
        if self._count >= needed:
            self.kind, self.age, self._count, self._candidate = kind, self._count - 1, 0, None
        return self.kind


def find_events(
    source: VideoSource,
    *,
    report_progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> list[EventSpan]:
    """Detect the events of a video, cuts included, ordered by their start.

    Args:
        source: a video; it is read once from its first frame to its last.
        report_progress: called with the frames done, and the frames in all or None.

    Raises:
        SourceError: the video cannot be read.
    """
    spans: list[EventSpan] = []
    for done, ended in iterate_events(source.frames()):
        spans += ended
        report_progress(done, source.length)
    return sorted(spans, key=lambda span: (span.start, span.kind))


def iterate_events(
    frames: Iterable[Frame], thresholds: EventThresholds | None = None
) -> Iterator[tuple[int, list[EventSpan]]]:
    """Yield after each frame how many there were, and the events known to have ended; last, the one that goes on."""
    detector, follower, done = EventDetector(thresholds), SpanFollower(), 0
    for done, frame in enumerate(frames, 1):
        detector.step(frame.image)
        yield done, follower.step(frame.index, detector)
    yield done, follower.end()


def classify_frames(
    rows: np.ndarray, thresholds: EventThresholds | None = None, *, usual: UsualFrame | None = None
) -> np.ndarray:
    """Events of frames that were measured before: their kinds [T] as text, "" where none goes on; no cuts.

    Args:
        rows: statistics [T, 12], a `FrameStatistics` a row.
        thresholds, usual: as of `EventDetector`.
    """
    detector, kinds = EventDetector(thresholds, usual=usual), np.full(len(rows), "", dtype="<U16")
    for t, row in enumerate(rows.tolist()):
        kind = detector.step_statistics(FrameStatistics(*row))
        kinds[t - detector.age : t + 1] = kind or ""
    return kinds


class SpanFollower:
    """Turns what a detector says frame by frame into spans, forward or backward in time."""

    def __init__(self) -> None:
        self._indices: deque[int] = deque(maxlen=1 + max(ENTER, LEAVE, *ENTER_OF.values()))
        self._open: EventSpan | None = None

    def step(self, index: int, detector: EventDetector) -> list[EventSpan]:
        """Spans that are known to have ended with the frame that the detector looked at last; a cut ends at once."""
        self._indices.append(index)
        spans = [EventSpan(EventKind.CUT, index, index + 1)] if detector.cut else []
        if detector.current != (self._open.kind if self._open else None):
            began = self._indices[-1 - detector.age]
            if self._open:
                spans.append(_span(self._open.kind, self._open.start, began))
            self._open = None if detector.current is None else EventSpan(detector.current, began, began)
        return spans

    def end(self) -> list[EventSpan]:
        """The event that still went on at the end of the video."""
        if self._open is None:
            return []
        backward = len(self._indices) > 1 and self._indices[-1] < self._indices[-2]
        return [_span(self._open.kind, self._open.start, self._indices[-1] + (-1 if backward else 1))]

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, as plain JSON."""
        return {"indices": list(self._indices), "open": None if self._open is None else [*astuple(self._open)]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on as the follower that `state_dict` was taken of."""
        self._indices.clear()
        self._indices.extend(state["indices"])
        opened = state["open"]
        self._open = None if opened is None else EventSpan(EventKind(opened[0]), *opened[1:])


def _span(kind: EventKind, first: int, beyond: int) -> EventSpan:
    """Frames from the first one met up to one that was met after the last; that one is lower going backward."""
    return EventSpan(kind, first, beyond) if beyond >= first else EventSpan(kind, beyond + 1, first + 1)
