"""Optional cleaning of masks: fill holes, remove islands, keep the largest part. Nothing is done unless asked for."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


def clean(mask: np.ndarray, *, fill_holes: int = 0, remove_islands: int = 0, keep_largest: bool = False) -> np.ndarray:
    """Clean a bool [H, W] mask; the input is left as it is.

    Object parts touch by edges or corners, holes by edges only. Background at the border of the frame is no hole.

    Args:
        mask: bool [H, W].
        fill_holes: fill holes of fewer pixels than this.
        remove_islands: remove parts of fewer pixels than this, but never all of them: the largest stays.
        keep_largest: keep the largest part alone (the first in reading order when several are as large).
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size or not (fill_holes or remove_islands or keep_largest):
        return mask.copy()
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    part = np.pad(mask[window], 1)  # one ring of background joins all that is outside
    if fill_holes:
        labels, count = ndimage.label(~part)
        small = np.bincount(labels.ravel(), minlength=count + 1) < fill_holes
        small[[0, labels[0, 0]]] = False
        part |= small[labels]
    if remove_islands or keep_largest:
        labels, count = ndimage.label(part, _EIGHT_NEIGHBOURS)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        sizes[0] = 0
        largest = int(sizes.argmax())
        keep = np.zeros(count + 1, bool) if keep_largest else sizes >= max(remove_islands, 1)
        keep[largest] = True
        part = keep[labels]
    cleaned = np.zeros_like(mask)
    cleaned[window] = part[1:-1, 1:-1]
    return cleaned
