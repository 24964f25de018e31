"""The 21 instruments of the SA-SV benchmark, as shafts, wrists and tips that bend, open and turn.

Lengths are in shaft radii; the tip points along +x from the wrist at the origin, the shaft runs off along -x.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from .canvas import Sprite, sprite
from .noise import cut
from .shapes import Shape, arc, polygon, profile, stroke, wander
from .textures import Colour, Surface, near

LOOKS: dict[str, Colour] = {
    "steel": (0.66, 0.68, 0.7),
    "dull steel": (0.45, 0.46, 0.48),
    "black": (0.07, 0.07, 0.08),
    "white": (0.85, 0.84, 0.8),
    "blue": (0.18, 0.3, 0.6),
    "gold": (0.72, 0.55, 0.25),
    "grey": (0.3, 0.3, 0.32),
    "green": (0.2, 0.5, 0.4),
}


@dataclass(frozen=True)
class Part:
    """A sprite that turns with the jaw (`side` -1 or 1) or stays with the wrist (0)."""

    sprite: Sprite
    side: int = 0


@dataclass(frozen=True)
class Tip:
    """The end of a shaft: parts hinged `joint` beyond the wrist, opening at most `opening` radians a side."""

    parts: tuple[Part, ...]
    joint: float = 0.0
    opening: float = 0.0
    wrist: Sprite | None = None
    swivel: float = 0.6
    free: bool = False


def metal(rng: np.random.Generator, shape: Shape, look: str) -> Surface:
    """Brushed metal or plastic that mirrors bright and dark bands along a rounded body."""
    base = near(rng, LOOKS[look], 0.12)
    h, w = shape.distance.shape
    grain = cut(rng, ("fibre", "grain", "cloud"), h, w, rng.uniform(0.2, 0.8))
    turn = shape.slope[1] + 0.4 * shape.slope[0]
    strength = rng.uniform(0.1, 0.5) * (1.0 if "steel" in look or look == "gold" else 0.4)
    bands = torch.cos(turn * float(rng.uniform(2, 6)) + float(rng.uniform(-2, 2)))
    shade = (1 + strength * bands) * (1 + rng.uniform(0, 0.4) * (grain - 0.5))
    colour = torch.tensor(base)[:, None, None] * shade
    if rng.random() < 0.25:
        stain = cut(rng, ("cloud", "spots"), h, w, rng.uniform(0.3, 1))
        blood = torch.tensor([0.35, 0.05, 0.04])[:, None, None]
        colour = torch.lerp(colour, blood, ((stain - rng.uniform(0.5, 0.8)) * 5).clamp_(0, 0.8))
    return Surface(colour.clamp_(0, 1), grain)


def forged(rng: np.random.Generator, shape: Shape, look: str) -> Sprite:
    """A sprite of the material `look`."""
    gloss = {"black": 0.8, "white": 0.35, "blue": 0.35, "green": 0.35, "grey": 0.4}.get(look, 0.9)
    return sprite(shape, metal(rng, shape, look), bump=0.3, bulge=0.95, gloss=gloss * rng.uniform(0.6, 1.2))


def shaft(rng: np.random.Generator, look: str, *, length: float = 48.0) -> Sprite:
    """The rod that comes in from the border, at times with a collar, rings or a tapered neck."""
    xs, widths = [-length, -6.0, -1.0, 0.0], [1.0, 1.0, 1.0, rng.uniform(0.6, 1.0)]
    shape = profile(xs, widths, rows=20, columns=192)
    piece = forged(rng, shape, look)
    x = torch.linspace(-shape.half[0], shape.half[0], 192)
    if rng.random() < 0.5:
        collar = rng.uniform(2, 9)
        other = torch.tensor(near(rng, LOOKS[rng.choice(list(LOOKS))], 0.1))[:, None, None]
        shade = piece.texture[:3].mean(0, keepdim=True) / piece.texture[:3].mean()
        piece.texture[:3] = torch.where((x > -collar)[None, None], (other * shade).clamp(0, 1), piece.texture[:3])
    for ring in rng.uniform(-16, 0, rng.integers(0, 5)):
        piece.texture[:3] *= torch.where((x - float(ring)).abs() < 0.18, 0.35, 1.0)
    return piece


def _wrist(rng: np.random.Generator, look: str, length: float) -> Sprite:
    """The hinged link of a robot's instrument: two cheeks, pins and a dark gap."""
    mid = rng.uniform(0.35, 0.65) * length
    shape = profile([-0.9, 0, mid, length + 0.6], [0.9, 1.0, rng.uniform(0.65, 0.9), 0.75], rows=32, columns=48)
    piece = forged(rng, shape, look)
    h, w = shape.distance.shape
    x = torch.linspace(-shape.half[0], shape.half[0], w)[None]
    y = torch.linspace(-shape.half[1], shape.half[1], h)[:, None]
    for pin in (0.0, length):
        piece.texture[:3] *= torch.where(torch.hypot(x - pin, y) < 0.3, 0.3, 1.0)
    piece.texture[:3] *= torch.where((y.abs() < 0.12) & (x > mid), 0.4, 1.0)
    return piece


