"""COCO run-length encoding: column-major runs that start with background, as a compressed string or a list of counts.

The algorithm is that of the Microsoft COCO API (`rleEncode`, `rleToString` and their inverses in its maskApi), written
anew in vectorised numpy. Strings must agree with it byte for byte and masks pixel for pixel, because files of SA-V,
YouTube-VIS and COCO are written and scored with it: a run that is off by one moves every score. Areas, boxes and
centroids come straight from the runs, without making the mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypedDict

import numpy as np

from sam2s.limits import check_pixels

_MAX_GROUPS = 12  # 5-bit groups that fit into an int64


class Rle(TypedDict):
    """A mask as COCO stores it: `size` is [H, W], `counts` a compressed string or a list of run lengths."""

    size: list[int]
    counts: str | list[int]


def encode(mask: np.ndarray) -> Rle:
    """Encode a bool [H, W] mask with compressed counts."""
    return {"size": list(mask.shape), "counts": compress(count_runs(mask))}


def encode_uncompressed(mask: np.ndarray) -> Rle:
    """Encode a bool [H, W] mask with a plain list of counts."""
    return {"size": list(mask.shape), "counts": count_runs(mask).tolist()}


def decode(rle: Rle) -> np.ndarray:
    """Decode to a bool [H, W] mask, C-contiguous.

    Raises:
        ValueError: the size or the counts are damaged, or do not belong together.
        LimitError: the size has more pixels than the limit (`sam2s.limits`).
    """
    edges = _edges(rle)[:-1]
    height, width = _size(rle)
    check_pixels(height, width, "a mask in RLE")
    toggles = np.zeros((height, width), np.uint8)
    inside = edges[edges < height * width]
    np.bitwise_xor.at(toggles.reshape(-1), (inside % height) * width + inside // height, 1)
    if width:
        before = np.searchsorted(inside, np.arange(width) * height, side="left")  # edges in the columns to the left
        toggles[:1] ^= (before & 1).astype(np.uint8)
    for above, row in pairwise(toggles):  # a running xor; numpy's own would stride down the columns
        np.bitwise_xor(above, row, out=row)
    return toggles.view(bool)


def count_runs(mask: np.ndarray) -> np.ndarray:
    """Lengths of the column-major runs of a bool [H, W] mask, the first one background (maybe of length 0).

    Edges are looked for along rows of memory, then sorted into column order: no transposed copy of the mask.
    """
    mask = np.ascontiguousarray(mask, dtype=bool)
    if mask.ndim != 2:
        raise ValueError(f"a mask is a 2-D array [H, W], got shape {mask.shape}")
    height, width = mask.shape
    if not mask.size:
        return np.zeros(1, np.int64)
    rows, columns = np.divmod(np.flatnonzero(mask[1:] ^ mask[:-1]), width)
    wraps = np.flatnonzero(mask[0, 1:] ^ mask[-1, :-1]) + 1
    edges = np.concatenate([columns * height + rows + 1, wraps * height])
    edges.sort()
    first = [0, 0] if mask[0, 0] else [0]
    return np.diff(np.concatenate([first, edges, [mask.size]]))


def compress(counts: Sequence[int] | np.ndarray) -> str:
    """Counts to COCO's string: differences to the run before last, in signed 5-bit groups, as characters."""
    values = np.array(counts, dtype=np.int64)
    values[3:] -= np.asarray(counts, dtype=np.int64)[1:-2]
    magnitude = np.where(values < 0, ~values, values)
    groups = np.searchsorted(1 << np.arange(4, 60, 5, dtype=np.int64), magnitude, side="right") + 1
    shifts = np.arange(groups.max(initial=1))
    bits = (values[:, None] >> (5 * shifts)) & 31
    bits |= (shifts < groups[:, None] - 1) << 5
    return str((bits[shifts < groups[:, None]] + 48).astype(np.uint8).tobytes(), "ascii")


