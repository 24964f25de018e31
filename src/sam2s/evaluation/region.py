"""An object's pixels cut out of a frame: small to keep and to send, and all that a measure has to look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage


@dataclass(frozen=True, slots=True)
class Region:
    """The tight crop of one mask; an empty mask has no region (None).

    Attributes:
        mask: bool [h, w], the crop; its first and last row and column hold object pixels.
        top: row of the crop's first row in the frame.
        left: column of the crop's first column in the frame.
    """

    mask: np.ndarray
    top: int
    left: int

    @property
    def bottom(self) -> int:
        """First row below the crop."""
        return self.top + self.mask.shape[0]

    @property
    def right(self) -> int:
        """First column right of the crop."""
        return self.left + self.mask.shape[1]


def exclude(region: Region, void: np.ndarray) -> Region | None:
    """Take the pixels of `void`, bool [H, W] of the frame, out of a region; None if nothing is left."""
    inside = region.mask & ~void[region.top : region.bottom, region.left : region.right]
    rest = cut_mask(inside)
    return Region(rest.mask, region.top + rest.top, region.left + rest.left) if rest else None


def cut_mask(mask: np.ndarray) -> Region | None:
    """Cut out the true pixels of a mask bool [H, W]; None if there are none."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    top, bottom = rows[0], rows[-1] + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    left, right = columns[0], columns[-1] + 1
    return Region(mask[top:bottom, left:right].astype(bool), int(top), int(left))


def cut_labels(labels: np.ndarray) -> dict[int, Region]:
    """Cut every object out of a label map [H, W] of ids (0 is background); absent objects have no entry."""
    regions = {}
    for object_id, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            regions[object_id] = Region(labels[box] == object_id, box[0].start, box[1].start)
    return regions


def paint(region: Region | None, window: tuple[int, int, int, int]) -> np.ndarray:
    """Draw a region into the window (top, left, bottom, right) of the frame, which must hold all of it: bool [h, w]."""
    top, left, bottom, right = window
    canvas = np.zeros((bottom - top, right - left), bool)
    if region is not None:
        canvas[region.top - top : region.bottom - top, region.left - left : region.right - left] = region.mask
    return canvas
