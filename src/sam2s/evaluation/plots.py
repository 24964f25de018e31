"""Pictures of scores; needs the extra `plot`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sam2s.errors import missing_extra
from sam2s.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_decay(curves: Mapping[str, np.ndarray], path: Path, title: str = "") -> None:
    """Draw curves of `decay_curve` by name into a file; its suffix chooses the form (png, svg, pdf).

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, save = empty_figure(path)
    axes = figure.add_subplot(ylim=(0, 100), xlim=(0, 100), xlabel="time in the object's span, %", ylabel="J&F, %")
    axes.set_title(title, loc="left")
    for number, (name, curve) in enumerate(curves.items()):
        middles = (np.arange(len(curve)) + 0.5) / len(curve) * 100
        style = ("-", "--", ":")[number % 3]  # so that curves that lie on each other are both seen
        axes.plot(middles, curve * 100, style, marker="o", markersize=3, label=name)
    axes.grid(alpha=0.3)
    if len(curves) > 1:
        figure.legend(loc="outside right upper", frameon=False)  # never over a curve
    save()


def plot_subsets(rows: Mapping[str, Mapping[str, float]], path: Path, title: str = "") -> None:
    """Draw J&F in percent by subset as groups of bars, one bar for each name of `rows`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, save = empty_figure(path)
    subsets = list(dict.fromkeys(subset for row in rows.values() for subset in row))
    axes = figure.add_subplot(ylim=(0, 100), ylabel="J&F, %")
    axes.set_title(title, loc="left")
    width = 0.8 / max(1, len(rows))
    for number, (name, row) in enumerate(rows.items()):
        places = np.arange(len(subsets)) + (number - (len(rows) - 1) / 2) * width
        axes.bar(places, [row.get(subset, math.nan) for subset in subsets], width, label=name)
    axes.set_xticks(range(len(subsets)), subsets)
    axes.set_axisbelow(True)
    axes.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside right upper", frameon=False)
    save()


def empty_figure(path: Path) -> tuple[Figure, Callable[[], None]]:
    """An empty figure, and a function that writes it."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra("plots need matplotlib", "plot") from error
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)

    def save() -> None:
        with replacing(path) as partial:
            figure.savefig(partial, format=path.suffix.lstrip(".") or "png", dpi=150)

    return figure, save
