"""One mask as JSON has it, checked before memory is taken for it; and the masks of a video made of such."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sam2s.errors import DatasetError
from sam2s.evaluation.maskset import FrameRegions
from sam2s.evaluation.region import Region, cut_mask
from sam2s.limits import check_pixels
from sam2s.masks import polygon, rle

_FAR = 4  # sides of the picture that a corner may lie outside of it


@dataclass(frozen=True)
class Polygons:
    """A mask as polygons (flat lists of x, y) in a picture of size (H, W)."""

    points: list[list[float]]
    size: tuple[int, int]


Shape = rle.Rle | Polygons


@dataclass(frozen=True)
class JsonMasks:
    """Run lengths or polygons out of a JSON file.

    Attributes:
        masks: by frame key, in time order, the objects' masks.
        size: (H, W) of the video, where the file says it.
        place: the file and the video, for messages.
    """

    masks: dict[str, dict[int, Shape]]
    size: tuple[int, int] | None
    place: str = ""
    by_object: None = field(default=None)

    @property
    def frames(self) -> tuple[str, ...]:
        """Keys of the frames that have masks, in time order."""
        return tuple(self.masks)

    def read(self, key: str) -> FrameRegions:
        """Read the objects on a frame, and its size where it is known."""
        regions: dict[int, Region] = {}
        size = self.size
        for object_id, shape in self.masks.get(key, {}).items():
            where = f"{self.place}, frame {key}, object {object_id}"
            mask = decode(shape, where)
            if size not in (None, mask.shape):
                raise DatasetError(f"{where}: mask of size {mask.shape}, expected {size} (H, W)")
            size = mask.shape
            region = cut_mask(mask)
            if region:
                regions[object_id] = region
        return FrameRegions(regions, size)


def read_shape(item: Any, size: tuple[int, int] | None, where: str) -> Shape | None:
    """Check that an entry is a mask that can be decoded; None for no mask.

    Args:
        item: run lengths `{"size": [H, W], "counts": ...}`, a list of polygons, or None.
        size: (H, W) of the frame, where it is known.
        where: file and entry, for messages.

    Raises:
        DatasetError: it is neither, larger than the frame or the limit, or its numbers cannot be right.
    """
    if item is None:
        return None
    if isinstance(item, dict):
        return _run_lengths(item, size, where)
    if not isinstance(item, list):
        raise DatasetError(f"{where}: a mask is run lengths, a list of polygons or null, not {str(item)[:40]!r}")
    if size is None:
        raise DatasetError(f"{where} has a polygon; its video or image needs 'height' and 'width'")
    return Polygons([_corners(points, size, where) for points in item], size)


def decode(shape: Shape, where: str) -> np.ndarray:
    """A mask bool [H, W].

    Raises:
        DatasetError: the run lengths are damaged, or it has more pixels than the limit.
    """
    height, width = shape.size if isinstance(shape, Polygons) else shape["size"]
    check_pixels(height, width, where)
    if isinstance(shape, Polygons):
        return polygon.fill(shape.points, shape.size)
    try:
        counts = shape["counts"]
        runs = rle.decompress(counts).tolist() if isinstance(counts, str) else counts
        if any(run < 0 for run in runs) or sum(runs) != height * width:  # of Python, so that no sum wraps around
            raise ValueError(f"damaged RLE: counts do not add up to {height} x {width} = {height * width}")
        return rle.decode({"size": [height, width], "counts": runs})
    except (ValueError, OverflowError) as error:
        raise DatasetError(f"{where}: {error}") from error


def _run_lengths(item: dict[str, Any], size: tuple[int, int] | None, where: str) -> rle.Rle:
    own, counts = item.get("size"), item.get("counts")
    if not isinstance(own, list) or len(own) != 2 or not all(type(n) is int and n > 0 for n in own):
        raise DatasetError(f"{where}: run lengths need 'size' [height, width] and 'counts', not size {str(own)[:40]}")
    if size is not None and (own[0], own[1]) != size:
        raise DatasetError(f"{where}: mask of size {own[1]}x{own[0]}, expected {size[1]}x{size[0]}")
    if not isinstance(counts, str) and not (isinstance(counts, list) and all(type(n) is int for n in counts)):
        raise DatasetError(f"{where}: 'counts' is neither a text nor a list of whole numbers, but {str(counts)[:40]}")
    return {"size": own, "counts": counts}


def _corners(points: Any, size: tuple[int, int], where: str) -> list[float]:
    if not isinstance(points, list) or not all(type(n) in (int, float) for n in points):
        raise DatasetError(f"{where}: a polygon is a flat list of numbers x, y, x, y, ..., not {str(points)[:40]}")
    if len(points) < 6 or len(points) % 2:
        raise DatasetError(f"{where}: a polygon has {len(points)} numbers; it needs x and y of at least three points")
    far = _FAR * max(size)
    if wrong := next((n for n in points if not math.isfinite(n) or abs(n) > far), None):
        raise DatasetError(f"{where}: a corner at {wrong} lies far outside of a picture of {size[1]}x{size[0]}")
    return [float(n) for n in points]
