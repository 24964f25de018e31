"""What the numbers of one frame say: which event of the video it shows, if any."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from sam2s.video.event_kind import EventKind

from .frame_statistics import FrameStatistics


@dataclass(frozen=True)
class EventThresholds:
    """Limits of the rules of `classify_frame`; defaults are fitted on drawn scenes (docs/explanation/video-events.md).

    Where a value says "of the usual", the usual is the median of undisturbed frames of the last seconds, so that a dull
    or a soft camera is held to its own standard.

    Attributes:
        black_bright: black: hardly a pixel is brighter than this.
        pattern_flat: test pattern: at least this share of the samples equals its neighbours, and ...
        pattern_columns: ... the picture consists of vertical bars to this degree, or ...
        pattern_cool: ... at least this share is blue or green.
        frozen_change: frozen: hardly a sample changes by more than this since the frame before.
        outside_first: out of body: where it is not known yet what is usual, more than this share is blue or green.
        outside_cool: Later: this share more than usual is blue or green, or ...
        outside_tissue: ... the share of tissue is under this part of the usual, which is ...
        outside_usual: ... more than this, while ...
        outside_contrast: ... the contrast is at least this part of the usual, as it is not in smoke.
        blood_share: blood: this share more than usual is deep red, and ...
        blood_contrast: ... the contrast is under this part of the usual.
        wash_turmoil: lens wash: the change that no shift explains exceeds this, as a median over `WASH_FRAMES`.
        smoke_haze: smoke: the darkest and most colourful pixels are lighter than usual by this, by 255, and ...
        smoke_contrast: ... the contrast is under this part of the usual.
        blur_sharpness: blurred: the sharpness is under this part of the usual, and ...
        blur_contrast: ... the contrast is under this part of the usual.
    """

    black_bright: float = 24.0
    pattern_flat: float = 0.7
    pattern_columns: float = 0.98
    pattern_cool: float = 0.7
    frozen_change: float = 1.5
    outside_first: float = 0.5
    outside_cool: float = 0.2
    outside_tissue: float = 0.3
    outside_usual: float = 0.6
    outside_contrast: float = 0.56
    blood_share: float = 0.17
    blood_contrast: float = 0.94
    wash_turmoil: float = 0.21
    smoke_haze: float = 0.12
    smoke_contrast: float = 0.7
    blur_sharpness: float = 0.35
    blur_contrast: float = 0.56


WASH_FRAMES = 6
"""Frames over which the median of turmoil is taken: a cut lasts one frame, a wash many."""

EVERY, HELD = 5, 50
"""One in EVERY undisturbed frames tells what is usual, the last HELD of them: ten seconds at 25 frames a second."""


@dataclass(frozen=True)
class UsualFrame:
    """Medians of the statistics that rules compare with."""

    haze: float
    contrast: float
    tissue: float
    cool: float
    blood: float
    sharpness: float


LEARNED = 15
"""Frames after which it is known what is usual; until then the rules that compare with it hold for none."""

NAMES = tuple(field.name for field in fields(UsualFrame))


def median_frame(rows: np.ndarray) -> UsualFrame:
    """Medians of frames [T, 6], whose columns are `NAMES`."""
    return UsualFrame(*(float(value) for value in np.median(rows, axis=0)))


class UsualMeter:
    """Keeps what is usual up to date."""

    def __init__(self) -> None:
        self._held: deque[tuple[float, ...]] = deque(maxlen=HELD)
        self._count = 0
        self.usual: UsualFrame | None = None

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, as plain JSON."""
        usual = None if self.usual is None else asdict(self.usual)
        return {"held": [list(row) for row in self._held], "count": self._count, "usual": usual}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on as the meter that `state_dict` was taken of."""
        self._held = deque((tuple(row) for row in state["held"]), maxlen=HELD)
        self._count, usual = state["count"], state["usual"]
        self.usual = None if usual is None else UsualFrame(**usual)

    def step(self, statistics: FrameStatistics) -> None:
        """Take in an undisturbed frame."""
        self._count += 1
        if self._count <= LEARNED or self._count % EVERY == 0:
            self._held.append(tuple(getattr(statistics, name) for name in NAMES))
            if self._count >= LEARNED:
                self.usual = median_frame(np.array(self._held))


def classify_frame(
    statistics: FrameStatistics, usual: UsualFrame | None, turmoil: float, limits: EventThresholds
) -> EventKind | None:
    """The event that a frame shows, the most certain one first; None where it shows none.

    Args:
        statistics: of the frame.
        usual: what is usual in this video; None where that is not known yet.
        turmoil: median over the last `WASH_FRAMES` frames.
        limits: of the rules.
    """
    s = statistics
    if s.bright < limits.black_bright:
        return EventKind.BLACK
    bars = s.columns >= limits.pattern_columns
    if s.flat >= limits.pattern_flat and (bars or s.cool >= limits.pattern_cool):
        return EventKind.TEST_PATTERN
    if s.change < limits.frozen_change:
        return EventKind.FROZEN
    if usual is None:
        return EventKind.OUT_OF_BODY if s.cool > limits.outside_first else None
    if s.cool > usual.cool + limits.outside_cool:
        return EventKind.OUT_OF_BODY
    contrast = s.contrast / max(usual.contrast, 1e-3)
    pale = s.tissue < limits.outside_tissue * usual.tissue and usual.tissue > limits.outside_usual
    rules = (
        (EventKind.OUT_OF_BODY, pale and contrast >= limits.outside_contrast),
        (EventKind.BLOOD, s.blood > usual.blood + limits.blood_share and contrast < limits.blood_contrast),
        (EventKind.LENS_WASH, turmoil > limits.wash_turmoil),
        (EventKind.SMOKE, s.haze > usual.haze + limits.smoke_haze and contrast < limits.smoke_contrast),
        (EventKind.BLUR, s.sharpness < limits.blur_sharpness * usual.sharpness and contrast < limits.blur_contrast),
    )
    return next((kind for kind, holds in rules if holds), None)
