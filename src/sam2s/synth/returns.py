"""Tools that leave and come back from elsewhere, nearer to the camera, beside a tool of another kind with their shaft.

What a long-term memory is for: on its return the tool looks unlike its first frame, and the one that looks like it is
another. Times are frames.
"""

import math
from dataclasses import dataclass

import numpy as np

from .actors import Actor, Entry, Instrument
from .effects import Grade
from .instruments import INSTRUMENTS
from .motion import Camera
from .organs import ORGANS, bed, organ, palette_of
from .stages import SceneObject, Stage

AWAY = (13, 29)
"""Fewest and most frames for which the target is gone."""

STAY = (25, 60)
"""Fewest and most frames of a visit; the first is half as long."""

LARGER = (1.3, 2.4)
"""How much larger than on its first frame the target is when it is back."""

SLIDE = 4
"""Frames in which a tool slides in or out, within its visit."""

VISITS = 128


@dataclass(frozen=True)
class Visit:
    """A stay in view: frames `start` to `stop` - 1, the direction that the shaft comes from, and the size."""

    start: float
    stop: float
    side: float
    size: float


def target_visits(rng: np.random.Generator) -> list[Visit]:
    """Begins small; every return is from another side and larger than the first."""
    side, start, visits = rng.uniform(0, 2 * math.pi), -math.inf, []
    stop = float(rng.integers(STAY[0] // 2, STAY[1] // 2))
    size = 1.0
    for _ in range(VISITS):
        visits.append(Visit(start, stop, side, size))
        start = stop + int(rng.integers(AWAY[0], AWAY[1] + 1))
        stop = start + int(rng.integers(*STAY))
        side += rng.uniform(0.5, 1.5) * math.pi
        size = rng.uniform(*LARGER)
    return visits


def other_visits(rng: np.random.Generator) -> list[Visit]:
    """Nearly always in view, now smaller, now larger."""
    side, start, visits = rng.uniform(0, 2 * math.pi), -math.inf, []
    for _ in range(VISITS):
        stop = max(start, 0) + int(rng.integers(40, 120))
        visits.append(Visit(start, stop, side, rng.uniform(0.8, 1.8)))
        start = stop + int(rng.integers(2, 10))
        side += rng.uniform(-0.4, 0.4) * math.pi
    return visits


class ReturningInstrument(Instrument):
    """An instrument that comes and goes by a plan."""

    def __init__(
        self, rng: np.random.Generator, name: str, label: int, visits: list[Visit], *, radius: float, looks: int
    ) -> None:
        super().__init__(rng, name, label, radius=radius, reach=rng.uniform(0.15, 0.4), period=24.0, looks=looks)
        self.visits = visits
        self._distance = math.hypot(*self._pivot)
        self._starts = [visit.start for visit in visits]

    def entry(self, t: float) -> Entry:
        """Where the shaft comes from, how far it is drawn back, and how large the tool is."""
        visit = self.visits[max(0, int(np.searchsorted(self._starts, t, side="right")) - 1)]
        inside = min(t - visit.start + 1, visit.stop - t) / SLIDE
        pivot = self._distance * math.cos(visit.side), self._distance * math.sin(visit.side)
        return Entry(pivot, min(max(1 - inside, 0.0), 1.0), visit.size)


def reentry(rng: np.random.Generator, drift: float) -> Stage:
    """A target that leaves and returns, and a tool of another kind on a shaft like its own, over organs."""
    actors: list[Actor] = [bed(rng, palette_of(rng))]
    for _ in range(int(rng.integers(1, 3))):
        actors.append(organ(rng, str(rng.choice(list(ORGANS))), 0, size=rng.uniform(0.25, 0.7)))
    held = [name for name in INSTRUMENTS if name not in ("suturing needle", "thread")]
    first, second = (str(name) for name in rng.choice(held, 2, replace=False))
    looks, radius = int(rng.integers(2**31)), float(np.exp(rng.uniform(math.log(0.055), math.log(0.085))))
    target = ReturningInstrument(rng, first, 1, target_visits(rng), radius=radius, looks=looks)
    other = ReturningInstrument(rng, second, 2, other_visits(rng), radius=radius, looks=looks)
    other.shaft, other._size = target.shaft, target._size
    actors += [target, other]
    objects = (SceneObject(1, first, "instrument"), SceneObject(2, second, "instrument"))
    camera = Camera(rng, rng.uniform(0, 0.3), rng.uniform(0, 0.15), rng.uniform(0, 0.15))
    return Stage(tuple(actors), objects, camera, Grade(border=0.25, smoke=0.2), 1.0, steady=True)
