"""How well one mask fits another: J (region) and F (boundary), to the bit as DAVIS and the SA-V evaluator define them.

The official definition works on whole frames with a dilation by a disk. Here only the box around both masks is looked
at, and the disk is put together from shifted rows, which gives the same pixels in a fraction of the time.
"""

from __future__ import annotations

import math

import numpy as np

from sam2s.errors import ConfigError
from sam2s.evaluation.region import Region, cut_mask, paint
from sam2s.evaluation.rules import TOLERANCE


def jaccard(pred: np.ndarray, gt: np.ndarray) -> float:
    """J, the intersection over union of two masks bool [H, W]; 1 if both are empty.

    Example: a mask of 4 pixels inside one of 16 has J = 4 / 16 = 0.25.
    """
    _check_sizes(pred, gt)
    return region_jaccard(cut_mask(pred), cut_mask(gt))


def boundary_f(pred: np.ndarray, gt: np.ndarray, *, tolerance: float = TOLERANCE) -> float:
    """F, the harmonic mean of precision and recall of the boundary of two masks bool [H, W].

    A boundary pixel counts as found when the other boundary has one within ceil(tolerance * image diagonal) pixels.
    Both boundaries empty gives 1, one of them empty 0. A mask that fills the frame has no boundary.

    Example: a square moved by less than the tolerance keeps F = 1.
    """
    _check_sizes(pred, gt)
    return region_boundary_f(cut_mask(pred), cut_mask(gt), pred.shape, tolerance=tolerance)


def region_jaccard(pred: Region | None, gt: Region | None) -> float:
    """`jaccard` of two cut-out masks of one frame; None is an empty mask."""
    if pred is None or gt is None:
        return float(pred is gt)
    shared = intersection(pred, gt)
    return float(shared / (np.count_nonzero(pred.mask) + np.count_nonzero(gt.mask) - shared))


def intersection(a: Region, b: Region) -> int:
    """Number of pixels that two regions of one frame share."""
    top, bottom = max(a.top, b.top), min(a.bottom, b.bottom)
    left, right = max(a.left, b.left), min(a.right, b.right)
    if top >= bottom or left >= right:
        return 0
    part_a = a.mask[top - a.top : bottom - a.top, left - a.left : right - a.left]
    part_b = b.mask[top - b.top : bottom - b.top, left - b.left : right - b.left]
    return int(np.count_nonzero(part_a & part_b))


def region_boundary_f(
    pred: Region | None, gt: Region | None, size: tuple[int, ...], *, tolerance: float = TOLERANCE
) -> float:
    """`boundary_f` of two cut-out masks of a frame of `size` (H, W); None is an empty mask."""
    present = [region for region in (pred, gt) if region is not None]
    if not present:
        return 1.0
    window = (  # one background pixel around, because boundary pixels lie up and left of the edge
        max(min(region.top for region in present) - 1, 0),
        max(min(region.left for region in present) - 1, 0),
        min(max(region.bottom for region in present) + 1, size[0]),
        min(max(region.right for region in present) + 1, size[1]),
    )
    pred_edge, gt_edge = boundary(paint(pred, window)), boundary(paint(gt, window))
    pred_length, gt_length = np.count_nonzero(pred_edge), np.count_nonzero(gt_edge)
    if not pred_length or not gt_length:
        return float(pred_length == gt_length)
    radius = math.ceil(tolerance * np.linalg.norm(size))
    precision = np.count_nonzero(pred_edge & dilate(gt_edge, radius)) / pred_length
    recall = np.count_nonzero(gt_edge & dilate(pred_edge, radius)) / gt_length
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def boundary(mask: np.ndarray) -> np.ndarray:
    """The 1-pixel boundary of a mask bool [H, W]: pixels unlike their right, lower or lower right neighbour.

    At the lower and right border of the array the neighbours repeat, so the border itself is no boundary.
    """
    right, below = mask.copy(), mask.copy()
    right[:, :-1] = mask[:, 1:]
    below[:-1] = mask[1:]
    corner = right.copy()
    corner[:-1] = right[1:]
    return (mask ^ right) | (mask ^ below) | (mask ^ corner)


def dilate(mask: np.ndarray, radius: int) -> np.ndarray:
    """Dilate a mask bool [H, W] by the disk x² + y² <= radius²; nothing comes in from outside the array.

    The disk is a stack of rows, narrow at its ends; starting there, each row is widened out of the one before.
    """
    dilated = mask.copy()
    row, half = mask, 0
    for offset in range(min(radius, mask.shape[0] - 1), -1, -1):
        wanted = min(math.isqrt(radius * radius - offset * offset), mask.shape[1] - 1)
        while half < wanted:
            step = min(wanted - half, half + 1)  # a longer one would leave holes beside the border, which cuts rows off
            row, half = _widen(row, step), half + step
        if offset:
            dilated[offset:] |= row[:-offset]
            dilated[:-offset] |= row[offset:]
        else:
            dilated |= row
    return dilated


def _widen(mask: np.ndarray, step: int) -> np.ndarray:
    wide = mask.copy()
    wide[:, step:] |= mask[:, :-step]
    wide[:, :-step] |= mask[:, step:]
    return wide


def _check_sizes(pred: np.ndarray, gt: np.ndarray) -> None:
    if pred.ndim != 2 or pred.shape != gt.shape:
        raise ConfigError(
            f"masks to compare have shapes {pred.shape} and {gt.shape}: both must be [H, W] of one size; "
            "resize the prediction to the truth first (nearest neighbour)"
        )
