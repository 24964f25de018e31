"""Pictures of scores; needs the extra `plot`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sam2s.errors import MissingExtraError
from sam2s.files import replacing


def plot_decay(curves: Mapping[str, np.ndarray], path: Path) -> None:
    """Draw curves of `decay_curve` by name into a file; its suffix chooses the form (png, svg, pdf).

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("plots need matplotlib: pip install 'sam2s[plot]'") from error
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(ylim=(0, 100), xlim=(0, 100), xlabel="time in the object's span, %", ylabel="J&F, %")
    for name, curve in curves.items():
        middles = (np.arange(len(curve)) + 0.5) / len(curve) * 100
        axes.plot(middles, curve * 100, marker="o", markersize=3, label=name)
    axes.grid(alpha=0.3)
    if len(curves) > 1:
        figure.legend(loc="outside right upper", frameon=False)  # never over a curve
    with replacing(path) as partial:
        figure.savefig(partial, format=path.suffix.lstrip(".") or "png", dpi=150)
