"""The pictures of the report, as SVG text: timelines, paths, heat maps."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sam2s.errors import missing_extra
from sam2s.masks.palette import display_color

from .kinematics import stretches
from .series import CaseSeries, ObjectSeries

HEAT_TILES = 48
INK = "#1c1f24"
NOT_JUDGED = "#d9dce1"
"""Colour of spans in which nobody looked for the object, because an event hid the scene."""


def timeline_svg(case: CaseSeries, labels: Mapping[int, str]) -> str:
    """A row for each object, called as `labels` say by id: when it is seen.

    Doubtful spans are hatched, and those that were not judged are grey over the whole height of the row.
    """
    figure, axes = _figure(9, 0.6 + 0.34 * max(1, len(case.objects)))
    for row, series in enumerate(case.objects.values()):
        colour, width = _colour(series.object_id), 1 / case.rate
        seen, hatched = {"facecolors": colour}, {"facecolors": "none", "edgecolors": colour, "hatch": "////"}
        fills: list[tuple[np.ndarray, float, dict[str, Any]]] = [
            (series.not_judged, 0.5, {"facecolors": NOT_JUDGED}),
            (series.measured, 0.32, seen),
            (series.doubtful, 0.32, hatched),
        ]
        for valid, half, fill in fills:
            ends = [(case.times[start], case.times[stop - 1] + width) for start, stop in stretches(valid)]
            spans = [(start, stop - start) for start, stop in ends]
            axes.broken_barh(spans, (row - half, 2 * half), linewidth=0, **fill)
    axes.set_yticks(range(len(case.objects)), [labels[object_id] for object_id in case.objects])
    axes.set_ylim(len(case.objects) - 0.5, -0.5)
    axes.set_xlim(case.times[0], case.times[-1] + 1 / case.rate)
    axes.set_xlabel("seconds")
    return _svg(figure)


def path_svg(case: CaseSeries, series: ObjectSeries) -> str:
    """The path of the tip over the picture, over measured frames."""
    figure, axes = _picture_axes(case)
    for start, stop in stretches(series.measured):
        axes.plot(*series.tip[start:stop].T, color=_colour(series.object_id), linewidth=0.9, alpha=0.8)
    return _svg(figure)


def heat_svg(case: CaseSeries, series: ObjectSeries) -> str:
    """Where the tip was how long: seconds by tile of the picture."""
    figure, axes = _picture_axes(case)
    height, width = case.size
    tips = series.tip[series.measured]
    tiles = (max(1, round(HEAT_TILES * height / width)), HEAT_TILES)
    counts, _, _ = np.histogram2d(tips[:, 1], tips[:, 0], bins=tiles, range=((0, height), (0, width)))
    axes.imshow(counts / case.rate, extent=(0, width, height, 0), cmap="magma", interpolation="nearest")
    return _svg(figure)


def _picture_axes(case: CaseSeries) -> tuple[Any, Any]:
    height, width = case.size
    figure, axes = _figure(3.2, 3.2 * height / width + 0.1)
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    return figure, axes


def _figure(width: float, height: float) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra("the report needs matplotlib", "analysis") from error
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=INK)
    return figure, axes


def _svg(figure: Any) -> str:
    """Text of the picture alone, without the head of a file, and the same for the same content."""
    from matplotlib import rc_context

    text = io.StringIO()
    with rc_context({"svg.hashsalt": "sam2s", "svg.fonttype": "none", "font.size": 9}):
        figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    content = re.sub(r"<metadata>.*?</metadata>", "", text.getvalue(), flags=re.DOTALL)
    return content[content.index("<svg") :]


def _colour(object_id: int) -> tuple[float, float, float]:
    red, green, blue = display_color(object_id)
    return red / 255, green / 255, blue / 255


def colour_of(object_ids: Sequence[int]) -> dict[int, str]:
    """Colours for pages, as #rrggbb by id."""
    return {object_id: "#{:02x}{:02x}{:02x}".format(*display_color(object_id)) for object_id in object_ids}
