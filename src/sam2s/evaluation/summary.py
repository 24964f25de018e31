"""From scores of objects to the numbers of a table: objects pooled in a subset, subsets averaged without weights.

This is how the tables of the SAM2S paper come about: the mean over all objects of a subset (mean J, mean F, then their
mean), and "Average" as the plain mean of the subsets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from sam2s.evaluation.sequence import ObjectScore


@dataclass(frozen=True)
class Mean:
    """Mean J, F and J&F over a number of objects (or of subsets), 0 to 1; NaN over none."""

    j: float
    f: float
    objects: int

    @property
    def jf(self) -> float:
        """J&F, the mean of mean J and mean F."""
        return (self.j + self.f) / 2


def pool(scores: Iterable[ObjectScore]) -> Mean:
    """Mean over all objects that have a counted frame."""
    counted = [score for score in scores if score.frame_scores]
    if not counted:
        return Mean(math.nan, math.nan, 0)
    j = float(np.mean([score.mean_j for score in counted]))
    f = float(np.mean([score.mean_f for score in counted]))
    return Mean(j, f, len(counted))


def pool_by(scores: Iterable[ObjectScore], key: Callable[[ObjectScore], str]) -> dict[str, Mean]:
    """`pool` of the objects of each group, in the order the groups first come up."""
    groups: dict[str, list[ObjectScore]] = {}
    for score in scores:
        groups.setdefault(key(score), []).append(score)
    return {name: pool(group) for name, group in groups.items()}


def by_video(scores: Iterable[ObjectScore]) -> dict[str, Mean]:
    """`pool` of the objects of each video."""
    return pool_by(scores, lambda score: score.video)


def by_subset(scores: Iterable[ObjectScore]) -> dict[str, Mean]:
    """`pool` of the objects of each subset."""
    return pool_by(scores, lambda score: score.subset)


def macro_average(subsets: Iterable[Mean]) -> Mean:
    """Unweighted mean of the subsets that have a counted object; `objects` is the sum."""
    counted = [subset for subset in subsets if subset.objects]
    if not counted:
        return Mean(math.nan, math.nan, 0)
    j = float(np.mean([subset.j for subset in counted]))
    f = float(np.mean([subset.f for subset in counted]))
    return Mean(j, f, sum(subset.objects for subset in counted))
