"""Shapes read from files of others, before they become objects of a workspace, and the checks that they share."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from sam2s.errors import DatasetError
from sam2s.files import natural
from sam2s.limits import MAX_TEXT_BYTES, check_pixels
from sam2s.masks import polygon, rle
from sam2s.masks.rle import Rle
from sam2s.tracking import Box

_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)


@dataclass(frozen=True)
class ImportedShape:
    """One object on one frame of a file.

    Attributes:
        frame: index of the frame.
        key: what the file calls the object; equal on all frames.
        name: its name or category, or None.
        rle: its mask; None where the file has a box only.
        box: its box, where it has no mask.
        score: how sure the file is of it, 0 to 1.
    """

    frame: int
    key: str
    name: str | None
    rle: Rle | None
    box: Box | None = None
    score: float = 1.0


@contextmanager
def entry_of(path: Path, what: str) -> Iterator[None]:
    """Name file and entry in whatever is wrong with it.

    Raises:
        DatasetError: something is.
    """
    try:
        yield
    except DatasetError as error:
        text = str(error)
        raise DatasetError(text if text.startswith(str(path)) else f"{path}: {what}: {text}") from error
    except _MALFORMED as error:
        raise DatasetError(f"{path}: {what}: {describe(error)}") from error


def describe(error: BaseException) -> str:
    """What was wrong, in a few words."""
    if isinstance(error, KeyError):
        return f"{error} is missing"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return " ".join(str(error).split())[:200] or type(error).__name__


def read_text(path: Path) -> str:
    """A text file in UTF-8, a byte order mark passed over.

    Raises:
        DatasetError: it is missing, too large, or no text.
    """
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise DatasetError(f"{path} is larger than {MAX_TEXT_BYTES} bytes; is it the right file?")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise DatasetError(f"cannot read {path}: it is no text in UTF-8 ({error})") from error


def read_json_file(path: Path) -> Any:
    """Whatever a JSON file holds.

    Raises:
        DatasetError: it cannot be read, or is not JSON.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is not JSON: {describe(error)}") from error


def to_rle(segmentation: Any, size: tuple[int, int]) -> Rle:
    """A mask as COCO and its kin write it: run lengths, compressed or not, or polygons.

    Raises:
        ValueError, TypeError, KeyError: it is none of these, or does not fit (H, W).
    """
    check_pixels(*size, "the video")
    if isinstance(segmentation, dict):
        given = [number_of(side, "size") for side in segmentation["size"]]
        if given != list(size):
            raise ValueError(f"the mask has size {given}, frames of the video have {list(size)}")
        counts = segmentation["counts"]
        if not isinstance(counts, str):
            counts = rle.compress([number_of(count, "a run") for count in counts])
        checked: Rle = {"size": list(size), "counts": counts}
        rle.bbox(checked)  # damaged counts do not add up
        return checked
    if isinstance(segmentation, list) and segmentation:
        polygons = segmentation if isinstance(segmentation[0], list) else [segmentation]
        return rle.encode(polygon.fill([coordinates(points, size) for points in polygons], size))
    raise TypeError(f"a mask is run lengths or polygons, not {str(segmentation)[:60]}")


def coordinates(points: Any, size: tuple[int, int]) -> list[float]:
    """Flat coordinates x0, y0, x1, y1, ... of a polygon, put onto the frame where they lie a little off it.

    Raises:
        ValueError, TypeError: one is not a number, or far off the frame.
    """
    height, width = size
    values = [float(value) for value in points]
    for place, value in enumerate(values):
        side = height if place % 2 else width
        if not math.isfinite(value) or not -side <= value <= 2 * side:
            raise ValueError(f"the coordinate {value:g} of a polygon lies off the frame of {width}x{height}")
        values[place] = min(max(value, 0.0), float(side))
    return values


def to_box(x0: Any, y0: Any, x1: Any, y1: Any) -> Box:
    """A box from its corners.

    Raises:
        ValueError: it is empty, or a corner is not a number.
    """
    values = [float(value) for value in (x0, y0, x1, y1)]
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"the box {values} is not a box")
    return Box(*values)


def number_of(value: Any, what: str, least: int = 0) -> int:
    """A whole number, also where it is written as a text or with a point.

    Raises:
        ValueError: it is none, or too small.
    """
    try:
        number = int(value) if not isinstance(value, float) or value.is_integer() else None
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or isinstance(value, bool) or not least <= number < 1 << 40:
        raise ValueError(f"{what} is {str(value)[:40]!r}, not a whole number from {least} up")
    return number


def score_of(value: Any) -> float:
    """A confidence; 1 where the file has none.

    Raises:
        ValueError: it is not a number from 0 to 1.
    """
    score = 1.0 if value is None else float(value)
    if not 0 <= score <= 1:
        raise ValueError(f"the score {value} is not from 0 to 1")
    return score


def frame_numbers(names: list[str], first: int) -> dict[str, int]:
    """Index of the frame that each picture's name stands for: the number at its end, less `first`.

    Where a name has no number, they are counted in their natural order.

    Raises:
        ValueError: two names stand for one frame, or one for a frame before the first.
    """
    stems = {name: PurePosixPath(name.replace("\\", "/")).stem for name in names}
    numbers = {name: re.search(r"([0-9]{1,12})$", stem) for name, stem in stems.items()}
    if not all(numbers.values()):
        return {name: place for place, name in enumerate(sorted(names, key=natural))}
    frames: dict[str, int] = {}
    for name, match in numbers.items():
        assert match is not None
        frames[name] = int(match[1]) - first
        if frames[name] < 0:
            raise ValueError(f"{name} would be frame {frames[name]}; give --first-frame {match[1]} or less")
    if len(set(frames.values())) < len(frames):
        seen: dict[int, str] = {}
        for name, frame in frames.items():
            if frame in seen:
                raise ValueError(f"{seen[frame]} and {name} both are frame {frame}")
            seen[frame] = name
    return frames


def track_keys(shapes: list[tuple[int, str | None, str | None]], where: Callable[[int], str]) -> list[str]:
    """Keys of shapes of which some say which track they belong to and some only their name.

    Args:
        shapes: frame, track or None, and name of each.
        where: names a shape by its place, for messages.

    Raises:
        ValueError: two shapes of a frame have one name and no track.
    """
    seen: set[tuple[int, str]] = set()
    keys = []
    for place, (frame, track, name) in enumerate(shapes):
        key = track if track is not None else f"name {name}"
        if track is None and (frame, key) in seen:
            raise ValueError(
                f"{where(place)}: frame {frame} has several {name!r} and nothing tells which is which on other frames; "
                "give each a track_id"
            )
        seen.add((frame, key))
        keys.append(key)
    return keys


def crop(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Box x0, y0, x1, y1 round a mask that is not empty; the last column and row are inside."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