def _mirrored(shape: Shape) -> Shape:
    """The shape on the other side of the x axis."""
    return Shape(shape.distance.flip(0), torch.stack([shape.slope[0], -shape.slope[1]]).flip(1), shape.half)


def _jaws(
    rng: np.random.Generator,
    shape: Shape,
    look: str,
    opening: float,
    *,
    joint: float = 0.0,
    wrist: Sprite | None = None,
    swivel: float = 0.6,
) -> Tip:
    """Two mirrored jaws of one shape."""
    lower, upper = forged(rng, shape, look), forged(rng, _mirrored(shape), look)
    return Tip((Part(upper, -1), Part(lower, 1)), joint, opening, wrist, swivel)


def _jaw(
    rng: np.random.Generator,
    length: float,
    base: float,
    end: float,
    *,
    bend: float = 0.0,
    hole: float = 0.0,
    teeth: float = 0.0,
    middle: float | None = None,
) -> Shape:
    """One jaw: half widths from `base` to `end`, its centre line bent up by `bend` at the end."""
    length *= rng.uniform(0.85, 1.2)
    widths = [base, (base + end) / 2 if middle is None else middle, end, end * 0.5]
    slot = (0.3 * length, 0.85 * length, hole) if hole else None
    notches = (rng.uniform(0.25, 0.45), teeth) if teeth else None
    centres = [base * 0.5, base * 0.6 + 0.2 * bend, base * 0.5 + bend, base * 0.4 + 1.25 * bend]
    return profile([-0.3, 0.45 * length, 0.92 * length, length], widths, centres, slot=slot, teeth=notches)


def _metal_look(rng: np.random.Generator) -> str:
    return str(rng.choice(["steel", "steel", "dull steel", "gold"], p=[0.4, 0.3, 0.22, 0.08]))


def _forceps(length: float, base: float, end: float, opening: float, **shape: float) -> Callable[..., Tip]:
    def build(rng: np.random.Generator, robotic: bool) -> Tip:
        look = _metal_look(rng)
        jaw = _jaw(rng, length, base, end, **shape)
        if not robotic:
            return _jaws(rng, jaw, look, opening, swivel=0.12)
        link = rng.uniform(1.8, 3.5)
        return _jaws(rng, jaw, look, opening, joint=link, wrist=_wrist(rng, _metal_look(rng), link), swivel=0.9)

    return build


def _hook(rng: np.random.Generator, robotic: bool) -> Tip:
    reach, drop = rng.uniform(3, 6), rng.uniform(1.2, 2.6)
    if rng.random() < 0.5:
        path = np.array([[0, 0], [reach, 0], [reach + 0.3, 0.3], [reach + 0.3, drop]])
    else:
        path = np.concatenate(
            [[[0, 0]], arc((reach, drop / 2), drop / 2, -math.pi / 2, math.pi / 2, 8), [[reach - 0.7, drop]]]
        )
    bare = forged(rng, stroke(path, rng.uniform(0.2, 0.35)), "steel")
    sleeve = forged(
        rng,
        profile([-0.5, reach * 0.45], [0.6, 0.45], rows=24, columns=32),
        str(rng.choice(["black", "white", "grey"])),
    )
    return Tip((Part(bare), Part(sleeve)), swivel=0.1 if not robotic else 0.8)


