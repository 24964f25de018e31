"""Results as a tracker makes them, of discs that wander over a small frame."""

from fractions import Fraction

import numpy as np
import torch

from sam2s.tracking.results import FrameResult, ObjectResult, ObjectState

SIZE = (48, 64)
FPS = Fraction(30000, 1001)


def wandering(index: int, object_id: int) -> np.ndarray:
    """bool [48, 64]; object 2 is away on every third frame."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    disc = (columns - 10 * object_id - index) ** 2 + (rows - 20) ** 2 < (5 + object_id) ** 2
    return disc & (object_id != 2 or index % 3 != 2)


def make_result(index: int, ids: tuple[int, ...] = (1, 2), time: Fraction | None = FPS) -> FrameResult:
    objects = {}
    for object_id in ids:
        mask = wandering(index, object_id)
        state = ObjectState.VISIBLE if mask.any() else ObjectState.ABSENT
        logits = torch.from_numpy(mask).float() * 2 - 1
        objects[object_id] = ObjectResult(
            object_id, logits, SIZE, 0.9 - index / 1000, 0.98 if mask.any() else 0.01, state, index == 0, "grasper", 0.7
        )
    return FrameResult(index, None if time is None else index / time, objects)
