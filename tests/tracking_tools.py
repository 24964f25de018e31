"""A small moving picture and helpers to compare results bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from sam2s.memory import MemoryPolicy
from sam2s.model import SAM2S
from sam2s.tracking import FrameResult, Tracker
from sam2s.video import ArraySource

ANY = MemoryPolicy(iou_threshold=0.0, candidates=2)
"""A policy by which random weights fill the long-term memory."""


def movie(frames: int = 24, height: int = 48, width: int = 80, seed: int = 3) -> np.ndarray:
    """uint8 [T, H, W, 3]: blocks of random colour that drift."""
    rng = np.random.default_rng(seed)
    wide = np.kron(rng.integers(0, 256, (height // 8, (width + frames * 2) // 8 + 1, 3), np.uint8), np.ones((8, 8, 1)))
    return np.stack([wide[:, 2 * t : 2 * t + width] for t in range(frames)]).astype(np.uint8)


def source(frames: int = 24, **kwargs: int) -> ArraySource:
    return ArraySource(movie(frames, **kwargs))


Bits = dict[int, tuple[torch.Tensor, float, float, str]]


def bits(result: FrameResult) -> Bits:
    """Everything that a result says of its objects."""
    return {i: (o.low_res_logits, o.iou, o.presence, o.state.value) for i, o in result.objects.items()}


def run(
    model: SAM2S,
    frames: Iterable[np.ndarray],
    acts: Mapping[int, Sequence[Callable[[Tracker], object]]],
    **settings: Any,
) -> list[Bits]:
    """Step through frames; `acts` maps a frame index to calls made before it."""
    tracker = Tracker(model, ANY, **settings)
    results = []
    for index, frame in enumerate(frames):
        for act in acts.get(index, ()):
            act(tracker)
        results.append(bits(tracker.step(frame)))
    return results


def same(a: Bits, b: Bits) -> bool:
    """Whether two results agree to the last bit."""
    return a.keys() == b.keys() and all(torch.equal(a[i][0], b[i][0]) and a[i][1:] == b[i][1:] for i in a)
