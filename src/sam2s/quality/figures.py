"""How well quality separates good masks from bad ones, in figures; all arrays have one value per mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

BAD = 0.5
"""A mask whose true IoU is under this is a bad one."""
SHOWN = 0.1
"""Share of the masks that a person looks at."""
NEAR = 12
"""Frames by which an alarm may miss a bad mask and still be no false one."""


@dataclass(frozen=True, slots=True)
class QualityFigures:
    """What is said of a set of masks; NaN where it cannot be told.

    Attributes:
        masks, bad: how many, and how many of them are bad.
        error_before, error_after: expected calibration error in percent of the predicted IoU and of the expected IoU.
        auroc_before, auroc_after: area under the ROC curve for bad masks, of the predicted IoU and of doubt.
        caught_before, caught_after: share of the bad masks among the tenth that is shown, lowest predicted IoU or
            greatest doubt first.
        most_caught: what no order could exceed, since a tenth may be fewer than the bad ones.
    """

    masks: int
    bad: int
    error_before: float
    error_after: float
    auroc_before: float
    auroc_after: float
    caught_before: float
    caught_after: float
    most_caught: float


def quality_figures(true: np.ndarray, predicted: np.ndarray, expected: np.ndarray, doubt: np.ndarray) -> QualityFigures:
    """Figures of masks with true, predicted and expected IoU and doubt, all [N], 0 to 1."""
    bad = true < BAD
    count, shown = int(bad.sum()), shown_count(len(true))
    return QualityFigures(
        len(true),
        count,
        100 * expected_calibration_error(predicted, true),
        100 * expected_calibration_error(expected, true),
        auroc(-predicted, bad),
        auroc(doubt, bad),
        caught(-predicted, bad),
        caught(doubt, bad),
        min(1.0, shown / count) if count else float("nan"),
    )


def expected_calibration_error(predicted: ArrayLike, true: ArrayLike) -> float:
    """Mean of |mean prediction - mean truth| over ten bins of equal width, weighted by their counts.

    Args:
        predicted, true: [N], 0 to 1.

    Returns:
        0 to 1, NaN without values.

    >>> expected_calibration_error([0.9, 0.9], [0.8, 0.6])  # doctest: +ELLIPSIS
    0.2...
    """
    prediction, truth = np.asarray(predicted, float), np.asarray(true, float)
    if not prediction.size:
        return float("nan")
    bins = np.clip((prediction * 10).astype(int), 0, 9)
    gaps = np.bincount(bins, weights=prediction - truth)
    return float(np.abs(gaps).sum() / prediction.size)


def auroc(score: np.ndarray, positive: np.ndarray) -> float:
    """Probability that a positive has a higher score than a negative, ties counted by half; NaN without either.

    >>> auroc(np.array([3.0, 1.0, 2.0]), np.array([True, False, True]))
    1.0
    """
    count = int(positive.sum())
    rest = len(positive) - count
    if not count or not rest:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * rest))


def shown_count(masks: int) -> int:
    """How many masks are `SHOWN` of so many, rounded up."""
    return -(-masks * round(100 * SHOWN) // 100)


def caught(score: np.ndarray, positive: np.ndarray) -> float:
    """Share of the positives among the tenth with the highest scores; NaN without positives."""
    count = int(positive.sum())
    if not count:
        return float("nan")
    shown = np.argsort(-score, kind="stable")[: shown_count(len(score))]
    return float(positive[shown].sum() / count)


def false_alarms(alarmed: Sequence[int], bad: Sequence[int]) -> int:
    """Alarms of one object, runs of frames at most `NEAR` apart, with no bad mask inside or within `NEAR` frames.

    >>> false_alarms([10, 11, 50], [52])
    1
    """
    spans: list[list[int]] = []
    for frame in sorted(alarmed):
        if spans and frame - spans[-1][1] <= NEAR:
            spans[-1][1] = frame
        else:
            spans.append([frame, frame])
    return sum(not any(start - NEAR <= frame <= stop + NEAR for frame in bad) for start, stop in spans)
