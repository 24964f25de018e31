"""Where a simulated person clicks: SAM 2's rule, the pixel that lies deepest inside an error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt


class Click(NamedTuple):
    """A pixel, and whether it was missing from the mask (1) or should not be in it (0)."""

    x: int
    y: int
    label: int


def error_click(truth: np.ndarray, predicted: np.ndarray | None = None) -> Click | None:
    """Choose the next click on a mask bool [H, W], given the truth.

    Both the missing and the superfluous pixels go through a Euclidean distance transform to which the outside of the
    picture counts as border. The largest distance wins; the click is positive only if that of the missing pixels is
    strictly larger. Without a predicted mask this is the deepest pixel of the object. Of equals the first in reading
    order is taken.

    Returns:
        None if nothing is wrong (the SAM 2.1 reference implementation then clicks negatively into a corner).
    """
    nothing = np.zeros_like(truth)
    missing = _depth(truth if predicted is None else truth & ~predicted)
    extra = _depth(nothing if predicted is None else predicted & ~truth)
    positive = missing.max() > extra.max()
    depth = missing if positive else extra
    if not depth.any():
        return None
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    return Click(int(x), int(y), int(positive))


def _depth(region: np.ndarray) -> np.ndarray:
    return distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1] if region.any() else np.zeros(region.shape)
