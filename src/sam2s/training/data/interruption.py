"""Interruptions: another view, another patient or the dark comes between, and the objects are gone meanwhile.

A network that has always seen its object learns to say that it is there. Surgical video is cut, the scope is cleaned,
it is pulled out of the body; so clips of any source can be interrupted, by any other video of the same run.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from sam2s.tracking.preprocess import MEAN, STD

from .clip import Clip

DARK = 0.25
"""Share of interruptions in which nothing is seen, instead of another video."""

TO_THE_END = 0.3
"""Share of interruptions that last until the clip ends."""

LONGEST = 4
"""Frames of a clip that an interruption takes at most, unless it lasts until the end."""


def draw_span(rng: np.random.Generator, first: int, length: int) -> slice:
    """The frames of a clip of `length` that an interruption takes, none before `first`."""
    start = int(rng.integers(first, length))
    stop = length if rng.random() < TO_THE_END else min(length, start + int(rng.integers(1, LONGEST + 1)))
    return slice(start, stop)


def interrupt(clip: Clip, span: slice, images: Tensor) -> Clip:
    """The clip with `images` [t, 3, S, S] in the place of the frames of `span`, on which its objects are absent."""
    masks, known, frames = clip.masks.clone(), clip.known.clone(), clip.images.clone()
    frames[span], masks[:, span], known[:, span] = images, False, True
    return replace(clip, images=frames, masks=masks, known=known)


def dark_frames(rng: np.random.Generator, count: int, size: int) -> Tensor:
    """Frames [count, 3, S, S] as the network sees them that show nothing: black, dim or of one grey, at times noisy."""
    level = float(rng.choice([0.0, rng.uniform(0, 0.12), rng.uniform(0, 1)]))
    frames = torch.full((count, 3, size, size), level)
    if rng.random() < 0.5:
        frames += 0.02 * torch.from_numpy(rng.standard_normal(frames.shape, dtype=np.float32))
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return (frames.clamp_(0, 1) - mean) / std
