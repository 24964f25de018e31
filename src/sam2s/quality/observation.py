"""What one frame shows of one object, in a few numbers: the shape of the mask, its pixels, its object pointer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from sam2s.tracking import ObjectResult

LARGEST_GRID = 128
"""Masks and pictures are looked at on at most so many rows and columns."""
SHADOW, GLARE = 12 / 255, 250 / 255
"""Luminance below and above which a pixel shows nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureSample:
    """A frame seen on the grid of the masks.

    Attributes:
        colours: float32 [h, w, 3], RGB from 0 to 1, one pixel of the frame for each place of the grid.
        detail: float32 [h, w], change of luminance to the next pixel on the right plus the one below, 0 to 2.
    """

    colours: np.ndarray
    detail: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One object on one frame.

    Attributes:
        mask: bool [h, w], the grid.
        area: share of the picture that the mask covers.
        centre: (x, y) of its centroid in shares of the picture's width and height; (0, 0) for an empty mask.
        at_border: whether it touches the picture's border.
        certainty: mean probability of its pixels, 0.5 to 1; 1 for an empty mask.
        edge: share of pixels that are nearly undecided (logit within 1 of 0), by the mask's own.
        rest: share of the mask outside its largest connected part.
        pointer: object pointer as a unit vector, float32 [C].
        appearance: mean image feature of its pixels as a unit vector, float32 [C]; None where features are unknown.
        colour: mean RGB of its pixels, float32 [3].
        detail: mean `PictureSample.detail` of its pixels.
        unexposed: share of its pixels that are too dark or too bright to show anything.
    """

    mask: np.ndarray
    area: float
    centre: tuple[float, float]
    at_border: bool
    certainty: float
    edge: float
    rest: float
    pointer: np.ndarray
    appearance: np.ndarray | None
    colour: np.ndarray
    detail: float
    unexposed: float


def sample_picture(image: np.ndarray, grid: tuple[int, int]) -> PictureSample:
    """Look at a frame, uint8 [H, W, 3], on a grid (h, w); only the pixels of the grid and their neighbours are read."""
    height, width = image.shape[:2]
    rows = np.minimum(((np.arange(grid[0]) + 0.5) * height / grid[0]).astype(int), max(height - 2, 0))
    columns = np.minimum(((np.arange(grid[1]) + 0.5) * width / grid[1]).astype(int), max(width - 2, 0))
    below, right = np.minimum(rows + 1, height - 1), np.minimum(columns + 1, width - 1)
    colours = image[np.ix_(rows, columns)].astype(np.float32) / 255
    here = luminance(colours)
    detail = np.abs(here - luminance(image[np.ix_(rows, right)].astype(np.float32) / 255))
    detail += np.abs(here - luminance(image[np.ix_(below, columns)].astype(np.float32) / 255))
    return PictureSample(colours, detail)


def luminance(colours: np.ndarray) -> np.ndarray:
    """Brightness of RGB [..., 3] as Rec. 601 weighs it."""
    return colours @ np.array([0.299, 0.587, 0.114], np.float32)


def grid_logits(result: ObjectResult) -> np.ndarray:
    """The mask logits of a result on the grid, float32 [h, w]."""
    step = -(-max(result.low_res_logits.shape) // LARGEST_GRID)
    return result.low_res_logits[::step, ::step].float().cpu().numpy()


def observe(
    result: ObjectResult, logits: np.ndarray, picture: PictureSample, embedding: Tensor | None = None
) -> Observation:
    """Put an object's answer of a frame into numbers.

    Args:
        result: the tracker's answer.
        logits: its logits on the grid [h, w].
        picture: the frame on the same grid.
        embedding: image features [1, C, H / 16, W / 16] of the frame.
    """
    mask = logits > 0
    count = int(mask.sum())
    pointer = unit(_row(result.pointer))
    if not count:
        nothing = np.zeros(3, np.float32)
        return Observation(mask, 0.0, (0.0, 0.0), False, 1.0, 0.0, 0.0, pointer, None, nothing, 0.0, 0.0)
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    parts, number = ndimage.label(mask)
    largest = int(np.bincount(parts.ravel())[1:].max()) if number > 1 else count
    colours = picture.colours[mask]
    brightness = luminance(colours)
    return Observation(
        mask=mask,
        area=count / mask.size,
        centre=(float(columns.mean() + 0.5) / width, float(rows.mean() + 0.5) / height),
        at_border=bool(rows[0] == 0 or rows[-1] == height - 1 or columns.min() == 0 or columns.max() == width - 1),
        certainty=float((1 / (1 + np.exp(-np.minimum(logits[mask], 30)))).mean()),
        edge=float((np.abs(logits) < 1).sum() / count),
        rest=1 - largest / count,
        pointer=pointer,
        appearance=None if embedding is None else unit(mean_feature(embedding, mask)),
        colour=colours.mean(0),
        detail=float(picture.detail[mask].mean()),
        unexposed=float(((brightness < SHADOW) | (brightness > GLARE)).mean()),
    )


def mean_feature(embedding: Tensor, mask: np.ndarray) -> np.ndarray:
    """Mean image feature float32 [C] of the pixels of a mask [h, w] that is not empty; embedding [1, C, H, W]."""
    inside = torch.from_numpy(mask)[None, None].to(embedding.device, torch.float32)
    weights = F.interpolate(inside, embedding.shape[-2:], mode="area")
    mean = torch.einsum("chw,hw->c", embedding[0].float(), weights[0, 0]) / weights.sum()
    return np.asarray(mean.cpu().numpy(), np.float32)


def unit(vector: np.ndarray) -> np.ndarray:
    """A vector of length 1 in the same direction; a zero vector stays."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """IoU of two boolean masks of one shape; 0 where both are empty."""
    union = int((one | other).sum())
    return int((one & other).sum()) / union if union else 0.0


def _row(pointer: Tensor | None) -> np.ndarray:
    return np.zeros(1, np.float32) if pointer is None else pointer.float().cpu().numpy()
