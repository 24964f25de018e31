"""A scene: a clip of any length that can be drawn frame by frame, in any order, from nothing but its seed."""

import numpy as np
import torch
from numpy.typing import NDArray

from sam2s.errors import ConfigError

from .builders import BUILDERS
from .canvas import Canvas
from .cutouts import CutoutFolder
from .effects import Look
from .motion import Clock, SteadyClock
from .pasted import pasted
from .stages import SceneKind, SceneObject, Stage


class Scene:
    """A procedural clip with exact masks, decided by `seed`, `size`, `kind` and the options alone.

    Args:
        seed: Decides everything.
        size: Side of the square frames in pixels.
        length: Number of frames; `render` takes any time from 0 to `length` - 1.
        kind: What the scene shows; drawn from the seed if not given.
        tempo: Speed of everything; drawn from the seed if not given (1 is lively, 0.2 calm).
        drift: How readily, from 0 to 1, tools leave and come back and the camera jumps to other views.

    Raises:
        ConfigError: If `kind` does not exist.
    """

    def __init__(
        self,
        seed: int,
        size: int = 256,
        length: int = 100,
        *,
        kind: SceneKind | str | None = None,
        tempo: float | None = None,
        drift: float = 0.25,
    ) -> None:
        if kind is not None and kind not in set(SceneKind):
            raise ConfigError(f"scene kind '{kind}' does not exist; allowed are {', '.join(SceneKind)}")
        rng = np.random.default_rng((seed, 7))
        kinds = list(BUILDERS)
        drawn = kinds[rng.choice(len(kinds), p=[BUILDERS[k][1] for k in kinds])]
        self.seed, self.size, self.length = seed, size, length
        self.kind = SceneKind(kind) if kind is not None else drawn
        with torch.no_grad():
            self._stage = self._build(rng, drift)
            self._look = Look(rng, size, self._stage.grade)
        self.tempo = self._stage.tempo if tempo is None else tempo
        self.drift = drift
        self._clock = SteadyClock(self.tempo) if self._stage.steady else Clock(rng, self.tempo)

    def _build(self, rng: np.random.Generator, drift: float) -> Stage:
        return BUILDERS[self.kind][0](rng, drift)

    @property
    def objects(self) -> tuple[SceneObject, ...]:
        """Every labelled object: id, category name, and whether it is an instrument, tissue or any other object."""
        return self._stage.objects

    @property
    def border(self) -> NDArray[np.float32] | None:
        """How much light the scope lets through at each pixel, `[S, S]` from 0 to 1; None without a scope's border."""
        return self._look.border

    @property
    def jumps(self) -> list[int]:
        """Frames on which the camera shows another view of the scene than on the frame before, ascending."""
        views = [self._stage.camera(self._clock(t)).index for t in range(self.length)]
        return [t for t in range(1, self.length) if views[t] != views[t - 1]]

    def __len__(self) -> int:
        return self.length

    @torch.no_grad()
    def render(self, t: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Draws frame `t`: picture `[H, W, 3]` and labels `[H, W]` (0 background, else the id of the visible object).

        The same `t` gives the same pixels, whatever was drawn before.

        Raises:
            IndexError: If `t` is not from 0 to `length` - 1.
        """
        if not 0 <= t < self.length:
            raise IndexError(f"frame {t} of a scene of {self.length} frames: allowed are 0 to {self.length - 1}")
        now, before = self._clock(t), self._clock(t - 1)
        view = self._stage.camera(now)
        canvas = Canvas(self.size)
        for actor in sorted(self._stage.actors, key=lambda a: a.depth(now)):
            actor.draw(canvas, now, view)
        return self._look.develop(canvas.buffer, canvas.labels, now, t, view, self._stage.camera(before))


class CutoutScene(Scene):
    """A clip of cut-outs in motion, decided by its seed, its size, its options and what the folder holds.

    Args:
        seed, size, length, tempo: As of `Scene`.
        folder: What the objects are cut out of.
        drift: How readily, from 0 to 1, objects leave and come back.
    """

    def __init__(
        self,
        seed: int,
        size: int,
        length: int,
        folder: CutoutFolder,
        *,
        tempo: float | None = None,
        drift: float = 0.25,
    ) -> None:
        self.folder = folder
        super().__init__(seed, size, length, kind=SceneKind.GENERIC, tempo=tempo, drift=drift)

    def _build(self, rng: np.random.Generator, drift: float) -> Stage:
        return pasted(rng, drift, self.folder)
