"""Tissue: beds, the lumen of the colon, organs, polyps, folds and the eye."""

import math

import numpy as np
import torch

from .actors import Backdrop, Body, Member, Path
from .canvas import Elastic, Sprite, sprite
from .motion import Track
from .shapes import Shape, blob, grid, join, stroke
from .textures import TISSUE, Colour, Surface, slopes, tissue

ORGANS: dict[str, tuple[str, ...]] = {
    "liver": ("liver",),
    "gallbladder": ("gall", "serosa", "fat"),
    "uterus": ("muscle", "serosa"),
    "fat": ("fat",),
    "abdominal wall": ("muscle", "fat", "serosa"),
    "gastrointestinal tract": ("serosa", "mucosa"),
    "connective tissue": ("serosa", "fat", "gall"),
    "spleen": ("spleen", "liver"),
    "liver ligament": ("serosa", "gall"),
    "hepatic vein": ("blood", "spleen"),
    "colon": ("serosa", "pale mucosa"),
    "kidney parenchyma": ("muscle", "liver", "meat"),
    "covered kidney": ("fat", "muscle"),
    "small intestine": ("serosa", "mucosa", "pale mucosa"),
    "cystic duct": ("gall", "serosa"),
}
"""Organs of the SA-SV benchmark (`polyp` apart) and the palettes they may wear."""


def flat(skin: Surface, *, bump: float, gloss: float, waves: torch.Tensor | None = None) -> Sprite:
    """A sprite without an outline, for backgrounds."""
    h, w = skin.height.shape
    relief = slopes(skin.height, bump)
    if waves is not None:
        relief += waves
    return Sprite(torch.cat([skin.colour, relief, torch.ones(1, h, w)]), (1.0, 1.0), gloss)


def bed(
    rng: np.random.Generator, palette: str, *, side: int = 256, plane: float = 0.8, relief: float = 1.0
) -> Backdrop:
    """A wide field of tissue that breathes."""
    skin = tissue(rng, side, side, palette, scale=1.6, spread=rng.uniform(0.1, 0.35), vessels=rng.uniform(0, 1) ** 2)
    piece = flat(skin, bump=relief * rng.uniform(2, 9), gloss=rng.uniform(0.1, 0.7))
    return Backdrop((piece,), plane, Elastic(rng, rng.uniform(0, 0.08), rng.uniform(8, 40)))


def lumen(rng: np.random.Generator, wall: Colour, *, side: int = 256) -> Sprite:
    """One view of the colon: haustral folds around a dark lumen that may lie outside of the view."""
    veins = rng.uniform(0, 1) ** 2
    skin = tissue(rng, side, side, "mucosa", scale=1.2, spread=rng.uniform(0.03, 0.15), vessels=veins, like=wall)
    x, y = grid(side, side, (1.0, 1.0))
    away, bearing = rng.uniform(0, 0.85), rng.uniform(0, 2 * math.pi)
    x, y = x - float(away * math.cos(bearing)), (y - float(away * math.sin(bearing))) * float(rng.uniform(0.7, 1.4))
    radius, angle = torch.hypot(x, y) + 1e-3, torch.atan2(y, x)
    wobble = torch.zeros_like(radius)
    for k in range(1, 6):
        wobble += float(rng.normal(0, 0.22 / k)) * torch.cos(k * angle + float(rng.uniform(0, 6.3)))
    depth = torch.log(radius) + wobble
    folds = depth * float(rng.uniform(0.9, 2.4)) + 0.25 * torch.sin(angle * int(rng.integers(2, 5)))
    phase = torch.remainder(folds, 1)
    lip = ((1 - phase) / float(rng.uniform(0.06, 0.2))).clamp_(max=1)
    ridge = phase ** float(rng.uniform(1.2, 4)) * lip
    shade = 1 - rng.uniform(0.1, 0.65) * (1 - phase * lip) ** 2
    hole = rng.uniform(0.05, 0.35)
    dark = ((torch.exp(depth) - hole * 0.4) / (hole * rng.uniform(1.5, 5))).clamp_(0, 1)
    inward = torch.stack([x / radius, y / radius]) * (ridge - 0.3) * dark * float(rng.uniform(0.3, 1.1))
    colour = skin.colour * (shade * (0.1 + 0.9 * dark))
    if rng.random() < 0.3:
        mess = tissue(rng, side, side, "fat", scale=1.0, spread=0.12)
        cover = ((mess.height - mess.height.mean() - rng.uniform(0.5, 1.8) * mess.height.std()) * 12).clamp_(0, 0.9)
        colour = torch.lerp(colour, mess.colour * (0.2 + 0.8 * dark), cover)
    relief = rng.uniform(0.3, 2.5)
    return flat(Surface(colour, skin.height), bump=relief, gloss=rng.uniform(0.2, 0.9), waves=inward)


