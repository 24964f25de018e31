"""What is on the stage: things that know where they are at any time and draw themselves."""

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from .canvas import Canvas, Elastic, Sprite
from .geometry import Matrix, affine, compose
from .instruments import INSTRUMENTS, shaft_look
from .metal import shaft
from .motion import Track, View


class Actor(Protocol):
    """Something to draw, labelled with `label`: 0 for what hides objects without being one, `None` for a mere stain."""

    label: int | None

    def depth(self, t: float) -> float:
        """Order of drawing: greater is nearer."""

    def draw(self, canvas: Canvas, t: float, view: View) -> None:
        """Draws the state of time `t` as seen from `view`."""


@dataclass
class Backdrop:
    """An endless background; every view of the camera may have its own sprites, made when first seen."""

    sprites: Sequence[Sprite]
    plane: float = 0.8
    elastic: Elastic | None = None
    label: int | None = 0
    scale: float = 2.0

    def depth(self, t: float) -> float:
        """Order of drawing at time `t`: greater is nearer."""
        return -math.inf

    def draw(self, canvas: Canvas, t: float, view: View) -> None:
        """Draw the state of time `t` as seen from `view`."""
        pose = compose(view.matrix(self.plane), affine(0, 0, 0, self.scale))
        canvas.fill(self.sprites[view.index % len(self.sprites)], pose, self.elastic.at(t) if self.elastic else None)


@dataclass
class Path:
    """Place, angle and scale over time."""

    x: Track
    y: Track
    angle: Track
    scale: Track
    aspect: Track

    @classmethod
    def random(
        cls,
        rng: np.random.Generator,
        place: Sequence[float] | np.ndarray,
        scale: float,
        *,
        reach: float,
        turn: float,
        grow: float,
        period: float,
        angle: float | None = None,
    ) -> "Path":
        """Draw a path at random."""
        return cls(
            Track(rng, period, reach, float(place[0])),
            Track(rng, period, reach, float(place[1])),
            Track(rng, period, turn, rng.uniform(-math.pi, math.pi) if angle is None else angle),
            Track(rng, period, grow, math.log(scale)),
            Track(rng, period, grow, rng.normal(0, 0.2)),
        )

    def at(self, t: float) -> Matrix:
        """Placement at time `t`, as an affine matrix."""
        scale, aspect = math.exp(self.scale(t)), math.exp(0.5 * self.aspect(t))
        return affine(self.x(t), self.y(t), self.angle(t), scale * aspect, scale / aspect)


@dataclass
class Member:
    """One sprite of a body, hinged at `anchor` of its parent and swinging about `rest`."""

    sprite: Sprite
    anchor: tuple[float, float] = (0.0, 0.0)
    rest: float = 0.0
    swing: Track | None = None
    parent: int = -1
    scale: float = 1.0


@dataclass
class Body:
    """A soft or jointed thing in the world: an organ, a polyp, a creature, a distractor."""

    members: Sequence[Member]
    path: Path
    label: int | None
    _: KW_ONLY
    plane: float = 1.0
    elastic: Elastic | None = None
    soft: float = 1.0
    opacity: float = 1.0
    shadow: tuple[float, float, float] | None = None
    order: Track | None = None
    rank: float = 0.0
    restage: float = 0.0
    seed: int = 0
    _moves: dict[int, Matrix] = field(default_factory=dict)

    def depth(self, t: float) -> float:
        """Order of drawing at time `t`: greater is nearer."""
        return self.rank + (self.order(t) if self.order else 0.0)

    def _pose(self, t: float, view: View) -> Matrix:
        pose = self.path.at(t)
        if self.restage and view.index:
            if view.index not in self._moves:
                rng = np.random.default_rng((self.seed, view.index))
                sx, sy = np.exp(rng.normal(0, 0.45, 2) * min(self.restage, 1) + rng.normal(0, 0.25)).tolist()
                dx, dy = (rng.uniform(-1, 1, 2) * self.restage).tolist()
                self._moves[view.index] = affine(dx, dy, rng.uniform(-0.8, 0.8), sx, sy)
            move = self._moves[view.index]
            pose = compose(move, pose)
        return compose(view.matrix(self.plane), pose)

    def draw(self, canvas: Canvas, t: float, view: View) -> None:
        """Draw the state of time `t` as seen from `view`."""
        root = self._pose(t, view)
        warp = self.elastic.at(t) if self.elastic else None
        poses: list[Matrix] = []
        for member in self.members:
            base = root if member.parent < 0 else poses[member.parent]
            angle = member.rest + (member.swing(t) if member.swing else 0.0)
            pose = compose(base, affine(*member.anchor, angle, member.scale))
            poses.append(pose)
            own = warp if member.parent < 0 else None
            canvas.draw(
                member.sprite, pose, self.label, warp=own, soft=self.soft, opacity=self.opacity, shadow=self.shadow
            )


