"""Running a compiled network before it is needed."""

from __future__ import annotations

import numpy as np

from sam2s.model import Network
from sam2s.video.frame import Frame

from .feature_prefetch import ON_GPU, encode
from .prompts import Box, Points
from .tracker import Tracker

FRAMES = 10
"""Frames for each number of objects; by then short-term memory is full."""


def warm_up(model: Network) -> None:
    """Track empty frames with one object, then with two more whose memories grow as one batch.

    `model.compiled.compile_network` makes kernels for what it meets first, and again where a number that was 1 becomes
    larger: maps, points, objects. After this it has met it all, and prompts and objects come and go without a pause.
    """
    side = model.image_size
    image = np.zeros((side, side, 3), np.uint8)
    frames = [Frame(image, index, None) for index in range(2 * FRAMES)]
    if model.device.type == "cuda":
        encode(model, frames[:ON_GPU])
    tracker = Tracker(model, batched="same-shape")
    tracker.add_prompt(object_id=1, prompt=Points([(side / 2, side / 2)]))
    for frame in frames:
        if frame.index == FRAMES:
            tracker.add_prompt(object_id=1, prompt=Points([(1, 1), (2, 2)], [0, 0]))
            for newcomer in (2, 3):
                tracker.add_prompt(object_id=newcomer, prompt=Box(0, 0, side / 2, side / 2))
        tracker.step(frame)