def _suction(rng: np.random.Generator, robotic: bool) -> Tip:
    length = rng.uniform(4, 9)
    piece = forged(
        rng, profile([-0.5, length - 0.4, length], [0.75, 0.75, 0.55], rows=24, columns=80), _metal_look(rng)
    )
    x = torch.linspace(-piece.half[0], piece.half[0], 80)[None]
    y = torch.linspace(-piece.half[1], piece.half[1], 24)[:, None]
    for k in range(int(rng.integers(2, 6))):
        spot = torch.hypot(x - (length - 0.9 - 0.8 * k), y - float(rng.uniform(-0.3, 0.3))) < 0.2
        piece.texture[:3] *= torch.where(spot, 0.15, 1.0)
    return Tip((Part(piece),), swivel=0.05)


def _snare(rng: np.random.Generator, robotic: bool) -> Tip:
    width, length = rng.uniform(1.5, 3.5), rng.uniform(5, 9)
    angles = np.linspace(-math.pi, math.pi, 22)
    loop = np.stack([length / 2 * (1 + np.cos(angles)) + 1.5, width * np.sin(angles)], 1)
    loop = np.concatenate([[[0, 0]], loop, [[0, 0]]])
    wire = forged(rng, stroke(loop, 0.2, side=128), str(rng.choice(["steel", "gold", "white"])))
    return Tip((Part(wire),), swivel=0.4)


def _catheter(rng: np.random.Generator, robotic: bool) -> Tip:
    length, bend = rng.uniform(6, 16), rng.uniform(-1.4, 1.4)
    angles = np.linspace(0, bend, 14)
    path = np.concatenate([[[-0.5, 0]], np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1) * length / 14, 0)])
    tube = forged(
        rng, stroke(path, np.linspace(0.9, 0.7, 15), side=112), str(rng.choice(["white", "blue", "gold", "green"]))
    )
    return Tip((Part(tube),), swivel=0.3)


def _probe(rng: np.random.Generator, robotic: bool) -> Tip:
    length = rng.uniform(4, 7)
    body = profile([-0.3, 0.5, length * 0.8, length], [0.8, 1.6, 1.6, 1.0], rows=48, columns=72)
    parts = [Part(forged(rng, body, str(rng.choice(["white", "grey", "black", "blue"]))))]
    face = profile([length * 0.25, length * 0.85], [0.45, 0.45], 0.6, rows=24, columns=48)
    parts.append(Part(forged(rng, face, str(rng.choice(["black", "grey", "white"])))))
    return Tip(tuple(parts), swivel=0.5)


def _retractor(rng: np.random.Generator, robotic: bool) -> Tip:
    length, count = rng.uniform(5, 9), int(rng.integers(2, 5))
    fingers = []
    for angle in np.linspace(-0.5, 0.5, count):
        path = np.array(
            [
                [0, 0],
                [length * 0.5 * math.cos(angle), length * 0.5 * math.sin(angle)],
                [length, length * math.sin(angle)],
            ]
        )
        fingers.append(
            Part(forged(rng, stroke(path, np.array([0.5, 0.45, 0.35])), "steel"), int(np.sign(round(angle, 3))))
        )
    return Tip(tuple(fingers), opening=0.35, swivel=0.5)


def _clip_applier(rng: np.random.Generator, robotic: bool) -> Tip:
    length = rng.uniform(4, 6)
    jaw = profile([-0.3, 0.6 * length, 0.75 * length, length], [0.45, 0.4, 0.5, 0.42], [0.25, 0.45, 0.5, 0.35])
    return _jaws(rng, jaw, _metal_look(rng), 0.3, swivel=0.15)


