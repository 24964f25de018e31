"""How figures are called on a page that a surgeon reads, in groups, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .series import ObjectSeries
from .tables import Row, number

UNITS = {"px": "pixels", "widths": "picture widths", "mm": "mm"}

PRESENCE = {
    "visible_s": "time in view, s",
    "visible_share": "share of the video in view",
    "visits": "visits",
    "entries": "entries",
    "exits": "exits",
    "out_of_view_s": "time out of view between visits, s",
    "ports": "enters from",
    "exchanges": "exchanges (comes back from elsewhere)",
    "doubtful_share": "share left out as doubtful",
    "not_judged_share": "share of the video not judged",
    "idle_share": "share of the time at rest",
    "mean_area_share": "mean share of the picture covered",
    "area_share_change_per_min": "change of that share per minute",
}

MOTION = {
    "path_{unit}": "path, {words}",
    "mean_speed_{unit}_per_s": "mean speed, {words} per s",
    "peak_speed_{unit}_per_s": "peak speed, {words} per s",
    "mean_acceleration_{unit}_per_s2": "mean acceleration, {words} per s²",
    "ldlj": "smoothness (LDLJ; nearer to 0 is smoother)",
    "sparc": "smoothness (SPARC; nearer to 0 is smoother)",
    "economy": "economy of motion (1 is straight)",
    "working_area_{unit}2": "working area, {words}²",
}

POINTS = {
    "tip": "Motion of the tip",
    "tip_without_camera": "Motion of the tip, the camera's motion taken out",
    "centre": "Motion of the centre",
}

PAIR = {
    "one": "one",
    "other": "other",
    "together_s": "both in view, s",
    "speed_correlation": "correlation of their speeds",
    "both_moving_share": "share of that time both move",
    "contact_s": "in contact, s",
    "contacts": "contacts",
}

JUMP = 0.15
"""A tip that moves so many picture widths from one frame to the next was taken for another on one of the two."""


class FigureGroup(NamedTuple):
    """Lines of a table under one heading: what each figure is called, and its value for each object."""

    title: str
    lines: list[tuple[str, list[str]]]


def figure_groups(rows: Sequence[Row], unit: str) -> list[FigureGroup]:
    """The rows of `object_rows` as groups of lines, one column for each object.

    Args:
        rows: one for each object.
        unit: of lengths, as in `CaseMetrics`.
    """
    groups = [FigureGroup("Presence", _lines(rows, PRESENCE))]
    for point, title in POINTS.items():
        names = {
            f"{point}_{key.format(unit=unit)}": text.format(words=UNITS.get(unit, unit)) for key, text in MOTION.items()
        }
        groups.append(FigureGroup(title, _lines(rows, names)))
    return [group for group in groups if group.lines]


def _lines(rows: Sequence[Row], names: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    return [
        (text, [_written(column, row[column]) for row in rows])
        for column, text in names.items()
        if rows and column in rows[0]
    ]


def _written(column: str, value: str | float | int) -> str:
    """Shares as per cent, all else as `number` writes it."""
    if "share" in column and isinstance(value, float) and not math.isnan(value):
        return f"{100 * value:.1f} %"
    return number(value)


def labels_of(objects: Iterable[tuple[int, str]]) -> dict[int, str]:
    """What objects, given as id and name, are called side by side: their names, with the id where two share one."""
    named = list(objects)
    names = [name for _, name in named]
    return {i: name if names.count(name) == 1 else f"{name} {i}" for i, name in named}


def count_jumps(series: ObjectSeries, width: int) -> int:
    """How often a measured tip moved by more than `JUMP` widths of the picture from one frame to the next."""
    tips, both = series.tip, series.measured[1:] & series.measured[:-1]
    steps = [math.dist(tips[k], tips[k + 1]) for k in range(len(tips) - 1) if both[k]]
    return sum(step > JUMP * width for step in steps)
