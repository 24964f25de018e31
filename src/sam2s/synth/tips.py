"""How the working ends of instruments are built: jaws, blades, hooks, loops and tubes, which bend, open and turn.

Lengths are in shaft radii; the tip points along +x from the wrist at the origin, the shaft runs off along -x.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from .canvas import Sprite
from .metal import forged
from .shapes import Shape, arc, polygon, profile, stroke, wander


@dataclass(frozen=True)
class TipPart:
    """A sprite that turns with the jaw (`side` -1 or 1) or stays with the wrist (0)."""

    sprite: Sprite
    side: int = 0


@dataclass(frozen=True)
class Tip:
    """The end of a shaft: parts hinged `joint` beyond the wrist, opening at most `opening` radians a side."""

    parts: tuple[TipPart, ...]
    joint: float = 0.0
    opening: float = 0.0
    wrist: Sprite | None = None
    swivel: float = 0.6
    free: bool = False


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
    return Tip((TipPart(upper, -1), TipPart(lower, 1)), joint, opening, wrist, swivel)


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


def forceps(
    length: float,
    base: float,
    end: float,
    opening: float,
    *,
    look: str | None = None,
    root: str | None = None,
    link: tuple[float, float] = (1.8, 3.5),
    always_jointed: bool = False,
    **shape: float,
) -> Callable[..., Tip]:
    """Two jaws of one shape.

    Args:
        length, base, end, opening: of a jaw: its length, half widths at the hinge and the end, and largest angle.
        look: material of the jaws, None for any metal.
        root: material of a sleeve that insulates the hinge, if there is one.
        link: shortest and longest link of the wrist on a robot.
        always_jointed: has a wrist without a robot too.
        shape: further arguments of a jaw.
    """

    def build(rng: np.random.Generator, robotic: bool) -> Tip:
        material = look or _metal_look(rng)
        jaw = _jaw(rng, length, base, end, **shape)
        if robotic or always_jointed:
            reach = rng.uniform(*link)
            tip = _jaws(
                rng, jaw, material, opening, joint=reach, wrist=_wrist(rng, _metal_look(rng), reach), swivel=0.9
            )
        else:
            tip = _jaws(rng, jaw, material, opening, swivel=0.12)
        if root is None:
            return tip
        sleeve = forged(rng, profile([-0.7, 0.28 * length], [0.75, 0.6], rows=24, columns=32), root)
        return replace(tip, parts=(*tip.parts, TipPart(sleeve)))

    return build


def hook(rng: np.random.Generator, robotic: bool) -> Tip:
    """A bent wire in an insulating sleeve."""
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
    return Tip((TipPart(bare), TipPart(sleeve)), swivel=0.1 if not robotic else 0.8)


def suction(rng: np.random.Generator, robotic: bool) -> Tip:
    """A straight tube with holes at its end."""
    length = rng.uniform(4, 9)
    piece = forged(
        rng, profile([-0.5, length - 0.4, length], [0.75, 0.75, 0.55], rows=24, columns=80), _metal_look(rng)
    )
    x = torch.linspace(-piece.half[0], piece.half[0], 80)[None]
    y = torch.linspace(-piece.half[1], piece.half[1], 24)[:, None]
    for k in range(int(rng.integers(2, 6))):
        spot = torch.hypot(x - (length - 0.9 - 0.8 * k), y - float(rng.uniform(-0.3, 0.3))) < 0.2
        piece.texture[:3] *= torch.where(spot, 0.15, 1.0)
    return Tip((TipPart(piece),), swivel=0.05)


def snare(rng: np.random.Generator, robotic: bool) -> Tip:
    """A loop of wire."""
    width, length = rng.uniform(1.5, 3.5), rng.uniform(5, 9)
    angles = np.linspace(-math.pi, math.pi, 22)
    loop = np.stack([length / 2 * (1 + np.cos(angles)) + 1.5, width * np.sin(angles)], 1)
    loop = np.concatenate([[[0, 0]], loop, [[0, 0]]])
    wire = forged(rng, stroke(loop, 0.2, side=128), str(rng.choice(["steel", "gold", "white"])))
    return Tip((TipPart(wire),), swivel=0.4)


def catheter(rng: np.random.Generator, robotic: bool) -> Tip:
    """A flexible tube, bent to one side."""
    length, bend = rng.uniform(6, 16), rng.uniform(-1.4, 1.4)
    angles = np.linspace(0, bend, 14)
    path = np.concatenate([[[-0.5, 0]], np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1) * length / 14, 0)])
    tube = forged(
        rng, stroke(path, np.linspace(0.9, 0.7, 15), side=112), str(rng.choice(["white", "blue", "gold", "green"]))
    )
    return Tip((TipPart(tube),), swivel=0.3)


def probe(rng: np.random.Generator, robotic: bool) -> Tip:
    """A thick head with a flat window of another material."""
    length = rng.uniform(4, 7)
    body = profile([-0.3, 0.5, length * 0.8, length], [0.8, 1.6, 1.6, 1.0], rows=48, columns=72)
    parts = [TipPart(forged(rng, body, str(rng.choice(["white", "grey", "black", "blue"]))))]
    face = profile([length * 0.25, length * 0.85], [0.45, 0.45], 0.6, rows=24, columns=48)
    parts.append(TipPart(forged(rng, face, str(rng.choice(["black", "grey", "white"])))))
    return Tip(tuple(parts), swivel=0.5)


def retractor(rng: np.random.Generator, robotic: bool) -> Tip:
    """Two to four long fingers, spread like a fan."""
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
            TipPart(forged(rng, stroke(path, np.array([0.5, 0.45, 0.35])), "steel"), int(np.sign(round(angle, 3))))
        )
    return Tip(tuple(fingers), opening=0.35, swivel=0.5)


def clip_applier(rng: np.random.Generator, robotic: bool) -> Tip:
    """Slim parallel jaws with a bright titanium clip between their ends."""
    length = rng.uniform(5, 7)
    jaw = profile([-0.3, 0.6 * length, 0.75 * length, length], [0.4, 0.34, 0.42, 0.36], [0.25, 0.45, 0.5, 0.35])
    tip = _jaws(rng, jaw, "dull steel", 0.22, swivel=0.15)
    path = np.array([[0.95 * length, -0.45], [0.7 * length, -0.3], [0.7 * length, 0.3], [0.95 * length, 0.45]])
    return replace(tip, parts=(*tip.parts, TipPart(forged(rng, stroke(path, 0.14, side=64), "white"))))


def ligature(rng: np.random.Generator, robotic: bool) -> Tip:
    """Broad jaws, curved like a C, that hold a large clip of coloured plastic."""
    length = rng.uniform(3.6, 4.6)
    jaw = profile(
        [-0.3, 0.3 * length, 0.8 * length, length], [0.55, 0.7, 0.6, 0.5], [0.4, 1.0, 0.9, 0.35], rows=48, columns=72
    )
    tip = _jaws(rng, jaw, "steel", 0.3, swivel=0.2)
    clip = arc((0.45 * length, 0.0), 0.5 * length, 0.35, 2 * math.pi - 0.35, 16) * np.array([1.0, 0.75])
    return replace(tip, parts=(TipPart(forged(rng, stroke(clip, 0.3, side=96), "violet")), *tip.parts))


def scissors(curved: bool) -> Callable[..., Tip]:
    """Two blades, straight ones or, on a wrist, curved to one side."""

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
        plates = (
            TipPart(forged(rng, shape, look), 1),
            TipPart(forged(rng, shape if curved else _mirrored(shape), look), -1),
        )
        wrist = _wrist(rng, str(rng.choice(["gold", "grey", "black", "steel"])), 2.5) if curved else None
        return Tip(plates, 2.5 if curved else 0.0, 0.45, wrist, 0.8 if curved else 0.12)

    return build


def needle(rng: np.random.Generator, robotic: bool) -> Tip:
    """A curved needle that nothing holds."""
    radius, sweep = rng.uniform(2.5, 4.5), rng.uniform(1.6, 3.4)
    path = arc((0, 0), radius, -sweep / 2, sweep / 2, 14)
    piece = forged(rng, stroke(path - path.mean(0), np.linspace(0.12, 0.26, 14), side=112), "steel")
    return Tip((TipPart(piece),), free=True)


def thread(rng: np.random.Generator, robotic: bool) -> Tip:
    """A thread that lies as it fell."""
    path = wander(rng, 16, 0.9, 0.7)
    look = str(rng.choice(["black", "blue", "white", "green"]))
    return Tip((TipPart(forged(rng, stroke(path, rng.uniform(0.13, 0.24), side=128), look)),), free=True)


def sealer(rng: np.random.Generator, robotic: bool) -> Tip:
    """Blunt curved jaws: metal with a dark seam on one side, a thick shell of plastic on the other."""
    bend = rng.uniform(0.5, 1.1)
    jaw = _jaw(rng, 6.0, 0.75, 0.62, bend=bend, middle=0.75)
    metal = forged(rng, jaw, "dull steel")
    h, w = jaw.distance.shape
    y = torch.linspace(-jaw.half[1], jaw.half[1], h)[:, None].expand(h, w)
    metal.texture[:3] *= torch.where((y - 0.45).abs() < 0.16, 0.25, 1.0)
    shell = forged(rng, _mirrored(jaw), "blue")
    return Tip((TipPart(metal, 1), TipPart(shell, -1)), opening=0.35, swivel=0.4 if robotic else 0.1)