def organ(rng: np.random.Generator, name: str, label: int, *, size: float, reach: float = 0.8) -> Body:
    """A deforming organ that lies in the world."""
    palette = str(rng.choice(ORGANS[name]))
    side = 160 if size > 0.35 else 96
    if name in ("hepatic vein", "cystic duct", "small intestine", "colon", "liver ligament"):
        points = _smooth(np.cumsum(rng.normal([0.4, 0], [0.1, 0.3], (6, 2)), 0))
        points -= points.mean(0)
        thick = rng.uniform(0.14, 0.4) if "intestine" in name or name == "colon" else rng.uniform(0.08, 0.2)
        shape = stroke(points, thick * (1 + 0.25 * np.sin(np.linspace(0, rng.uniform(2, 14), len(points)))), side=side)
    else:
        shape = blob(rng, side, rng.uniform(0.08, 0.28), flat=rng.uniform(0.2, 0.9))
    h, w = shape.distance.shape
    skin = tissue(rng, h, w, palette, scale=0.4 + size, spread=rng.uniform(0.08, 0.3), vessels=rng.uniform(0, 1) ** 2)
    piece = sprite(shape, skin, bump=rng.uniform(1, 5), bulge=rng.uniform(0.3, 0.9), gloss=rng.uniform(0.15, 0.9))
    path = Path.random(
        rng,
        rng.uniform(-reach, reach, 2),
        size,
        reach=rng.uniform(0, 0.12),
        turn=0.12,
        grow=0.08,
        period=rng.uniform(10, 40),
    )
    elastic = Elastic(rng, rng.uniform(0.02, 0.16), rng.uniform(5, 25), rng.uniform(0, 0.12))
    shadow = (rng.uniform(-0.03, 0.03), rng.uniform(0, 0.05), rng.uniform(0.1, 0.4)) if rng.random() < 0.4 else None
    return Body(
        [Member(piece)], path, label, elastic=elastic, soft=rng.uniform(1, 2.5), shadow=shadow, rank=rng.random()
    )


def polyp(rng: np.random.Generator, label: int, wall: Colour, *, size: float, restage: float) -> Body:
    """A lump of almost the colour of its wall, sessile or on a stalk; `restage` moves it when the view jumps."""
    side = 112
    head = blob(rng, side, rng.uniform(0.02, 0.16), flat=rng.uniform(0, 0.7))
    if rng.random() < 0.3:
        second = blob(rng, side, rng.uniform(0.02, 0.1), flat=0.4)
        shift = int(rng.uniform(0.12, 0.25) * side)
        head = join(head, Shape(second.distance.roll(shift, 1) - 0.3, second.slope.roll(shift, 2), head.half))
    like = wall if rng.random() < 0.4 else (wall[0], wall[1] * rng.uniform(0.6, 1), wall[2] * rng.uniform(0.7, 1.1))
    palette = str(rng.choice(["mucosa", "red mucosa", "pale mucosa", "muscle", "serosa"]))
    skin = tissue(
        rng,
        side,
        side,
        palette,
        scale=rng.uniform(0.2, 1.0),
        spread=rng.uniform(0.03, 0.2),
        vessels=rng.uniform(0, 0.8),
        like=None if rng.random() < 0.2 else like,
    )
    rim = (1 - head.distance * rng.uniform(2, 8)).clamp_(0, 1) * rng.uniform(-0.25, 0.35)
    skin = Surface((skin.colour * (1 - rim)).clamp_(0, 1), skin.height)
    top = sprite(head, skin, bump=rng.uniform(0.3, 3), bulge=rng.uniform(0.25, 0.9), gloss=rng.uniform(0.3, 1.1))
    members = [Member(top)]
    if rng.random() < 0.2:
        bones = _smooth(np.array([[0, 0], [0.2, 0.7], [rng.uniform(-0.3, 0.5), 1.5]]))
        stem = stroke(bones, np.array([0.3] * 9 + [0.5]), side=64)
        cloth = tissue(rng, stem.distance.shape[0], stem.distance.shape[1], palette, scale=0.5, like=wall)
        members = [Member(sprite(stem, cloth, bulge=0.7, gloss=0.4)), Member(top, swing=Track(rng, 12, 0.3))]
    place, reach, grow = rng.uniform(-0.45, 0.45, 2), rng.uniform(0.05, 0.35), rng.uniform(0.05, 0.4)
    path = Path.random(rng, place, size, reach=reach, turn=0.4, grow=grow, period=12)
    shadow = (*rng.uniform(-0.06, 0.06, 2), rng.uniform(0.1, 0.5)) if rng.random() < 0.6 else None
    elastic = Elastic(rng, rng.uniform(0.01, 0.12), 8, rng.uniform(0, 0.3))
    return Body(
        members,
        path,
        label,
        elastic=elastic,
        soft=rng.uniform(1, 6),
        shadow=shadow,
        rank=2 + rng.random(),
        restage=restage,
        seed=int(rng.integers(2**31)),
    )


