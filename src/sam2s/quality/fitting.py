"""Fitting the calibrated model on masks whose true IoU is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression, minimize

from sam2s.errors import ConfigError

from .alarms import AlarmLimits
from .calibration import BLANK_MODEL, FLOOR, Curve, Head, QualityModel, expand
from .features import EMPTY, SEEN

BAD = 0.5
"""A mask whose true IoU is under this is a bad one."""
FOLDS = 5
PENALTIES = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
"""Of the squared weights, against masks counted one by one; those of one video are much alike."""
KNOTS = 24
"""Points of the monotone map, at most."""
LEAST_ROWS, LEAST_KIND = 50, 5
"""Masks that a head needs at least, and bad and good ones among them."""
GOOD_SHARE = 0.995
"""Share of good masks that exceed neither distance of a switch."""


@dataclass(slots=True)
class LabelledMasks:
    """Tracked masks with their truth; every array has one row a mask.

    Attributes:
        features: float64 [N, F].
        iou: float64 [N], with the truth; an empty mask of an object that is not there has 1.
        groups: int64 [N], the video that each is from: those of one video are near to each other, and are held out
            together.
    """

    features: np.ndarray
    iou: np.ndarray
    groups: np.ndarray


def fit_model(seen: LabelledMasks, empty: LabelledMasks, fitted: dict[str, Any] | None = None) -> QualityModel:
    """Fit a model on masks that show something and on empty ones.

    Args:
        seen, empty: masks by kind.
        fitted: a record that the model carries.

    Many networks leave hardly any mask empty: with too few of those, the probability of presence is taken at its word
    for them, and `fitted` says so ("empty_by_presence").

    Raises:
        ConfigError: there are too few masks that show something, or hardly any bad or good ones among them.
    """
    if not enough(seen):
        raise ConfigError(
            f"{len(seen.iou)} masks with {int((seen.iou < BAD).sum())} bad ones (IoU under {BAD}) are too few to fit a "
            f"quality model: {LEAST_ROWS} with {LEAST_KIND} good and {LEAST_KIND} bad ones are needed; track more "
            "videos, or harder ones"
        )
    by_presence = not enough(empty)
    heads = fit_head(SEEN, seen), presence_head() if by_presence else fit_head(EMPTY, empty)
    counts = {"masks": len(seen.iou), "empty": len(empty.iou), "empty_by_presence": by_presence}
    return QualityModel(*heads, fit_limits(seen), {**(fitted or {}), **counts})


def enough(data: LabelledMasks) -> bool:
    """Whether a head can be fitted on masks."""
    bad = int((data.iou < BAD).sum())
    return len(data.iou) >= LEAST_ROWS and min(bad, len(data.iou) - bad) >= LEAST_KIND


def presence_head() -> Head:
    """A head for empty masks that believes the network: one is bad with the probability that the object is there."""
    scores = np.linspace(-7, 7, 57)
    values = tuple((1 / (1 + np.exp(-scores))).tolist())
    place = EMPTY.index("presence")

    def curve(sign: float) -> Curve:
        weights = tuple(sign if column == place else 0.0 for column in range(2 * len(EMPTY)))
        return Curve(weights, 0.0, tuple(scores.tolist()), values)

    return Head(EMPTY, (0.0,) * len(EMPTY), (1.0,) * len(EMPTY), curve(1.0), curve(-1.0))


def fit_head(names: tuple[str, ...], data: LabelledMasks) -> Head:
    """Fit one head: logistic models, and their maps on folds that they have not seen."""
    bad = data.iou < BAD
    centre, spread = data.features.mean(0), data.features.std(0)
    scale = np.where(spread > 1e-6, spread, 1.0)
    blank = (BLANK_MODEL.seen if names == SEEN else BLANK_MODEL.empty).doubt
    head = Head(names, _rounded(centre), _rounded(scale), blank, blank)
    rows = head.standardise(data.features)
    return replace(
        head,
        doubt=fit_curve(rows, bad.astype(float), data.groups),
        iou=fit_curve(rows, np.clip(data.iou, 0, 1), data.groups),
    )


def fit_curve(rows: np.ndarray, targets: np.ndarray, groups: np.ndarray) -> Curve:
    """Fit a logistic model of targets [N] (0 to 1) on standardised features [N, F], and the map behind it."""
    penalty, held_out = choose_penalty(expand(rows), targets, groups)
    weights, bias = logistic(expand(rows), targets, penalty)
    scores, values = monotone_map(held_out, targets)
    return Curve(_rounded(weights), round(bias, 6), _rounded(scores), _rounded(values))


def choose_penalty(rows: np.ndarray, targets: np.ndarray, groups: np.ndarray) -> tuple[float, np.ndarray]:
    """The penalty under which groups that are held out are foretold best, and the log odds [N] they get then."""
    folds = np.searchsorted(np.unique(groups), groups) % FOLDS
    best: tuple[float, float, np.ndarray] | None = None
    for penalty in PENALTIES:
        scores = np.zeros(len(targets))
        for fold in np.unique(folds):
            out = folds == fold
            inside = ~out if not out.all() else out
            weights, bias = logistic(rows[inside], targets[inside], penalty)
            scores[out] = rows[out] @ weights + bias
        loss = float((np.logaddexp(0, scores) - targets * scores).mean())
        if best is None or loss < best[0]:
            best = loss, penalty, scores
    assert best is not None
    return best[1:]


def logistic(rows: np.ndarray, targets: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    """Weights [F] and bias that give targets [N] (0 to 1) the least cross entropy, with a ridge penalty on weights."""

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        scores = rows @ parameters[:-1] + parameters[-1]
        error = 1 / (1 + np.exp(-np.clip(scores, -500, 500))) - targets
        value = float((np.logaddexp(0, scores) - targets * scores).sum() + penalty / 2 * (parameters[:-1] ** 2).sum())
        gradient = np.append(error @ rows + penalty * parameters[:-1], error.sum())
        return value, gradient

    best = minimize(loss, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    return best[:-1], float(best[-1])


def monotone_map(scores: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of a map from scores [N] to the mean of targets [N] near them, which never falls: isotonic regression.

    Its steps become points at their middle, so that the map has no jumps; of many steps about `KNOTS` are kept.
    """
    order = np.argsort(scores, kind="stable")
    sorted_scores, sorted_targets = scores[order], targets[order]
    # Means of equal parts first: a few hundred values say as much as a million.
    parts = np.array_split(np.arange(len(order)), min(len(order), 20 * KNOTS))
    weights = np.array([len(part) for part in parts], float)
    means = np.array([sorted_targets[part].mean() for part in parts])
    places = np.array([sorted_scores[part].mean() for part in parts])
    steps = isotonic_regression(means, weights=weights)
    points: list[tuple[float, float, float]] = []
    for first, last in zip(steps.blocks[:-1], steps.blocks[1:], strict=True):
        inside = slice(first, last)
        weight = float(weights[inside].sum())
        points.append((float(np.average(places[inside], weights=weights[inside])), float(steps.x[first]), weight))
    points = _thin(points, KNOTS)
    rising = [point for place, point in enumerate(points) if not place or point[0] > points[place - 1][0] + 1e-5]
    values = np.clip([value for _, value, _ in rising], FLOOR, 1 - FLOOR)
    return np.array([score for score, _, _ in rising]), np.maximum.accumulate(values)


def fit_limits(seen: LabelledMasks) -> AlarmLimits:
    """Limits of the alarms: good masks (IoU of at least 0.75) hardly ever exceed either distance of a switch."""
    good = seen.iou >= 0.75
    limits = AlarmLimits()
    if good.sum() < LEAST_ROWS:
        return limits

    def limit(name: str) -> float:
        return round(float(np.quantile(seen.features[good, SEEN.index(name)], GOOD_SHARE)), 4)

    return replace(
        limits,
        pointer_distance=limit("pointer_distance"),
        appearance_distance=limit("appearance_distance"),
    )


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    """Six digits are plenty, and keep the stored model short."""
    return tuple(round(float(value), 6) for value in values)


def _thin(points: list[tuple[float, float, float]], most: int) -> list[tuple[float, float, float]]:
    """Join the neighbours of least weight until so many are left."""
    while len(points) > most:
        joined = [one[2] + other[2] for one, other in pairwise(points)]
        place = int(np.argmin(joined))
        (score, value, weight), (next_score, next_value, next_weight) = points[place : place + 2]
        total = weight + next_weight
        middle = (score * weight + next_score * next_weight) / total
        points[place : place + 2] = [(middle, (value * weight + next_value * next_weight) / total, total)]
    return points
