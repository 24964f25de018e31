"""Smooth random functions of time that can be evaluated at any moment, and the camera made of them."""

import math
from dataclasses import dataclass

import numpy as np

from .geometry import Matrix, affine


class Track:
    """A random smooth scalar function of time: cubic interpolation of random knots, repeating after all of them."""

    def __init__(self, rng: np.random.Generator, period: float, amplitude: float = 1.0, centre: float = 0.0) -> None:
        """`period` is the time between knots; values mostly stay within `centre` ± `amplitude`."""
        self._knots: list[float] = (centre + amplitude * rng.uniform(-1, 1, 64)).tolist()
        self._rate = 1 / period
        self._phase = float(rng.uniform(0, 64))

    def __call__(self, t: float) -> float:
        """The value at time `t`."""
        position = t * self._rate + self._phase
        index = math.floor(position)
        s, knots = position - index, self._knots
        a, b, c, d = (knots[(index + k) & 63] for k in (-1, 0, 1, 2))
        return b + 0.5 * s * (c - a + s * (2 * a - 5 * b + 4 * c - d + s * (3 * (b - c) + d - a)))


class Clock:
    """Maps frame numbers to scene time: slow and fast spells, sudden bursts, standstills."""

    def __init__(self, rng: np.random.Generator, tempo: float) -> None:
        self._tempo = tempo
        self._swing = Track(rng, 25, rng.uniform(0, 10))
        self._fine = Track(rng, 7, rng.uniform(0, 1.5))

    def __call__(self, t: float) -> float:
        """The value at time `t`."""
        return self._tempo * (t + self._swing(t) + self._fine(t) - self._swing(0) - self._fine(0))


@dataclass(frozen=True)
class SteadyClock:
    """Maps frame numbers to scene time evenly."""

    tempo: float

    def __call__(self, t: float) -> float:
        """Scene time of frame `t`."""
        return self.tempo * t


@dataclass(frozen=True)
class View:
    """Where the camera stands in one moment; nearer layers (greater `depth`) move more."""

    x: float
    y: float
    angle: float
    zoom: float
    index: int

    def matrix(self, depth: float = 1.0) -> Matrix:
        """World to frame for a layer at `depth` (1 is the scene's own plane)."""
        scale = self.zoom**depth
        return affine(self.x * depth, self.y * depth, self.angle, scale)


class Camera:
    """Pans, turns and zooms, shakes, and may jump to another view of the scene."""

    def __init__(
        self, rng: np.random.Generator, pan: float, turn: float, zoom: float, jump_every: float | None = None
    ) -> None:
        """`pan` in half frames, `turn` in radians, `zoom` logarithmic; `jump_every` is the mean time between jumps."""
        self._x, self._y = Track(rng, 40, pan), Track(rng, 40, pan)
        self._angle, self._zoom = Track(rng, 60, turn), Track(rng, 50, zoom)
        shake = rng.choice([0.0, 0.004, 0.015], p=[0.5, 0.35, 0.15])
        self._sx, self._sy = Track(rng, 1.7, shake), Track(rng, 1.7, shake)
        gaps = rng.exponential(jump_every, 400) + 4 if jump_every else np.array([np.inf])
        self._jumps = np.cumsum(gaps)
        self._offsets = rng.uniform(-1, 1, (16, 4)) * [pan, pan, 3 * turn, zoom]
        self._offsets[0] = 0

    def __call__(self, t: float) -> View:
        """The value at time `t`."""
        index = int(np.searchsorted(self._jumps, t, side="right"))
        dx, dy, dangle, dzoom = self._offsets[index % 16].tolist()
        return View(
            self._x(t) + self._sx(t) + dx,
            self._y(t) + self._sy(t) + dy,
            self._angle(t) + dangle,
            math.exp(self._zoom(t) + dzoom),
            index,
        )
