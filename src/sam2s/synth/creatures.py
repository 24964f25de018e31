"""The world outside of the body, for correspondence in general: landscapes, people, beasts, machines, look-alikes."""

import math

import numpy as np
import torch

from .actors import Backdrop, Body, Member, Path
from .canvas import Canvas, Elastic, Sprite, sprite
from .geometry import affine
from .motion import Track
from .organs import flat
from .shapes import Shape, blob, polygon, stroke
from .textures import Colour, Surface, any_tint, anything, near


def _outline(rng: np.random.Generator, side: int) -> Shape:
    pick = rng.random()
    if pick < 0.5:
        return blob(rng, side, rng.uniform(0.03, 0.3), flat=rng.uniform(0, 1))
    if pick < 0.8:
        count = int(rng.integers(3, 8))
        angles = np.sort(rng.uniform(0, 2 * math.pi, count)) + np.arange(count) * 1e-3
        radii = rng.uniform(0.5, 1.1, (count, 1))
        return polygon(np.stack([np.cos(angles), np.sin(angles)], 1) * radii, rng.uniform(0, 0.15), side=side)
    points = np.cumsum(rng.normal([0.35, 0], [0.1, 0.25], (6, 2)), 0)
    return stroke(points - points.mean(0), rng.uniform(0.12, 0.4), side=side)


def _cover(rng: np.random.Generator, shape: Shape, like: Colour | None = None, scale: float = 0.7) -> Sprite:
    h, w = shape.distance.shape
    return _dress(rng, shape, anything(rng, h, w, scale=scale * rng.uniform(0.4, 1.6), like=like))


def _dress(rng: np.random.Generator, shape: Shape, skin: Surface) -> Sprite:
    """Covers a shape with as much as it needs of a larger skin."""
    h, w = shape.distance.shape
    cut = Surface(skin.colour[:, :h, :w], skin.height[:h, :w])
    return sprite(shape, cut, bump=rng.uniform(0, 2), bulge=rng.uniform(0, 0.9), gloss=rng.choice([0.0, 0.1, 0.5]))


def _cloth(rng: np.random.Generator, colour: Colour | None, side: int = 64) -> Surface:
    """Enough skin of one kind for all limbs that wear it."""
    return anything(rng, side, side, scale=rng.uniform(0.3, 1), like=colour)


def landscape(rng: np.random.Generator, *, side: int = 288) -> Backdrop:
    """Ground, horizon and sky, or any surface, under dead leaves, posts and rectangles."""
    canvas = Canvas(side)
    canvas.fill(flat(anything(rng, side, side, scale=2), bump=rng.uniform(0, 2), gloss=0.0), affine(0, 0))
    colours = [any_tint(rng) for _ in range(3)]
    if rng.random() < 0.5:
        for level in np.sort(rng.uniform(-0.9, 0.9, rng.integers(1, 4))):
            band = anything(rng, side, side, scale=rng.uniform(0.5, 3), like=colours[rng.integers(3)])
            edge = (torch.arange(side) / side * 2 - 1 - float(level) + 0.2 * (band.height.mean(0) - 0.5))[:, None]
            canvas.buffer[:3].lerp_(band.colour, (edge * side * rng.uniform(0.02, 0.5)).clamp_(0, 1))
    regular = rng.random() < 0.3
    for _ in range(int(rng.integers(0, 18))):
        like = colours[rng.integers(3)] if rng.random() < 0.7 else None
        size, turn = math.exp(rng.uniform(math.log(0.05), math.log(0.5))), rng.uniform(0, 6.3)
        shape = polygon(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1.0]]), side=40) if regular else _outline(rng, 48)
        x, y = rng.uniform(-1, 1, 2).tolist()
        pose = affine(x, y, 0.03 * turn if regular else turn, size, size * math.exp(rng.normal(0, 0.7)))
        canvas.draw(_cover(rng, shape, like), pose)
    canvas.buffer[5] = 1
    elastic = Elastic(rng, rng.uniform(0, 0.05), rng.uniform(5, 30)) if rng.random() < 0.4 else None
    piece = Sprite(canvas.buffer, (1.0, 1.0), 0.1)
    return Backdrop((piece,), rng.uniform(0.5, 1), elastic, scale=rng.uniform(1.3, 2.2))


def _limb(
    rng: np.random.Generator,
    members: list[Member],
    anchor: tuple[float, float],
    rest: float,
    length: float,
    thick: float,
    upper: Surface,
    lower: Surface,
    swing: float,
    pace: float,
) -> None:
    """Adds an arm or leg of two segments to `members`, hinged on the trunk."""
    joint = len(members)
    thigh = stroke(np.array([[0, 0], [length, 0]]), np.array([1, 0.8]) * thick, side=48)
    members.append(Member(_dress(rng, thigh, upper), anchor, rest, Track(rng, pace, swing), 0))
    shin = stroke(np.array([[0, 0], [length, 0], [length * 1.05, thick * rng.uniform(0, 2)]]), 0.7 * thick, side=48)
    members.append(Member(_dress(rng, shin, lower), (length, 0.0), 0.0, Track(rng, pace, 1.2 * swing), joint))


