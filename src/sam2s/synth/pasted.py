"""The stage of scenes made of cut-outs: objects that cross, leave and return, beside look-alikes, over any ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from .actors import Backdrop, Body, Member, Path
from .canvas import Canvas, Elastic, Sprite
from .creatures import bars, landscape
from .cutouts import CutoutFolder, covered, cutout_shape, recoloured
from .effects import Grade
from .geometry import Matrix, affine, compose
from .motion import Camera, Track, View
from .organs import bed, palette_of
from .shapes import Shape, blob
from .stages import SceneObject, Stage
from .textures import anything, tissue

GROUND = 320
"""Pixels of a ground, which is seen at up to twice its size."""


class Visits:
    """When a thing is out of sight, where it goes then, and how it comes back: from elsewhere, larger or smaller."""

    def __init__(self, rng: np.random.Generator, stay: float, away: tuple[float, float], growth: float) -> None:
        """`stay` is the mean time in view, `away` the shortest and longest time out of it, `growth` logarithmic."""
        spans = np.stack([rng.exponential(stay, 24) + 2, rng.uniform(*away, 24)], 1)
        self._edges = np.cumsum(spans.ravel()) - rng.uniform(0, spans.sum() / 24)
        self._bearings = rng.uniform(0, 2 * math.pi, 49).tolist()
        self._sizes = np.exp(rng.uniform(-growth, growth, 25)).tolist()

    def at(self, t: float) -> tuple[float, float, float]:
        """Displacement x, y in half frames, and the scale of the present visit."""
        index = int(np.searchsorted(self._edges, t, side="right"))
        visit, away = divmod(index, 2)
        start = self._edges[index - 1] if index else -math.inf
        stop = self._edges[index] if index < len(self._edges) else math.inf
        size = self._sizes[min(visit + away * (t > (start + stop) / 2), 24)]
        if not away:
            return 0.0, 0.0, size
        leaving = t - start < stop - t
        gone = min(1.0, min(t - start, stop - t) / 1.5)
        bearing = self._bearings[2 * visit + (not leaving)]
        return 4 * gone * math.cos(bearing), 4 * gone * math.sin(bearing), size


@dataclass
class Visitor(Body):
    """A body that leaves and comes back."""

    visits: Visits | None = None
    _moves: dict[int, Matrix] = field(default_factory=dict)

    def _pose(self, t: float, view: View) -> Matrix:
        pose = super()._pose(t, view)
        if self.visits is None:
            return pose
        x, y, size = self.visits.at(t)
        return compose(affine(x, y), compose(pose, affine(0, 0, 0, size)))


def pasted(rng: np.random.Generator, drift: float, folder: CutoutFolder) -> Stage:
    """One to four objects, some of them twins, among things that nobody asks for."""
    backdrop = ground(rng, folder)
    actors: list[Backdrop | Body] = [backdrop]
    objects: list[SceneObject] = []
    pieces: list[tuple[Sprite, str]] = []
    for label in range(1, 1 + int(rng.choice([1, 2, 3, 4], p=[0.35, 0.35, 0.2, 0.1]))):
        twin = bool(pieces) and rng.random() < 0.25
        pieces.append(pieces[-1] if twin else cutout_sprite(rng, folder, backdrop))
        objects.append(SceneObject(label, pieces[-1][1], "object"))
        actors.append(body(rng, pieces[-1][0], label, drift))
    for _ in range(int(rng.choice(4, p=[0.35, 0.3, 0.2, 0.15]))):
        twin = rng.random() < 0.35
        piece, _ = pieces[int(rng.integers(len(pieces)))] if twin else cutout_sprite(rng, folder, backdrop)
        actors.append(body(rng, piece, 0, drift))
    if rng.random() < 0.15:
        actors.extend(bars(rng) for _ in range(int(rng.integers(1, 3))))
    jumps = 60 if rng.random() < 0.15 else None
    camera = Camera(rng, rng.uniform(0, 0.6), rng.uniform(0, 0.3), rng.uniform(0, 0.35), jumps)
    grade = Grade(border=0.12, falloff=0.25, smoke=0.08, shine=0.4, shading=0.4, blur=0.25, droplets=0.03)
    tempo = float(np.exp(rng.uniform(math.log(0.15), math.log(2.0))))
    return Stage(tuple(actors), tuple(objects), camera, grade, tempo)


def ground(rng: np.random.Generator, folder: CutoutFolder) -> Backdrop:
    """A photo, tissue, a landscape, or a heap of cut-outs."""
    choice = rng.random()
    if folder.photos and choice < 0.4:
        colour = folder.draw_photo(rng, GROUND)
        height = torch.zeros(3, GROUND, GROUND)
        height[2] = 1
        piece = Sprite(torch.cat([colour, height]), (1.0, 1.0), 0.05)
    elif choice < 0.6:
        return bed(rng, palette_of(rng))
    elif choice < 0.75:
        return landscape(rng)
    else:
        piece = heap(rng, folder)
    elastic = Elastic(rng, rng.uniform(0, 0.06), rng.uniform(5, 30)) if rng.random() < 0.4 else None
    return Backdrop((piece,), rng.uniform(0.4, 1), elastic, scale=rng.uniform(1.2, 2.2))


def heap(rng: np.random.Generator, folder: CutoutFolder) -> Sprite:
    """Many cut-outs of all sizes over any surface, as one flat picture."""
    canvas = Canvas(GROUND)
    skin = anything(rng, 256, 256, scale=2).colour
    canvas.fill(Sprite(torch.cat([skin, torch.zeros(2, 256, 256), torch.ones(1, 256, 256)]), (1.0, 1.0)), affine(0, 0))
    for _ in range(int(rng.integers(3, 14))):
        size = math.exp(rng.uniform(math.log(0.1), math.log(0.9)))
        x, y = rng.uniform(-1, 1, 2).tolist()
        canvas.draw(cutout_sprite(rng, folder)[0], affine(x, y, rng.uniform(0, 6.3), size))
    canvas.buffer[3:5] = 0
    canvas.buffer[5] = 1
    return Sprite(canvas.buffer, (1.0, 1.0), 0.05)


def cutout_sprite(
    rng: np.random.Generator, folder: CutoutFolder, backdrop: Backdrop | None = None
) -> tuple[Sprite, str]:
    """A cut-out as it is or with another skin, or a drawn outline, so that flat colour does not tell an object.

    Returns:
        the sprite, and its category: the cut-out's, if it looks as it does in its picture, else "object".
    """
    if rng.random() < 0.15:
        shape: Shape = blob(rng, 112, rng.uniform(0.03, 0.3), flat=rng.uniform(0, 1))
        return covered(rng, shape, _skin(rng, folder, shape.distance.shape, backdrop)), "object"
    rgba, name = folder.draw(rng)
    shape, own = cutout_shape(rgba[:, ::-1] if rng.random() < 0.5 else rgba)
    if rng.random() < 0.5:
        return covered(rng, shape, recoloured(own, rng) if rng.random() < 0.4 else own), name
    return covered(rng, shape, _skin(rng, folder, shape.distance.shape, backdrop)), "object"


def _skin(
    rng: np.random.Generator, folder: CutoutFolder, size: Sequence[int], backdrop: Backdrop | None
) -> torch.Tensor:
    """Colours `[3, h, w]` or more: of a photo, of the ground below, of a drawn surface, or of tissue."""
    side, choice = max(size), rng.random()
    if folder.photos and choice < 0.5:
        return folder.draw_photo(rng, side)
    if backdrop is not None and choice < 0.66:
        ground = backdrop.sprites[0].texture[:3]
        y, x = (int(rng.integers(max(1, length - side + 1))) for length in ground.shape[1:])
        patch = ground[:, y : y + side, x : x + side]
        if patch.shape[1] >= size[0] and patch.shape[2] >= size[1]:
            return (patch * float(np.exp(rng.normal(0, 0.25)))).clamp(0, 1)
    if choice < 0.8:
        return anything(rng, side, side, scale=rng.uniform(0.4, 1.6)).colour
    return tissue(rng, side, side, palette_of(rng), scale=rng.uniform(0.4, 1.6)).colour


def body(rng: np.random.Generator, piece: Sprite, label: int, drift: float) -> Visitor:
    """A thing on a path of its own."""
    size = math.exp(rng.uniform(math.log(0.12), math.log(0.85)))
    mild = rng.random() < 0.6
    path = Path.random(
        rng,
        rng.uniform(-0.6, 0.6, 2),
        size,
        reach=rng.uniform(0, 0.4) if mild else rng.uniform(0.4, 1.2),
        turn=rng.uniform(0, 0.4) if mild else rng.uniform(0, 2.5),
        grow=rng.uniform(0, 0.45),
        period=rng.uniform(6, 30),
    )
    elastic = None
    if rng.random() < 0.7:
        elastic = Elastic(rng, rng.uniform(0, 0.14), rng.uniform(3, 20), rng.uniform(0, 0.25))
    shadow = (rng.uniform(-0.1, 0.1), rng.uniform(0, 0.15), rng.uniform(0.1, 0.5)) if rng.random() < 0.3 else None
    visits = None
    if rng.random() < 0.3 + drift:
        visits = Visits(rng, rng.uniform(6, 40), (3, 25), 0.5)
    return Visitor(
        [Member(piece)],
        path,
        label,
        plane=rng.uniform(0.7, 1.3) if rng.random() < 0.6 else rng.uniform(0.05, 0.5),
        elastic=elastic,
        soft=1.0 if rng.random() < 0.7 else rng.uniform(1, 3),
        shadow=shadow,
        order=Track(rng, 30, 0.6),
        rank=2 + rng.random(),
        visits=visits,
    )
