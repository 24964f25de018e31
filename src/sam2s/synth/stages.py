"""The kinds of scenes: who is on the stage, how the camera moves, and how it sees."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from .actors import Actor, Backdrop, Body, Instrument
from .canvas import Elastic
from .creatures import bars, landscape, thing
from .effects import Grade
from .instruments import INSTRUMENTS
from .motion import Camera
from .organs import ORGANS, bed, blood, fold, iris, lumen, organ, palette_of, polyp
from .textures import any_tint, tint


class SceneKind(StrEnum):
    """What a scene shows."""

    LAPAROSCOPY = "laparoscopy"
    COLONOSCOPY = "colonoscopy"
    ROBOTIC = "robotic"
    MICROSCOPE = "microscope"
    GENERIC = "generic"
    REENTRY = "reentry"


class SceneObject(NamedTuple):
    """A labelled object: its id in the label maps, its category, and what it is."""

    id: int
    name: str
    type: Literal["instrument", "tissue", "object"]


@dataclass(frozen=True)
class Stage:
    """Everything that a scene needs to be drawn; a `steady` one keeps to its own time, a unit a frame."""

    actors: tuple[Actor, ...]
    objects: tuple[SceneObject, ...]
    camera: Camera
    grade: Grade
    tempo: float
    steady: bool = False


class _Cast:
    """Hands out ids while a stage is being set."""

    def __init__(self) -> None:
        self.actors: list[Actor] = []
        self.objects: list[SceneObject] = []

    def add(self, make: Callable[[int], Actor], name: str, type: Literal["instrument", "tissue", "object"]) -> None:
        self.objects.append(SceneObject(len(self.objects) + 1, name, type))
        self.actors.append(make(len(self.objects)))

    def extras(self, *actors: Actor) -> None:
        self.actors.extend(actors)

    def stage(self, camera: Camera, grade: Grade, tempo: float) -> Stage:
        return Stage(tuple(self.actors), tuple(self.objects), camera, grade, tempo)


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    """A size or speed, as often within any factor of two as within any other."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _tools(
    cast: _Cast, rng: np.random.Generator, names: list[str], radius: tuple[float, float], robotic: bool, leaves: float
) -> None:
    looks = rng.integers(2**31, size=len(names)) if rng.random() < 0.6 else np.full(len(names), rng.integers(2**31))
    sides = rng.uniform(0, 2 * np.pi) + np.arange(len(names)) * rng.uniform(0.7, 2.4)
    for name, side, look in zip(names, sides, looks.tolist(), strict=True):
        thick = _between(rng, *radius) * (1.8 if name in ("thread", "suturing needle") else 1.0)
        tool = partial(
            Instrument,
            rng,
            name,
            radius=thick,
            robotic=robotic,
            reach=rng.uniform(0.15, 0.5),
            leaves=leaves,
            pivot=side,
            period=rng.uniform(8, 30),
            looks=look,
        )
        cast.add(tool, name, "instrument")


def _names(rng: np.random.Generator, count: int) -> list[str]:
    """Instrument names; a second tool is often of the same category as the first."""
    names = [str(n) for n in rng.choice(list(INSTRUMENTS), count)]
    return [names[0] if k and rng.random() < 0.35 else n for k, n in enumerate(names)]


def laparoscopy(rng: np.random.Generator, drift: float) -> Stage:
    """Organs under one to four tools that come in from all sides."""
    """Lay out a laparoscopic scene: organs, fat and long thin instruments from several ports."""
    cast = _Cast()
    cast.extras(bed(rng, palette_of(rng)))
    for _ in range(int(rng.integers(1, 4))):
        name = str(rng.choice(list(ORGANS)))
        size = _between(rng, 0.2, 0.8)
        if rng.random() < 0.75:
            cast.add(partial(organ, rng, name, size=size), name, "tissue")
        else:
            cast.extras(organ(rng, name, 0, size=size))
    if rng.random() < 0.35:
        cast.extras(*(blood(rng) for _ in range(int(rng.integers(1, 4)))))
    _tools(cast, rng, _names(rng, int(rng.choice([1, 2, 3, 4], p=[0.3, 0.4, 0.2, 0.1]))), (0.05, 0.16), False, drift)
    camera = Camera(
        rng, rng.uniform(0, 0.5), rng.uniform(0, 0.3), rng.uniform(0, 0.3), 60 if rng.random() < drift else None
    )
    return cast.stage(camera, Grade(border=0.4, smoke=0.35), _between(rng, 0.15, 2.5))