def person(rng: np.random.Generator, like: Colour | None) -> list[Member]:
    """Upright: trunk, head with hair, two arms, two legs."""
    shirt, trousers = _cloth(rng, like, 96), _cloth(rng, None)
    flesh = _cloth(rng, near(rng, (0.75, 0.55, 0.43), 0.3))
    pace, swing = rng.uniform(2, 8), rng.uniform(0.2, 1.1)
    wide = rng.uniform(0.3, 0.5)
    corners = np.array([[-wide, -0.7], [wide, -0.7], [0.8 * wide, 0], [wide, 0.75], [-wide, 0.75], [-0.8 * wide, 0]])
    trunk = polygon(corners, 0.12, side=80, edge=0.3)
    members = [Member(_dress(rng, trunk, shirt))]
    for side in (-1, 1):
        legs = (trousers, trousers if rng.random() < 0.7 else flesh)
        _limb(rng, members, (side * wide * 0.6, 0.7), math.pi / 2, 0.75, 0.2, *legs, swing, pace)
    for side in (-1, 1):
        arms = (shirt, flesh if rng.random() < 0.6 else shirt)
        rest = math.pi / 2 - side * rng.uniform(0, 0.9)
        _limb(rng, members, (side * wide, -0.65), rest, 0.55, 0.13, *arms, 1.5 * swing, pace)
    head = blob(rng, 56, 0.05, flat=0.4)
    members.append(Member(_dress(rng, head, flesh), (0.0, -1.1), 0.0, Track(rng, pace, 0.3), 0, 0.26))
    members.append(Member(_cover(rng, head), (0.0, -1.22), 0.0, None, 0, 0.24))
    return members


def beast(rng: np.random.Generator, like: Colour | None) -> list[Member]:
    """On four legs: a long trunk, neck, head and tail."""
    colour = near(rng, like or any_tint(rng), 0.1)
    coat, socks = _cloth(rng, colour, 96), _cloth(rng, near(rng, colour, 0.2))
    pace, swing, long = rng.uniform(2, 8), rng.uniform(0.1, 0.7), rng.uniform(0.7, 1.1)
    back = np.array(
        [[-long, 0], [-0.3 * long, rng.uniform(-0.2, 0.1)], [0.4 * long, 0], [long, rng.uniform(-0.2, 0.1)]]
    )
    trunk = stroke(back, rng.uniform(0.3, 0.5) * rng.uniform(0.8, 1.2, 4), side=96)
    members = [Member(_dress(rng, trunk, coat))]
    for x in (-0.85, -0.65, 0.65, 0.85):
        _limb(rng, members, (x * long, 0.25), math.pi / 2, 0.45, 0.12, coat, socks, swing, pace)
    bend = rng.uniform(-0.4, 0.6)
    neck = stroke(
        np.array([[0, 0], [0.4, -0.45 - 0.4 * bend], [0.75, -0.5 - 0.6 * bend]]), np.array([0.3, 0.2, 0.18]), side=56
    )
    members.append(Member(_dress(rng, neck, coat), (0.9 * long, -0.05), 0.0, Track(rng, pace, 0.3), 0))
    head = blob(rng, 56, 0.12, flat=0.3)
    members.append(Member(_dress(rng, head, socks), (0.85, -0.5 - 0.6 * bend), 0.0, None, len(members) - 1, 0.24))
    tail = stroke(np.array([[0, 0], [-0.3, 0.1], [-0.5, 0.5]]), np.array([0.1, 0.07, 0.05]), side=40)
    members.append(Member(_dress(rng, tail, coat), (-long, -0.1), 0.0, Track(rng, pace, 0.7), 0))
    return members


def creature(rng: np.random.Generator, like: Colour | None) -> list[Member]:
    """A trunk with limbs and a head anywhere around it: nothing that lives, but everything that moves."""
    trunk = blob(rng, 112, rng.uniform(0.02, 0.2), flat=rng.uniform(0.2, 0.9))
    members = [Member(_cover(rng, trunk, like))]
    cloths = [_cloth(rng, None), _cloth(rng, like)]
    pace = rng.uniform(3, 9)
    for _ in range(int(rng.integers(1, 5))):
        bearing, thick = rng.uniform(0, 2 * math.pi), rng.uniform(0.08, 0.28)
        anchor = (0.75 * math.cos(bearing), 0.75 * math.sin(bearing))
        upper, lower = cloths[rng.integers(2)], cloths[rng.integers(2)]
        _limb(rng, members, anchor, bearing, rng.uniform(0.4, 1.1), thick, upper, lower, rng.uniform(0.1, 1.1), pace)
    bearing = rng.uniform(0, 2 * math.pi)
    anchor = (1.15 * math.cos(bearing), 1.15 * math.sin(bearing))
    head = _cover(rng, blob(rng, 64, rng.uniform(0, 0.1), flat=0.5))
    members.append(Member(head, anchor, 0.0, Track(rng, pace, 0.5), 0, rng.uniform(0.25, 0.5)))
    return members