class Entry(NamedTuple):
    """How a tool comes into view.

    Attributes:
        pivot: where its shaft enters, outside of the frame.
        back: how far it is pulled out: 0 in place, 1 out of sight.
        size: against its usual one.
    """

    pivot: tuple[float, float]
    back: float
    size: float


class Instrument:
    """A tool whose shaft pivots outside of the view, slides in and out, bends at the wrist, opens and turns."""

    def __init__(
        self,
        rng: np.random.Generator,
        name: str,
        label: int,
        *,
        radius: float,
        robotic: bool = False,
        reach: float = 0.45,
        leaves: float = 0.0,
        pivot: float | None = None,
        period: float = 18.0,
        looks: int = 0,
    ) -> None:
        """`radius` of the shaft in half frames; `leaves` is the chance of being drawn back at a time.

        Two tools of one name and the same `looks` cannot be told apart but by where they are.
        """
        self.label: int | None = label
        forge = np.random.default_rng(looks)
        kind = INSTRUMENTS[name]
        self.tip = kind.tip(forge, robotic)
        self.shaft = None if self.tip.free else shaft(forge, shaft_look(forge, name, robotic), kind.collar)
        side = rng.uniform(0, 2 * math.pi) if pivot is None else pivot
        away = rng.uniform(1.5, 2.6)
        self._pivot = (away * math.cos(side), away * math.sin(side))
        lean = rng.uniform(-0.25, 0.25)
        self._x, self._y = Track(rng, period, reach, lean), Track(rng, period, reach, lean * rng.uniform(-1, 1))
        self._size = Track(rng, 2 * period, 0.25, math.log(radius * kind.thickness))
        self._bend, self._open = Track(rng, period / 2, self.tip.swivel), Track(rng, period / 3, 0.75, 0.4)
        self._roll = Track(rng, period, 1.4)
        self._spin = Track(rng, period, 1.0, rng.uniform(-3, 3))
        self._away = Track(rng, 1.5 * period)
        self._leaves = leaves
        self._rank = Track(rng, 3 * period, 0.5, 10)
        self._shadow = (
            (rng.uniform(-0.12, 0.12), rng.uniform(0, 0.15), rng.uniform(0.15, 0.6)) if rng.random() < 0.7 else None
        )

    def depth(self, t: float) -> float:
        """Order of drawing at time `t`: greater is nearer."""
        return self._rank(t)

    def entry(self, t: float) -> Entry:
        """How the tool is in view at time `t`; in place at time 0."""
        wish = self._away(t) - (1 - self._leaves) if self._leaves else 0.0
        return Entry(self._pivot, min(max(4 * wish, 0.0), 1.0) * min(1.0, t / 6), 1.0)

    def draw(self, canvas: Canvas, t: float, view: View) -> None:
        """Draw the state of time `t` as seen from `view`."""
        (px, py), back, size = self.entry(t)
        if back == 1:
            return
        x, y = self._x(t) + 0.3 * view.x, self._y(t) + 0.3 * view.y
        bearing = math.atan2(y - py, x - px)
        back *= math.hypot(x - px, y - py) + 1
        x, y = x - back * math.cos(bearing), y - back * math.sin(bearing)
        size *= math.exp(self._size(t)) * view.zoom**0.5
        if self.tip.free:
            hub = affine(x, y, self._spin(t), size, size * math.cos(0.8 * self._roll(t)))
        else:
            hub = affine(x, y, bearing, size)
        roll = math.cos(self._roll(t))
        wrist = compose(hub, affine(0, 0, self._bend(t)))
        if self.shaft:
            canvas.draw(self.shaft, hub, self.label, shadow=self._shadow)
        opening = self.tip.opening * min(max(self._open(t), 0.0), 1.0)
        head = compose(wrist, affine(self.tip.joint, 0, 0, 1, math.copysign(0.45 + 0.55 * abs(roll), roll)))
        for part in self.tip.parts:
            pose = compose(head, affine(0, 0, part.side * opening))
            canvas.draw(part.sprite, pose, self.label, shadow=None if self.shaft else self._shadow)
        if self.tip.wrist:
            canvas.draw(self.tip.wrist, wrist, self.label)
