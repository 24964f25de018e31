"""Events of the video itself, drawn over a scene with true spans: smoke, a wash of the lens, a walk out of the body."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sam2s.errors import ConfigError
from sam2s.video.event_kind import EventKind

from .event_effects import add_blood, add_blur, add_smoke, add_wash, black_picture, pattern_picture
from .scene import Scene
from .theatre import Theatre

Array = NDArray[np.uint8]


REPLACING = (EventKind.CUT, EventKind.OUT_OF_BODY, EventKind.BLACK, EventKind.TEST_PATTERN)
"""Events in which nothing of the scene is seen: its labels are empty."""

FILMS = {
    EventKind.SMOKE: add_smoke,
    EventKind.BLUR: add_blur,
    EventKind.LENS_WASH: add_wash,
    EventKind.BLOOD: add_blood,
}
"""Events that lie over the scene. A film takes the picture, the event's seed and frame, and its strength."""

RAMP = {EventKind.SMOKE: 8, EventKind.BLUR: 4, EventKind.LENS_WASH: 2, EventKind.BLOOD: 2}
"""Frames before and after the span in which a film comes and goes; at half its strength the span begins and ends."""


@dataclass(frozen=True)
class DrawnEvent:
    """An event over frames `start` to `stop` - 1; `seed` decides how it looks."""

    kind: EventKind
    start: int
    stop: int
    seed: int

    def strength(self, t: int) -> float:
        """How strong the event is at frame `t`, from 0 to 1."""
        ramp = RAMP.get(self.kind, 0)
        if not ramp:
            return float(self.start <= t < self.stop)
        inside = min(t - self.start + 0.5, self.stop - t - 0.5)  # frames from the nearer end
        return float(np.clip(0.5 + inside / ramp, 0, 1))


def plan_events(
    seed: int,
    length: int,
    kinds: Iterable[EventKind | str] | None = None,
    *,
    spans: tuple[int, int] = (20, 45),
    gap: int = 40,
) -> tuple[DrawnEvent, ...]:
    """Place events of the kinds one after another, each alone, as many as the clip holds.

    Args:
        seed: decides spans, their order and looks.
        length: frames of the clip.
        kinds: which; None for all.
        spans: shortest and longest event in frames.
        gap: frames of undisturbed scene before each event and at the end.

    Raises:
        ConfigError: a kind does not exist, or the clip is too short for a single event.
    """
    wanted = list(EventKind) if kinds is None else [_kind(kind) for kind in kinds]
    if not wanted:
        return ()
    rng = np.random.default_rng((seed, 11))
    events: list[DrawnEvent] = []
    at = gap
    while True:
        for kind in rng.permutation(np.array(wanted, dtype=object)):
            span = int(rng.integers(spans[0], spans[1] + 1))
            if at + span + gap > length:
                if not events:
                    raise ConfigError(
                        f"{length} frames are too few for an event of {span} with {gap} before and after it; give at "
                        f"least {spans[1] + 2 * gap}"
                    )
                return tuple(events)
            events.append(DrawnEvent(kind, at, at + span, int(rng.integers(2**31))))
            at += span + gap


def _kind(kind: str) -> EventKind:
    if kind not in set(EventKind):
        raise ConfigError(f"event {kind!r} does not exist; allowed are {', '.join(EventKind)}")
    return EventKind(kind)


class EventScene(Scene):
    """A scene with events; frames without one are those of the `Scene` of the same arguments, bit for bit.

    Args:
        seed, size, length, kind, tempo, drift: As of `Scene`.
        events: what happens when; their spans do not overlap.
    """

    def __init__(
        self,
        seed: int,
        size: int = 256,
        length: int = 100,
        *,
        events: Sequence[DrawnEvent],
        kind: str | None = None,
        tempo: float | None = None,
        drift: float = 0.25,
    ) -> None:
        super().__init__(seed, size, length, kind=kind, tempo=tempo, drift=drift)
        self.events = tuple(events)
        self._elsewhere: dict[int, Scene | Theatre] = {}

    def render(self, t: int) -> tuple[Array, Array]:
        """Draws frame `t` as `Scene.render` does, with what happens to the video on it."""
        event = next((event for event in self.events if event.strength(t) > 0), None)
        if event is not None and event.kind in REPLACING:
            return self._replaced(event, t), np.zeros((self.size, self.size), np.uint8)
        if event is not None and event.kind is EventKind.FROZEN:
            return super().render(max(0, event.start - 1))
        image, labels = super().render(t)
        if event is None:
            return image, labels
        shown = FILMS[event.kind](image, event.seed, t - event.start, event.strength(t))
        return (shown if self.border is None else (shown * self.border[..., None]).astype(np.uint8)), labels

    def _replaced(self, event: DrawnEvent, t: int) -> Array:
        if event.kind is EventKind.BLACK:
            return black_picture(self.size, event.seed, t)
        if event.kind is EventKind.TEST_PATTERN:
            return pattern_picture(self.size, event.seed)
        if event.start not in self._elsewhere:
            if event.kind is EventKind.CUT:
                self._elsewhere[event.start] = Scene(event.seed, self.size, self.length, kind=self.kind, drift=0)
            else:
                self._elsewhere[event.start] = Theatre(event.seed, self.size)
        picture = self._elsewhere[event.start].render(t)[0]
        if event.kind is EventKind.OUT_OF_BODY and self.border is not None:
            picture = (picture * self.border[..., None]).astype(np.uint8)  # the scope's own optics stay
        return picture

    def true_spans(self, kind: EventKind) -> list[tuple[int, int]]:
        """Frames from and up to which an event of the kind lasts, in order; a cut is one frame long."""
        spans = [(event.start, event.stop) for event in self.events if event.kind is kind]
        if kind is not EventKind.CUT:
            return spans
        edges = [at for event in self.events if event.kind in REPLACING for at in (event.start, event.stop)]
        return [(at, at + 1) for at in sorted({*edges, *self.jumps}) if 0 < at < self.length]
