"""Pictures of a built set after the figures of the paper: its scale, and its categories. Needs the extra `plot`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sam2s.errors import missing_extra
from sam2s.files import replacing
from sam2s.sasv.counts import Tally, table1
from sam2s.sasv.ontology import load_ontology

_INK = "#25303b"
_PROCEDURES = ("#1b9aaa", "#e4572e", "#5f4bb6", "#76b041", "#f3a712", "#d1495b", "#30638e", "#8d6a9f")


def scale_plot(counts: Mapping[str | None, Tally], path: Path) -> None:
    """One disc per video subset: frames a video against masklets; the area grows with masks, colour is procedure."""
    figure = _figure(8, 5.2)
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="frames a video", ylabel="masklets")
    procedures = list(dict.fromkeys(row.procedure for row in table1()))
    in_legend: set[str] = set()
    labels: list[Any] = []
    for row in table1():
        count = counts.get(row.subset)
        if count is None or not (count.videos and count.masklets):
            continue
        colour = _PROCEDURES[procedures.index(row.procedure) % len(_PROCEDURES)]
        x, y = count.frames / count.videos, count.masklets
        label = None if row.procedure in in_legend else row.procedure
        in_legend.add(row.procedure)
        size = 30 + 6 * math.sqrt(count.masks)
        edge = _INK if row.split == "test" else "white"
        axes.scatter(x, y, s=size, color=colour, alpha=0.85, edgecolors=edge, linewidths=1.2, label=label)
        offset = (0, math.sqrt(size) / 2 + 3)
        style = {"textcoords": "offset points", "ha": "center", "fontsize": 8, "color": _INK}
        labels.append(axes.annotate(row.subset, (x, y), offset, **style))
    axes.margins(0.15)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(alpha=0.3, which="both", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("Area: masks. Dark rim: test subset.", fontsize=9, color=_INK, loc="left")
    if in_legend:
        legend = axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
        for handle in legend.legend_handles:
            handle.set_sizes([40])
            handle.set_edgecolor("white")
    _stack(figure, labels)
    _save(figure, path)


def category_wheel(counts: Mapping[str | None, Tally], path: Path) -> None:
    """Objects by kind (inner ring) and category (outer ring; wedges are square roots, so that rare ones show)."""
    totals: dict[str, int] = {}
    for count in counts.values():
        for category, number in count.categories.items():
            totals[category] = totals.get(category, 0) + number
    categories = load_ontology().categories
    order = sorted(totals, key=lambda name: (categories[name].kind, -totals[name], name))
    widths = [math.sqrt(totals[name]) for name in order]
    hues = {"instrument": (0.50, 0.66), "tissue": (0.98, 1.10)}
    colours = []
    for kind in ("instrument", "tissue"):
        names = [name for name in order if categories[name].kind == kind]
        colours += [_hue(hues[kind], i / max(len(names) - 1, 1)) for i in range(len(names))]
    figure = _figure(8, 8)
    axes = figure.add_subplot()
    kinds = {k: sum(w for w, n in zip(widths, order, strict=True) if categories[n].kind == k) for k in hues}
    present = [kind for kind in hues if kinds[kind]]
    inner, outer = _ring(0.18), _ring(0.32)
    axes.pie([kinds[k] for k in present], radius=0.68, colors=[_hue(hues[k], 0.3) for k in present], **inner)
    wedges, *_ = axes.pie(widths, radius=1.0, colors=colours, **outer)
    for wedge, name in zip(wedges, order, strict=True):
        angle = (wedge.theta1 + wedge.theta2) / 2
        x, y = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        left = x < 0
        axes.text(
            1.03 * x,
            1.03 * y,
            f"{categories[name].paper}  {totals[name]}",
            rotation=angle - 180 if left else angle,
            rotation_mode="anchor",
            ha="right" if left else "left",
            va="center",
            fontsize=8,
            color=_INK,
        )
    total = sum(totals.values())
    tools = sum(categories[name].kind == "instrument" for name in order)
    middle = f"{total:,} objects\n{tools} instruments\n{len(order) - tools} tissues"
    axes.text(0, 0, middle, ha="center", va="center", fontsize=13, color=_INK, linespacing=1.5)
    axes.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal")
    _save(figure, path)


def _stack(figure: Any, labels: list[Any]) -> None:
    """Lift labels until none lies on another."""
    figure.canvas.draw()
    placed: list[Any] = []
    for label in labels:
        while any(label.get_window_extent().overlaps(other) for other in placed):
            right, up = label.get_position()
            label.set_position((right, up + 2))
        placed.append(label.get_window_extent())


def _ring(width: float) -> dict[str, Any]:
    """How a ring of a pie is drawn."""
    wedges = {"edgecolor": "white", "linewidth": 1.0, "width": width}
    return {"wedgeprops": wedges, "startangle": 90, "counterclock": False}


def _hue(span: tuple[float, float], position: float) -> tuple[float, float, float]:
    import colorsys

    return colorsys.hls_to_rgb((span[0] + (span[1] - span[0]) * position) % 1, 0.45 + 0.25 * position, 0.55)


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra("plots need matplotlib", "plot") from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path) -> None:
    with replacing(path) as partial:
        figure.savefig(partial, format=path.suffix.lstrip(".") or "png", dpi=150)