def fold(rng: np.random.Generator, wall: Colour) -> Body:
    """A fold of the wall nearer to the camera, which can hide what lies behind it."""
    shape = blob(rng, 112, rng.uniform(0.1, 0.25), flat=rng.uniform(0.3, 0.95))
    skin = tissue(rng, 112, 112, "mucosa", scale=0.8, spread=0.1, vessels=rng.uniform(0, 0.7), like=wall)
    piece = sprite(shape, skin, bump=rng.uniform(0.3, 3), bulge=rng.uniform(0.4, 1), gloss=rng.uniform(0.2, 0.8))
    bearing, away, size = rng.uniform(0, 2 * math.pi), rng.uniform(0.9, 1.5), rng.uniform(0.4, 0.9)
    x, y = away * math.cos(bearing), away * math.sin(bearing)
    path = Path.random(rng, (x, y), size, reach=0.25, turn=0.3, grow=0.2, period=12)
    return Body(
        [Member(piece)],
        path,
        0,
        plane=rng.uniform(1.1, 1.5),
        soft=rng.uniform(1, 5),
        shadow=(0.0, 0.03, 0.4),
        rank=float(rng.choice([1.0, 4.0], p=[0.6, 0.4])),
        restage=0.6,
        seed=int(rng.integers(2**31)),
    )


def blood(rng: np.random.Generator) -> Body:
    """A pool or trickle of blood that spreads over tissue and stains it; it hides nothing from the labels."""
    if rng.random() < 0.5:
        shape = blob(rng, 96, 0.3, flat=0.9, lobes=9)
    else:
        bones = _smooth(np.cumsum(rng.normal([0.3, 0], [0.1, 0.2], (7, 2)), 0) - [1, 0])
        shape = stroke(bones, rng.uniform(0.05, 0.25, 10), side=96)
    h, w = shape.distance.shape
    skin = tissue(rng, h, w, "blood", scale=0.6, spread=0.2)
    piece = sprite(shape, skin, bump=0.5, bulge=0.4, gloss=1.2)
    size, place = rng.uniform(0.1, 0.5), rng.uniform(-0.7, 0.7, 2)
    path = Path.random(rng, place, size, reach=0.05, turn=0.1, grow=0.6, period=rng.uniform(15, 60))
    elastic = Elastic(rng, 0.15, 12)
    return Body([Member(piece)], path, None, elastic=elastic, soft=3, opacity=rng.uniform(0.5, 0.95), rank=1.5)


def iris(rng: np.random.Generator) -> list[Body]:
    """Cornea, iris and pupil as unlabelled discs on one path."""
    size, bodies = rng.uniform(0.35, 0.75), []
    seed = int(rng.integers(2**31))
    for share, palette in ((1.0, rng.choice(["grey", "meat", "spleen"])), (rng.uniform(0.3, 0.7), "spleen")):
        shape = blob(rng, 128, 0.012, flat=0.8)
        skin = tissue(rng, 128, 128, str(palette), scale=0.5, spread=0.2)
        dark = Surface(skin.colour * (1 if share == 1.0 else 0.5), skin.height)
        piece = sprite(shape, dark, bump=1, bulge=0.4, gloss=1.0)
        path_rng = np.random.default_rng(seed)
        path = Path.random(path_rng, path_rng.uniform(-0.3, 0.3, 2), size, reach=0.08, turn=0.1, grow=0.02, period=20)
        bodies.append(Body([Member(piece, scale=share)], path, 0, soft=6.0, rank=-share))
    return bodies


def palette_of(rng: np.random.Generator, names: tuple[str, ...] | None = None) -> str:
    """A tissue palette, out of `names` or of all."""
    return str(rng.choice(names or list(TISSUE)))


def _smooth(points: np.ndarray, count: int = 10) -> np.ndarray:
    """`count` points along a quadratic-looking path through `points`."""
    at = np.linspace(0, len(points) - 1, count)
    path = np.stack([np.interp(at, np.arange(len(points)), p) for p in points.T], 1)
    path[1:-1] = (path[:-2] + 2 * path[1:-1] + path[2:]) / 4
    return path