def colonoscopy(rng: np.random.Generator, drift: float) -> Stage:
    """The inside of the colon with polyps, at times a tool."""
    """Lay out the inside of a bowel with polyps, folds and reflections."""
    cast = _Cast()
    wall = tint(rng, palette_of(rng, ("mucosa", "mucosa", "mucosa", "pale mucosa", "red mucosa", "meat", "serosa")))
    views = tuple(lumen(rng, wall) for _ in range(int(rng.integers(1, 4))))
    cast.extras(
        Backdrop(
            views,
            rng.uniform(0.6, 1.0),
            Elastic(rng, rng.uniform(0, 0.15), rng.uniform(5, 20)),
            scale=rng.uniform(1.1, 1.8),
        )
    )
    for _ in range(int(rng.choice([1, 2, 3], p=[0.7, 0.2, 0.1]))):
        size = _between(rng, 0.1, 0.6)
        restage = rng.uniform(0.2, 0.7)
        cast.add(partial(polyp, rng, wall=wall, size=size, restage=restage), "polyp", "tissue")
    for _ in range(int(rng.integers(0, 4))):
        cast.extras(fold(rng, wall))
    if rng.random() < 0.25:
        _tools(
            cast, rng, [str(rng.choice(["snare", "catheter", "grasper", "clip applier"]))], (0.03, 0.08), False, drift
        )
    camera = Camera(rng, rng.uniform(0.1, 0.7), rng.uniform(0.1, 0.8), rng.uniform(0.1, 0.6), _between(rng, 4, 60))
    return cast.stage(
        camera,
        Grade(border=0.75, falloff=0.8, smoke=0.08, shine=1.3, shading=0.9, blur=0.4, cast=0.04),
        _between(rng, 0.3, 3),
    )


def robotic(rng: np.random.Generator, drift: float) -> Stage:
    """One to three jointed tools over organs, often in grey."""
    """Lay out a robotic scene on ex vivo tissue with jointed instruments."""
    cast = _Cast()
    cast.extras(bed(rng, palette_of(rng, ("grey", "meat", "muscle", "fat", "serosa")), relief=1.5))
    for _ in range(int(rng.integers(0, 4))):
        name = str(rng.choice(["kidney parenchyma", "covered kidney", "fat", "connective tissue", "small intestine"]))
        size = _between(rng, 0.2, 0.8)
        if rng.random() < 0.4:
            cast.add(partial(organ, rng, name, size=size), name, "tissue")
        else:
            cast.extras(organ(rng, name, 0, size=size))
    if rng.random() < 0.35:
        cast.extras(*(blood(rng) for _ in range(int(rng.integers(1, 4)))))
    _tools(cast, rng, _names(rng, int(rng.integers(1, 4))), (0.07, 0.22), True, drift)
    camera = Camera(rng, rng.uniform(0, 0.25), rng.uniform(0, 0.1), rng.uniform(0, 0.2))
    return cast.stage(camera, Grade(border=0.1, grey=0.5, shine=1.4, shading=1.0), _between(rng, 0.3, 3))


def microscope(rng: np.random.Generator, drift: float) -> Stage:
    """The eye or other small fields under thin tools."""
    """Lay out an eye under the microscope with fine instruments."""
    cast = _Cast()
    cast.extras(bed(rng, palette_of(rng, ("sclera", "sclera", "serosa", "muscle"))))
    if rng.random() < 0.8:
        cast.extras(*iris(rng))
    _tools(cast, rng, _names(rng, int(rng.integers(1, 4))), (0.025, 0.1), False, drift)
    camera = Camera(rng, rng.uniform(0, 0.3), rng.uniform(0, 0.15), rng.uniform(0, 0.2))
    return cast.stage(camera, Grade(border=0.2, smoke=0.05, shine=1.2), _between(rng, 0.2, 2))


def generic(rng: np.random.Generator, drift: float) -> Stage:
    """The world outside of the body: things and creatures over a landscape."""
    """Lay out a scene of natural things, for variety."""
    cast = _Cast()
    ground = landscape(rng)
    cast.extras(ground)
    like = tuple(ground.sprites[0].texture[:3].mean((1, 2)).tolist()) if rng.random() < 0.35 else any_tint(rng)
    count = int(rng.choice([1, 2, 3, 4], p=[0.4, 0.35, 0.15, 0.1]))
    for _ in range(count):
        size = _between(rng, 0.14, 0.75)
        shade = like if rng.random() < 0.5 else None
        cast.add(partial(thing, rng, size=size, like=shade), "object", "object")
    first = next(a for a in cast.actors if isinstance(a, Body))
    for _ in range(int(rng.choice(4, p=[0.4, 0.3, 0.2, 0.1]))):
        members = list(first.members) if rng.random() < 0.4 else None
        cast.extras(
            thing(rng, 0, size=_between(rng, 0.08, 0.4), like=like if rng.random() < 0.6 else None, members=members)
        )
    if rng.random() < 0.3:
        cast.extras(*(bars(rng) for _ in range(int(rng.integers(1, 4)))))
    if rng.random() < 0.15:
        _tools(cast, rng, _names(rng, 1), (0.03, 0.15), rng.random() < 0.5, drift)
    camera = Camera(
        rng, rng.uniform(0, 0.9), rng.uniform(0, 0.4), rng.uniform(0, 0.5), 80 if rng.random() < 0.2 else None
    )
    grade = Grade(border=0.05, falloff=0.2, smoke=0.08, grey=0.1, shine=0.4, shading=0.5, blur=0.2, droplets=0.05)
    return cast.stage(camera, grade, _between(rng, 0.15, 3))
