"""Pictures of scores; needs the extra `plot`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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


def plot_bars(rows: Mapping[str, Mapping[str, float]], path: Path, title: str = "", *, label: str = "J&F, %") -> None:
    """Draw percentages as groups of bars, one bar for each name of `rows`; a group for each key within them.

    The figure is as wide as its groups and their names need.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    groups = list(dict.fromkeys(group for row in rows.values() for group in row))
    longest = max((len(group) for group in groups), default=0)
    wanted = 2 + len(groups) * max(0.12 * len(rows), 0.5)
    figure, save = empty_figure(path, width=min(max(7.0, wanted), 40.0))
    axes = figure.add_subplot(ylim=(0, 100), ylabel=label)
    axes.set_title(title, loc="left")
    bar = 0.8 / max(1, len(rows))
    for number, (name, row) in enumerate(rows.items()):
        places = np.arange(len(groups)) + (number - (len(rows) - 1) / 2) * bar
        axes.bar(places, [row.get(group, math.nan) for group in groups], bar, label=name)
    axes.set_xticks(range(len(groups)), groups)
    if longest * len(groups) > 10 * figure.get_figwidth():  # about ten letters fit into an inch
        axes.tick_params(axis="x", labelrotation=90)
    axes.set_axisbelow(True)
    axes.grid(axis="y", alpha=0.3)
    if rows:
        figure.legend(loc="outside lower left", frameon=False, ncols=2)
    save()


def plot_first_frame(rows: Mapping[str, Sequence[float]], path: Path, title: str = "") -> None:
    """Draw mean J (0 to 1) on the first frame after 1, 2, ... clicks, one line for each name of `rows`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, save = empty_figure(path)
    axes = figure.add_subplot(ylim=(0, 100), xlabel="clicks on the first frame", ylabel="J there, %")
    axes.set_title(title, loc="left")
    for number, (name, row) in enumerate(rows.items()):
        clicks = range(1, len(row) + 1)
        axes.plot(clicks, [100 * j for j in row], ("-", "--", ":")[number % 3], marker="o", label=name)
    axes.set_xticks(range(1, max(map(len, rows.values())) + 1))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower left", frameon=False, ncols=2)
    save()


def plot_reliability(rows: Mapping[str, Sequence[tuple[float, float, int]]], path: Path, title: str = "") -> None:
    """Draw mean J against predicted IoU, bin by bin as `reliability` gives them; larger dots stand for more masks.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    figure, save = empty_figure(path, width=6.0, height=5.0)
    axes = figure.add_subplot(xlim=(0, 1), ylim=(0, 1), xlabel="predicted IoU", ylabel="J", aspect="equal")
    axes.set_title(title, loc="left")
    axes.plot((0, 1), (0, 1), color="grey", linewidth=0.8)
    for name, bins in rows.items():
        total = sum(count for *_, count in bins)
        (line,) = axes.plot([p for p, _, _ in bins], [j for _, j, _ in bins], linewidth=0.8, label=name)
        sizes = [10 + 200 * count / total for *_, count in bins]
        axes.scatter([p for p, _, _ in bins], [j for _, j, _ in bins], sizes, color=line.get_color(), alpha=0.6)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower left", frameon=False, ncols=2)
    save()


def empty_figure(path: Path, *, width: float = 7.0, height: float = 4.0) -> tuple[Figure, Callable[[], None]]:
    """An empty figure of so many inches, and a function that writes it."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra("plots need matplotlib", "plot") from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)

    def save() -> None:
        with replacing(path) as partial:
            figure.savefig(partial, format=path.suffix.lstrip(".") or "png", dpi=150)

    return figure, save