def machine(rng: np.random.Generator, like: Colour | None) -> list[Member]:
    """A rigid body with parts of other colours on it, at times on wheels."""
    if rng.random() < 0.5:
        members = [Member(_cover(rng, _outline(rng, 128), like))]
        wheels = 0
    else:
        roof = rng.uniform(0.2, 0.7)
        hull = np.array(
            [[-1, 0.4], [-1, -0.1], [-roof, -0.2], [-0.7 * roof, -0.55], [roof, -0.55], [0.9, -0.1], [1, 0.4]]
        )
        members = [Member(_cover(rng, polygon(hull, 0.06, side=112), like))]
        glass = polygon(
            np.array([[-0.6 * roof, -0.45], [0.9 * roof, -0.45], [roof, -0.15], [-0.9 * roof, -0.15]]), side=48
        )
        members.append(Member(_cover(rng, glass, (0.12, 0.14, 0.17)), parent=0))
        wheels = 2
    for _ in range(int(rng.integers(0, 4))):
        spot, place = _cover(rng, _outline(rng, 48)), rng.uniform(-0.6, 0.6, 2).tolist()
        members.append(Member(spot, (place[0], place[1]), rng.uniform(0, 6.3), None, 0, rng.uniform(0.1, 0.35)))
    for k in range(wheels):
        tyre = _cover(rng, blob(rng, 48, 0.0, flat=0.6), (0.08, 0.08, 0.08))
        members.append(Member(tyre, ((-0.6, 0.6)[k], 0.42), 0.0, Track(rng, 5, 3.0), 0, 0.24))
    return members


BODIES = (person, beast, creature, machine)


def thing(
    rng: np.random.Generator,
    label: int,
    *,
    size: float,
    like: Colour | None = None,
    members: list[Member] | None = None,
) -> Body:
    """Any of `BODIES` on a path of its own, at times followed by the camera; `members` reuses the looks of another."""
    kind = int(rng.choice(4, p=[0.3, 0.2, 0.2, 0.3]))
    members = members or BODIES[kind](rng, like)
    upright = kind < 2 or rng.random() < 0.3
    elastic = None
    if rng.random() < 0.7:
        elastic = Elastic(rng, rng.uniform(0, 0.08 if kind < 2 else 0.2), rng.uniform(3, 20), rng.uniform(0, 0.35))
    mild = rng.random() < 0.65
    path = Path.random(
        rng,
        rng.uniform(-0.6, 0.6, 2),
        size * (0.7 if kind < 2 else 1.0),
        reach=rng.uniform(0, 0.4) if mild else rng.uniform(0.4, 1.3),
        turn=rng.uniform(0, 0.3) if mild or upright else rng.uniform(0, 3),
        grow=rng.uniform(0, 0.5),
        period=rng.uniform(6, 30),
        angle=rng.normal(0, 0.15) if upright else None,
    )
    shadow = (rng.uniform(-0.1, 0.1), rng.uniform(0, 0.15), rng.uniform(0.1, 0.5)) if rng.random() < 0.15 else None
    return Body(
        members,
        path,
        label,
        plane=rng.uniform(0.8, 1.3) if rng.random() < 0.5 else rng.uniform(0.05, 0.5),
        elastic=elastic,
        soft=1.0 if rng.random() < 0.7 else rng.uniform(1, 3),
        shadow=shadow,
        order=Track(rng, 30, 0.6),
        rank=2 + rng.random(),
    )


def bars(rng: np.random.Generator) -> Body:
    """A post, trunk or railing in front, which hides without being an object."""
    shape = stroke(np.array([[-3.0, 0.0], [3.0, 0.0]]), 1.0, side=96)
    width, place, reach = rng.uniform(0.02, 0.12), rng.uniform(-0.8, 0.8, 2), rng.uniform(0, 0.5)
    path = Path.random(rng, place, width, reach=reach, turn=0.2, grow=0.1, period=20)
    skin = anything(rng, *shape.distance.shape, scale=0.8)
    stretched = Sprite(sprite(shape, skin, bulge=0.7, gloss=0.2).texture, (shape.half[0] * 10, shape.half[1]), 0.2)
    return Body([Member(stretched)], path, 0, plane=rng.uniform(1.1, 1.6), rank=9.0)