def _scissors(curved: bool) -> Callable[..., Tip]:
    def build(rng: np.random.Generator, robotic: bool) -> Tip:
        length, bend = rng.uniform(3.5, 6), rng.uniform(0.4, 1.2) if curved else 0.0
        blade = np.array(
            [
                [-0.4, 0.1],
                [-0.2, 0.7],
                [length * 0.4, 0.75 - 0.3 * bend],
                [length, -0.1 - bend],
                [length * 0.5, 0.0 - 0.35 * bend],
            ]
        )
        shape, look = polygon(blade, 0.05), _metal_look(rng)
        plates = (Part(forged(rng, shape, look), 1), Part(forged(rng, shape if curved else _mirrored(shape), look), -1))
        wrist = _wrist(rng, str(rng.choice(["gold", "grey", "black", "steel"])), 2.5) if curved else None
        return Tip(plates, 2.5 if curved else 0.0, 0.45, wrist, 0.8 if curved else 0.12)

    return build


def _needle(rng: np.random.Generator, robotic: bool) -> Tip:
    radius, sweep = rng.uniform(2.5, 4.5), rng.uniform(1.6, 3.4)
    path = arc((0, 0), radius, -sweep / 2, sweep / 2, 14)
    piece = forged(rng, stroke(path - path.mean(0), np.linspace(0.12, 0.26, 14), side=112), "steel")
    return Tip((Part(piece),), free=True)


def _thread(rng: np.random.Generator, robotic: bool) -> Tip:
    path = wander(rng, 16, 0.9, 0.7)
    look = str(rng.choice(["black", "blue", "white", "green"]))
    return Tip((Part(forged(rng, stroke(path, rng.uniform(0.13, 0.24), side=128), look)),), free=True)


def _sealer(rng: np.random.Generator, robotic: bool) -> Tip:
    jaw = _jaw(rng, 5.5, 0.5, 0.42, bend=rng.uniform(0, 0.6), middle=0.5)
    steel, plastic = (
        _jaws(rng, jaw, "steel", 0.35),
        forged(rng, jaw, str(rng.choice(["blue", "white", "black", "grey"]))),
    )
    return Tip((steel.parts[0], Part(plastic, 1)), opening=0.35, swivel=0.4 if robotic else 0.1)


TIPS: dict[str, Callable[[np.random.Generator, bool], Tip]] = {
    "ligature": _sealer,
    "grasper": _forceps(6.0, 0.55, 0.42, 0.45, hole=0.17, teeth=0.12),
    "dissecting and grasping forceps": _forceps(5.5, 0.5, 0.16, 0.5, bend=0.7),
    "hook": _hook,
    "large needle driver": _forceps(3.0, 0.6, 0.4, 0.45, teeth=0.05),
    "bipolar forceps": _forceps(5.0, 0.5, 0.34, 0.5, hole=0.16, middle=0.55),
    "clip applier": _clip_applier,
    "monopolar curved scissors": _scissors(True),
    "prograsp forceps": _forceps(6.5, 0.5, 0.5, 0.4, hole=0.2, middle=0.55),
    "scissors": _scissors(False),
    "bipolar": _forceps(7.0, 0.34, 0.12, 0.3, bend=-0.2),
    "suction": _suction,
    "needle holder": _forceps(3.8, 0.55, 0.28, 0.4, teeth=0.05),
    "snare": _snare,
    "catheter": _catheter,
    "ultrasound probe": _probe,
    "vessel sealer": _sealer,
    "grasping retractor": _retractor,
    "suturing needle": _needle,
    "thread": _thread,
    "clamp": _forceps(9.0, 0.4, 0.3, 0.2, teeth=0.08),
}
"""How each instrument's tip is built: (generator, on a robot's wrist) -> Tip."""

SHAFTS: dict[str, tuple[str, ...]] = {
    "hook": ("black", "black", "steel"),
    "snare": ("white", "blue"),
    "catheter": ("white", "blue", "gold", "green"),
    "suction": ("steel", "dull steel"),
    "ligature": ("blue", "white", "grey", "black"),
    "vessel sealer": ("black", "white", "grey"),
}


def shaft_look(rng: np.random.Generator, name: str, robotic: bool) -> str:
    """The material of an instrument's shaft."""
    if robotic and rng.random() < 0.7:
        return "black"
    return str(rng.choice(SHAFTS.get(name, ("black", "steel", "steel", "dull steel", "grey"))))
