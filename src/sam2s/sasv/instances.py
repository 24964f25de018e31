"""From a frame's raw labels to its objects: parts of one label merged or split, specks dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import ndimage

from sam2s.errors import DatasetError
from sam2s.sasv.ontology import Category, Ontology
from sam2s.sasv.raw import FrameLabels, LinkRules, MaskGrouping

_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)
_UNKNOWN_LIMIT = 1e-3  # share of a frame that may hold undocumented codes


@dataclass(frozen=True)
class Instance:
    """One object on one frame.

    Attributes:
        category: what it is.
        label: the source's name for it.
        crop: bool [h, w], the mask inside its box.
        corner: (y, x) of the box in the frame.
        colour: histogram [64] of the picture inside the mask, adding up to 1, or None where colour is not used.
        track: the source's lasting id, or None.
    """

    category: Category
    label: str
    crop: np.ndarray
    corner: tuple[int, int]
    colour: np.ndarray | None = None
    track: str | None = None

    @cached_property
    def area(self) -> int:
        """Pixels."""
        return int(np.count_nonzero(self.crop))

    @cached_property
    def centre(self) -> tuple[float, float]:
        """Mean (y, x) of its pixels in the frame."""
        rows, columns = np.nonzero(self.crop)
        return float(rows.mean()) + self.corner[0], float(columns.mean()) + self.corner[1]

    def mask(self, size: tuple[int, int]) -> np.ndarray:
        """bool [H, W] of the whole frame."""
        whole = np.zeros(size, bool)
        (y, x), (h, w) = self.corner, self.crop.shape
        whole[y : y + h, x : x + w] = self.crop
        return whole


@dataclass
class GroupingStats:
    """What was done to get from labels to objects, over a video."""

    split: int = 0  # labels of a frame that fell into several objects
    specks: int = 0  # components too small to be an object
    unknown_pixels: int = 0


def frame_instances(
    labels: FrameLabels,
    size: tuple[int, int],
    *,
    source: str,
    ontology: Ontology,
    grouping: Mapping[str, MaskGrouping],
    link_rules: LinkRules,
    crop: tuple[int, int, int, int] | None,
    stats: GroupingStats,
) -> list[Instance]:
    """All objects of one frame, in the order of the labels, then from left to right.

    Raises:
        DatasetError: a mask has not the frame's size, a label is not in the ontology, or too many codes are unknown.
    """
    stats.unknown_pixels += labels.unknown
    if labels.unknown > _UNKNOWN_LIMIT * size[0] * size[1]:
        raise DatasetError(
            f"{labels.unknown} pixels of a {size[1]}x{size[0]} frame have codes that {source} does not document; "
            "the file is damaged or re-encoded, download it again"
        )
    tracked: dict[tuple[str, str], np.ndarray] = {}
    each: list[tuple[str, np.ndarray]] = []
    unions: dict[str, np.ndarray] = {}
    for raw in labels.masks:
        if ontology.category(source, raw.label) is None:
            continue
        mask = _fit(raw.mask, size, crop)
        if raw.track is not None:
            key = (raw.label, raw.track)
            tracked[key] = tracked[key] | mask if key in tracked else mask
        elif grouping.get(raw.label) == MaskGrouping.EACH:
            each.append((raw.label, mask))
        else:
            unions[raw.label] = unions[raw.label] | mask if raw.label in unions else mask

    pieces: list[tuple[str, str | None, np.ndarray, tuple[int, int]]] = []
    pieces += [(label, track, *boxed) for (label, track), m in tracked.items() if (boxed := _box(m))]
    pieces += [(label, None, *boxed) for label, m in each if (boxed := _box(m))]
    for label, mask in unions.items():
        if grouping.get(label) == MaskGrouping.WHOLE:
            parts = [boxed] if (boxed := _box(mask)) else []
        else:
            parts = list(components(mask, link_rules.join))
        large = [part for part in parts if np.count_nonzero(part[0]) >= link_rules.min_area]
        stats.specks += len(parts) - len(large)
        stats.split += len(large) > 1
        pieces += [(label, None, *part) for part in sorted(large, key=lambda part: part[1][1])]
    instances = []
    for label, track, region, corner in pieces:
        category = ontology.category(source, label)
        assert category is not None
        instances.append(Instance(category, label, region, corner, None, track))
    return instances


def merged(a: Instance, b: Instance) -> Instance:
    """Two pieces of one object as one."""
    y, x = min(a.corner[0], b.corner[0]), min(a.corner[1], b.corner[1])
    ends = [
        (instance.corner[0] + instance.crop.shape[0], instance.corner[1] + instance.crop.shape[1])
        for instance in (a, b)
    ]
    crop = np.zeros((max(bottom for bottom, _ in ends) - y, max(right for _, right in ends) - x), bool)
    for instance, (bottom, right) in zip((a, b), ends, strict=True):
        crop[instance.corner[0] - y : bottom - y, instance.corner[1] - x : right - x] |= instance.crop
    colour = a.colour
    if a.colour is not None and b.colour is not None:
        colour = (a.area * a.colour + b.area * b.colour) / (a.area + b.area)
    return replace(a, crop=crop, corner=(y, x), colour=colour)


def components(mask: np.ndarray, join: int = 0) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
    """Connected parts of a bool [H, W] mask, each cropped to its box, with the box's (y, x).

    Parts nearer to each other than `join` pixels come as one.
    """
    boxed = _box(mask)
    if boxed is None:
        return
    region, (y, x) = boxed
    if join:
        padded = np.pad(region, join)
        near = ndimage.distance_transform_edt(~padded) <= join / 2
        labels, _ = ndimage.label(near, _EIGHT_NEIGHBOURS)
        labels = labels[join:-join, join:-join] * region
    else:
        labels, _ = ndimage.label(region, _EIGHT_NEIGHBOURS)
    for number, window in enumerate(ndimage.find_objects(labels), 1):
        if window is not None:
            yield labels[window] == number, (y + window[0].start, x + window[1].start)


def with_colour(instances: Iterable[Instance], image: np.ndarray, size: tuple[int, int]) -> list[Instance]:
    """Add colour histograms (4 levels a channel), taken from a picture that may be smaller than the frame."""
    bins = (image >> 6).astype(np.uint8) @ np.array([16, 4, 1], np.uint8)
    scale_y, scale_x = image.shape[0] / size[0], image.shape[1] / size[1]
    coloured = []
    for instance in instances:
        rows, columns = np.nonzero(instance.crop)
        y = ((rows + instance.corner[0]) * scale_y).astype(int)
        x = ((columns + instance.corner[1]) * scale_x).astype(int)
        histogram = np.bincount(bins[y, x], minlength=64) / len(rows)
        coloured.append(
            Instance(instance.category, instance.label, instance.crop, instance.corner, histogram, instance.track)
        )
    return coloured


def _fit(mask: np.ndarray, size: tuple[int, int], crop: tuple[int, int, int, int] | None) -> np.ndarray:
    """The mask at the size of the (cropped) frame."""
    if mask.shape == size:
        return mask
    if crop:
        x, y, width, height = crop
        cut = mask[y : y + height, x : x + width]
        if cut.shape == size:
            return cut
    raise DatasetError(
        f"a mask is {mask.shape[1]}x{mask.shape[0]} but its frame {size[1]}x{size[0]}; restore the official files"
    )


def _box(mask: np.ndarray) -> tuple[np.ndarray, tuple[int, int]] | None:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    y, x = int(rows[0]), int(columns[0])
    return mask[y : rows[-1] + 1, x : columns[-1] + 1].copy(), (y, x)
