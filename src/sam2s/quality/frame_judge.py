"""Whether tracking looks for objects in a frame, by what happens to the video there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import astuple
from typing import Any

from sam2s.video.event_kind import EventKind
from sam2s.video.frame import Frame

from .event_detector import EventDetector, EventSpan, SpanFollower

UNJUDGED = frozenset({EventKind.OUT_OF_BODY, EventKind.BLACK, EventKind.TEST_PATTERN, EventKind.BLOOD})
"""Events on whose frames objects are not judged: next to nothing of the scene is seen there."""


class FrameJudge:
    """Decides of one frame after another whether it is judged, and remembers the events that it met.

    An event is known some frames after its first (see `EventDetector`); until then frames are judged.

    Args:
        unjudged: events on whose frames objects are not judged.

    Attributes:
        seen: lowest index of the frames so far, and one more than the highest; None before any.
    """

    def __init__(self, unjudged: Collection[EventKind] = UNJUDGED) -> None:
        self._unjudged = frozenset(unjudged)
        self._detector, self._follower = EventDetector(), SpanFollower()
        self._spans: list[EventSpan] = []
        self.seen: tuple[int, int] | None = None

    def __call__(self, frame: Frame) -> bool:
        """Look at the next frame; whether objects are looked for in it."""
        first, beyond = self.seen or (frame.index, frame.index + 1)
        self.seen = min(first, frame.index), max(beyond, frame.index + 1)
        self._detector.step(frame.image)
        self._spans += self._follower.step(frame.index, self._detector)
        return self._detector.current not in self._unjudged

    @property
    def spans(self) -> list[EventSpan]:
        """Events so far by their start, with the one that goes on."""
        return sorted([*self._spans, *self._follower.end()], key=lambda span: (span.start, span.kind))

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers of the frames so far, as plain JSON."""
        spans = [list(astuple(span)) for span in self._spans]
        return {
            "detector": self._detector.state_dict(),
            "follower": self._follower.state_dict(),
            "spans": spans,
            "seen": self.seen,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on as the judge that `state_dict` was taken of."""
        self._detector.load_state_dict(state["detector"])
        self._follower.load_state_dict(state["follower"])
        self._spans = [EventSpan(EventKind(kind), start, stop) for kind, start, stop in state["spans"]]
        self.seen = None if state["seen"] is None else (state["seen"][0], state["seen"][1])
