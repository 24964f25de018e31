"""The world outside of the body, for correspondence in general: dead leaves, creatures on legs, rigid things, look-alikes."""

import math

import numpy as np

from .actors import Backdrop, Body, Member, Path
from .canvas import Canvas, Elastic, Sprite, sprite
from .motion import Track, affine
from .organs import flat
from .shapes import Shape, blob, polygon, stroke
from .textures import Colour, Surface, any_tint, anything


def _outline(rng: np.random.Generator, side: int) -> Shape:
    pick = rng.random()
    if pick < 0.5:
        return blob(rng, side, rng.uniform(0.03, 0.3), flat=rng.uniform(0, 1))
    if pick < 0.75:
        count = int(rng.integers(3, 8))
        angles = np.sort(rng.uniform(0, 2 * math.pi, count)) + np.arange(count) * 1e-3
        radii = rng.uniform(0.5, 1.1, (count, 1))
        return polygon(np.stack([np.cos(angles), np.sin(angles)], 1) * radii, rng.uniform(0, 0.15), side=side)
    points = np.cumsum(rng.normal([0.35, 0], [0.1, 0.25], (6, 2)), 0)
    return stroke(points - points.mean(0), rng.uniform(0.12, 0.4), side=side)


def _cover(rng: np.random.Generator, shape: Shape, like: Colour | None = None, scale: float = 0.7) -> Sprite:
    h, w = shape.distance.shape
    skin = anything(rng, h, w, scale=scale * rng.uniform(0.4, 1.6), like=like)
    return sprite(shape, skin, bump=rng.uniform(0, 3), bulge=rng.uniform(0, 0.9), gloss=rng.choice([0.0, 0.1, 0.5]))


def landscape(rng: np.random.Generator, *, side: int = 288) -> Backdrop:
    """Dead leaves, bands and rectangles painted over one another."""
    skin = anything(rng, side, side, scale=2)
    canvas = Canvas(side)
    canvas.fill(flat(skin, bump=rng.uniform(0, 2), gloss=0.0), affine(0, 0))
    colours = [any_tint(rng) for _ in range(3)]
    for _ in range(int(rng.integers(0, 16))):
        like = colours[rng.integers(3)] if rng.random() < 0.7 else None
        piece = _cover(rng, _outline(rng, 48), like)
        size = math.exp(rng.uniform(math.log(0.05), math.log(0.6)))
        pose = affine(*rng.uniform(-1, 1, 2), rng.uniform(0, 6.3), size, size * math.exp(rng.normal(0, 0.5)))
        canvas.draw(piece, pose)
    canvas.buffer[5] = 1
    elastic = Elastic(rng, rng.uniform(0, 0.05), rng.uniform(5, 30)) if rng.random() < 0.4 else None
    return Backdrop(
        (Sprite(canvas.buffer, (1.0, 1.0), 0.1),), rng.uniform(0.5, 1), elastic, scale=rng.uniform(1.3, 2.2)
    )


def creature(rng: np.random.Generator, like: Colour | None) -> list[Member]:
    """A trunk with a head and limbs of one or two segments that swing."""
    trunk = blob(rng, 112, rng.uniform(0.02, 0.2), flat=rng.uniform(0.2, 0.9))
    members = [Member(_cover(rng, trunk, like))]
    clothes = [any_tint(rng) for _ in range(2)] + ([like] if like else [])
    pace = rng.uniform(3, 9)
    for _ in range(int(rng.integers(1, 6))):
        bearing, length, thick = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 1.3), rng.uniform(0.08, 0.28)
        anchor = (0.75 * math.cos(bearing), 0.75 * math.sin(bearing))
        colour = clothes[rng.integers(len(clothes))] if rng.random() < 0.6 else like
        limb = stroke(np.array([[0, 0], [length * 0.5, rng.uniform(-0.1, 0.1)], [length, 0]]), thick, side=64)
        joint = len(members)
        members.append(Member(_cover(rng, limb, colour), anchor, bearing, Track(rng, pace, rng.uniform(0.1, 1.1))))
        if rng.random() < 0.6:
            lower = stroke(np.array([[0, 0], [length, 0]]), np.array([0.9, rng.uniform(0.5, 1.2)]) * thick, side=56)
            swing = Track(rng, pace, rng.uniform(0.1, 1.2))
            members.append(Member(_cover(rng, lower, colour), (length, 0.0), 0.0, swing, joint))
    if rng.random() < 0.7:
        head = blob(rng, 64, rng.uniform(0, 0.1), flat=0.5)
        bearing = rng.uniform(0, 2 * math.pi)
        anchor = (1.15 * math.cos(bearing), 1.15 * math.sin(bearing))
        members.append(Member(_cover(rng, head), anchor, 0.0, Track(rng, pace, 0.5), 0, rng.uniform(0.25, 0.5)))
    return members


def compound(rng: np.random.Generator, like: Colour | None) -> list[Member]:
    """A rigid thing with parts of other colours on it."""
    members = [Member(_cover(rng, _outline(rng, 128), like))]
    for _ in range(int(rng.integers(0, 5))):
        spot = _cover(rng, _outline(rng, 48))
        members.append(
            Member(spot, tuple(rng.uniform(-0.6, 0.6, 2)), rng.uniform(0, 6.3), None, 0, rng.uniform(0.12, 0.4))
        )
    return members


def thing(
    rng: np.random.Generator,
    label: int,
    *,
    size: float,
    like: Colour | None = None,
    members: list[Member] | None = None,
) -> Body:
    """A creature, a soft blob or a rigid compound on a path of its own; `members` reuses the looks of another."""
    pick = rng.random()
    if members is None:
        members = creature(rng, like) if pick < 0.45 else compound(rng, like)
    elastic = None
    if rng.random() < 0.7:
        elastic = Elastic(rng, rng.uniform(0, 0.22), rng.uniform(3, 20), rng.uniform(0, 0.4))
    mild = rng.random() < 0.6
    path = Path.random(
        rng,
        *rng.uniform(-0.6, 0.6, 2),
        size,
        reach=rng.uniform(0, 0.4) if mild else rng.uniform(0.4, 1.3),
        turn=rng.uniform(0, 0.4) if mild else rng.uniform(0, 3),
        grow=rng.uniform(0, 0.5),
        period=rng.uniform(6, 30),
    )
    soft = 1.0 if rng.random() < 0.7 else rng.uniform(1, 3)
    shadow = (rng.uniform(-0.1, 0.1), rng.uniform(0, 0.15), rng.uniform(0.1, 0.5)) if rng.random() < 0.25 else None
    plane = rng.uniform(0.8, 1.3)
    return Body(members, path, label, plane, elastic, soft, shadow, Track(rng, 30, 0.6), rank=2 + rng.random())


def bars(rng: np.random.Generator) -> Body:
    """A post, trunk or railing in front, which hides without being an object."""
    shape = stroke(np.array([[-3.0, 0.0], [3.0, 0.0]]), 1.0, side=96)
    width = rng.uniform(0.02, 0.12)
    path = Path.random(rng, *rng.uniform(-0.8, 0.8, 2), width, reach=rng.uniform(0, 0.5), turn=0.2, grow=0.1, period=20)
    skin: Surface = anything(rng, *shape.distance.shape, scale=0.8)
    stretched = Sprite(sprite(shape, skin, bulge=0.7, gloss=0.2).texture, (shape.half[0] * 10, shape.half[1]), 0.2)
    return Body([Member(stretched)], path, 0, rng.uniform(1.1, 1.6), rank=9.0)
