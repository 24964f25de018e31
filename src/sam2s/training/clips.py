"""Training clips: a few frames of one video with the masks of a few of its objects."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from sam2s.synth import Scene
from sam2s.tracking.preprocess import MEAN, STD

from .batch import ClipBatch as ClipBatch

MERGED = 0.15
"""Share of clips in which two objects are taken for one: what counts as an object is the prompt's to say."""


def divemem_times(length: int, frames: int, stride: int, rng: np.random.Generator) -> list[int]:
    """Frame times of a DiveMem clip: one conditioning and two long-term frames anywhere, then a consecutive block."""
    block = frames - 3
    start = int(rng.integers(0, max(1, length - (block - 1) * stride)))
    consecutive = [min(start + i * stride, length - 1) for i in range(block)]
    outside = np.setdiff1d(np.arange(length), consecutive)
    return [*(int(t) for t in rng.choice(outside, 3, replace=False)), *consecutive]


def vanilla_times(length: int, frames: int, stride: int, rng: np.random.Generator) -> list[int]:
    """Frame times of a plain SAM 2 clip: consecutive frames, half of the time played backwards."""
    start = int(rng.integers(0, max(1, length - (frames - 1) * stride)))
    times = [min(start + i * stride, length - 1) for i in range(frames)]
    return times[::-1] if rng.random() < 0.5 else times


class SyntheticClips:
    """Endless batches of generated clips, deterministic by seed.

    Args:
        size: image side S in pixels.
        batch: clips B in a batch.
        frames: frames T of a clip.
        objects: most objects taken from a clip.
        divemem: share of batches sampled as DiveMem clips, the rest as consecutive frames.
        seed: base of all scene seeds; scenes below 1,000,000 are kept apart for evaluation.
        min_area: smallest share of the first frame that an object must cover.
        reuse: clips drawn from a scene, on average, before it gives way to another; making one costs several frames.
    """

    def __init__(
        self,
        *,
        size: int,
        batch: int,
        frames: int,
        objects: int = 2,
        divemem: float = 0.5,
        seed: int = 1,
        min_area: float = 0.002,
        reuse: int = 4,
    ) -> None:
        self.size, self.batch, self.frames, self.objects = size, batch, frames, objects
        self.divemem, self.seed, self.min_area, self.reuse = divemem, seed, min_area, reuse
        self._scenes: list[Scene] = []

    def __iter__(self) -> Iterator[ClipBatch]:
        rng = np.random.default_rng(self.seed)
        while True:
            yield self._batch(rng)

    def _batch(self, rng: np.random.Generator) -> ClipBatch:
        long_term = 2 if self.frames > 4 and rng.random() < self.divemem else 0
        images: list[np.ndarray] = []
        masks: list[np.ndarray] = []
        owner: list[int] = []
        times: list[list[int]] = []
        while len(images) < self.batch:
            clip = self._clip(rng, dive=long_term > 0)
            if clip is None:
                continue
            owner += [len(images)] * len(clip[1])
            images.append(clip[0])
            masks.append(clip[1])
            times.append(clip[2])
        pixels = torch.from_numpy(np.stack(images)).permute(0, 1, 4, 2, 3).float().div_(255)
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))
        stacked = torch.from_numpy(np.concatenate(masks))
        return ClipBatch(
            images=(pixels - mean) / std,
            masks=stacked,
            owner=torch.tensor(owner),
            long_term=long_term,
            known=torch.ones(stacked.shape[:2], dtype=torch.bool),
            category=torch.full((len(stacked),), -1),
            times=torch.tensor(times),
        )

    def _scene(self, rng: np.random.Generator) -> Scene:
        """One of a pool of scenes, in which one visit in `reuse` replaces the scene by a new one."""
        pool = 8 * self.reuse
        if len(self._scenes) == pool and rng.random() > 1 / self.reuse:
            return self._scenes[int(rng.integers(pool))]
        scene = Scene(int(rng.integers(1_000_000, 2**31)), self.size)
        if len(self._scenes) < pool:
            self._scenes.append(scene)
        else:
            self._scenes[int(rng.integers(pool))] = scene
        return scene

    def _clip(self, rng: np.random.Generator, *, dive: bool) -> tuple[np.ndarray, np.ndarray, list[int]] | None:
        """Images uint8 [T, S, S, 3], masks bool [n, T, S, S] and times of one scene, or None without a usable object."""
        scene = self._scene(rng)
        stride = int(rng.choice([1, 1, 1, 2, 2, 3, 4, 6]))
        times = (divemem_times if dive else vanilla_times)(scene.length, self.frames, stride, rng)
        first_image, first = scene.render(times[0])
        areas = np.bincount(first.ravel(), minlength=2)[1:]
        usable = np.flatnonzero(areas >= self.min_area * first.size) + 1
        if not len(usable):
            return None
        chosen = rng.permutation(usable)[: self.objects]
        rendered = [(first_image, first), *(scene.render(t) for t in times[1:])]
        images = np.stack([image for image, _ in rendered])
        labels = np.stack([label for _, label in rendered])
        if rng.random() < 0.5:
            images, labels = images[:, :, ::-1], labels[:, :, ::-1]
        masks = [labels == i for i in chosen]
        if len(usable) > 1 and rng.random() < MERGED:
            masks[0] = np.isin(labels, rng.permutation(usable)[:2])
        return np.ascontiguousarray(images), np.stack(masks), times
