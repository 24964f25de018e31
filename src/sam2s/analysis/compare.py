"""Several cases beside one another: means by kind of object, with confidence intervals."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .metrics import CaseMetrics, ObjectMetrics

RESAMPLES = 2000
LEVEL = 0.95

FIGURES: dict[str, Callable[[ObjectMetrics], float]] = {
    "time in use, s": lambda o: o.visible,
    "share of the time": lambda o: o.share,
    "entries": lambda o: float(o.entries),
    "idle share": lambda o: o.idle_share,
    "path of the tip": lambda o: o.tip.path,
    "mean speed": lambda o: o.tip.mean_speed,
    "LDLJ": lambda o: o.tip.ldlj,
    "SPARC": lambda o: o.tip.sparc,
    "economy of motion": lambda o: o.tip.economy,
    "working area": lambda o: o.tip.area,
}
"""What is compared, by the name in tables."""


@dataclass(frozen=True)
class Interval:
    """A mean over cases.

    Attributes:
        mean: over the cases in which the figure can be told; NaN if there is none.
        low, high: ends of its 95 % interval; NaN for a single case.
        cases: number of them.
    """

    mean: float
    low: float
    high: float
    cases: int


def compare_cases(cases: Sequence[CaseMetrics], *, seed: int = 0) -> dict[str, dict[str, Interval]]:
    """Means of `FIGURES` by name of the object; objects of one name in one case count as their mean.

    Intervals are percentiles of `RESAMPLES` bootstrap means over cases, since cases and not objects are what varies.
    """
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        for name in dict.fromkeys(item.name for item in case.objects):
            of_name = [item for item in case.objects if item.name == name]
            for figure, read in FIGURES.items():
                known = [value for item in of_name if not math.isnan(value := read(item))]
                if known:
                    values[name][figure].append(float(np.mean(known)))
    rng = np.random.default_rng(seed)
    return {
        name: {figure: interval(figures.get(figure, []), rng) for figure in FIGURES} for name, figures in values.items()
    }


def interval(values: Sequence[float], rng: np.random.Generator) -> Interval:
    """Mean of some values with its bootstrap interval."""
    count = len(values)
    if count == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = float(np.mean(values))
    if count == 1:
        return Interval(mean, math.nan, math.nan, 1)
    resampled = np.asarray(values)[rng.integers(0, count, (RESAMPLES, count))].mean(axis=1)
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(mean, float(low), float(high), count)