def decompress(text: str | bytes) -> np.ndarray:
    """COCO's string back to counts, int64 [runs].

    Raises:
        ValueError: the string is cut or holds characters that COCO never writes.
    """
    if isinstance(text, str) and not text.isascii():
        raise ValueError(f"damaged RLE string {text[:40]!r}: not COCO's compressed counts")
    code = np.frombuffer(text.encode() if isinstance(text, str) else text, np.uint8).astype(np.int64) - 48
    if not code.size:
        return np.zeros(0, np.int64)
    ends = np.flatnonzero(code & 32 == 0)
    if code.min() < 0 or code.max() > 63 or not ends.size or ends[-1] != code.size - 1:
        raise ValueError(f"damaged RLE string {str(text)[:40]!r}: not COCO's compressed counts")
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > _MAX_GROUPS:
        raise ValueError(f"damaged RLE string {str(text)[:40]!r}: a count of more than 60 bits")
    place = 5 * (np.arange(code.size) - np.repeat(starts, lengths))
    values = np.add.reduceat((code & 31) << place, starts)
    values -= np.where(code[ends] & 16, 1 << (5 * lengths), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def area(rle: Rle) -> int:
    """Number of object pixels; raises as `decode` does, but for the limit."""
    start, stop = _object_runs(rle)
    return int((stop - start).sum())


def bbox(rle: Rle) -> tuple[int, int, int, int]:
    """COCO box (x, y, width, height) of the object pixels; all zeros when there are none."""
    start, stop = _object_runs(rle)
    if not start.size:
        return 0, 0, 0, 0
    height = _size(rle)[0]
    last = stop - 1
    x0, x1 = int(start[0] // height), int(last[-1] // height)
    if (start // height != last // height).any():  # a run that goes on in the next column touches bottom and top
        return x0, 0, x1 - x0 + 1, height
    y0, y1 = int((start % height).min()), int((last % height).max())
    return x0, y0, x1 - x0 + 1, y1 - y0 + 1


def centroid(rle: Rle) -> tuple[float, float] | None:
    """Mean (x, y) of the object's pixel centres in source pixels, or None when there are none."""
    start, stop = _object_runs(rle)
    if not start.size:
        return None
    height = _size(rle)[0]

    def sums(n: np.ndarray) -> tuple[int, int]:  # of x and of y over the first n pixels, added up over all runs
        column, row = np.divmod(n, height)
        x = height * column * (column - 1) // 2 + column * row
        y = column * (height * (height - 1) // 2) + row * (row - 1) // 2
        return int(x.sum()), int(y.sum())

    (x0, y0), (x1, y1) = sums(start), sums(stop)
    pixels = int((stop - start).sum())
    return (x1 - x0) / pixels, (y1 - y0) / pixels


def _size(rle: Rle) -> tuple[int, int]:
    """(H, W) as whole numbers.

    Raises:
        ValueError: they are none, or their product needs more than 62 bits.
    """
    size: object = rle.get("size") if isinstance(rle, dict) else None
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        raise ValueError(f"damaged RLE: its size is {str(size)[:40]}, not [height, width]")
    if not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and 0 <= n < 1 << 31 for n in size):
        raise ValueError(f"damaged RLE: its size is {str(size)[:40]}, not two whole numbers from 0 up")
    return int(size[0]), int(size[1])


def _counts(rle: Rle) -> np.ndarray:
    counts: object = rle.get("counts")
    if isinstance(counts, (str, bytes)):
        return decompress(counts)
    if not isinstance(counts, (list, tuple, np.ndarray)):
        raise ValueError(f"damaged RLE: its counts are {str(counts)[:40]}, not a string or a list of run lengths")
    try:
        array = np.asarray(counts)
    except ValueError:
        array = np.zeros((0, 0))
    if array.size and (array.ndim != 1 or array.dtype.kind not in "iu"):
        raise ValueError(f"damaged RLE: its counts {str(counts)[:40]} are not whole numbers of at most 64 bits")
    return array.reshape(-1).astype(np.int64)


def _edges(rle: Rle) -> np.ndarray:
    """Where each run ends, checked against the size."""
    height, width = _size(rle)
    counts = _counts(rle)
    pixels = height * width
    # Each is compared by itself first: a sum may pass the largest number of 64 bits and come out right by chance.
    whole = not counts.size or (int(counts.min()) >= 0 and int(counts.max()) <= pixels)
    total = sum(counts.tolist()) if counts.size < 1 << 20 else int(counts.sum()) if whole else -1
    if not whole or total != pixels:
        raise ValueError(f"damaged RLE: counts add up to {total}, not to {height} x {width} = {pixels}")
    return np.cumsum(counts)


def _object_runs(rle: Rle) -> tuple[np.ndarray, np.ndarray]:
    """Start and stop (column-major pixel numbers) of every run of object pixels."""
    edges = _edges(rle)
    stop = edges[1::2]
    start = edges[0::2][: stop.size]
    return start[stop > start], stop[stop > start]
