"""What J&F does not show: identity switches, decay over time, calibration, wrong categories, clicks needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from sam2s.evaluation.sequence import FrameScore, ObjectScore


def identity_switches(object_id: int, frame_scores: Iterable[FrameScore]) -> int:
    """How often the mask on an object changes its id.

    On each frame the object is matched with the predicted id whose mask overlaps it with IoU of at least 0.5, its own
    first. A switch is a match that differs from the match before; the prompt makes the first match the own id. Frames
    without a match are ignored.

    Example: matches 1, 1, 2, None, 2, 1 of object 1 have two switches.
    """
    switches, last = 0, object_id
    for score in frame_scores:
        if score.match is not None:
            switches += score.match != last
            last = score.match
    return switches


def decay_curve(scores: Iterable[ObjectScore], points: int = 20) -> np.ndarray:
    """J&F over time, float64 [points]: each object's counted frames in equal parts, averaged over objects.

    Part k of n frames holds frames floor(k n / points) up to floor((k + 1) n / points); where a part is empty because
    the object has fewer frames than there are parts, it takes the frame it falls on.

    Example: J&F of 1, 1, 0.5, 0.5 in two points is (1, 0.5).
    """
    curves = []
    for score in scores:
        if score.frame_scores:
            jf = (score.j + score.f) / 2
            edges = np.arange(points + 1) * len(jf) // points
            curves.append([jf[a : max(b, a + 1)].mean() for a, b in pairwise(edges)])
    return np.mean(curves, axis=0) if curves else np.full(points, np.nan)


def reliability(predicted: Sequence[float], actual: Sequence[float]) -> list[tuple[float, float, int]]:
    """Mean prediction, mean truth and number of values of each of ten bins of equal width, empty ones left out.

    Example: predictions 0.9, 0.9 on masks of IoU 0.8, 0.6 give one bin (0.9, 0.7, 2).
    """
    prediction, truth = np.asarray(predicted, float), np.asarray(actual, float)
    of_bin = np.clip((prediction * 10).astype(int), 0, 9)
    return [
        (float(prediction[of_bin == b].mean()), float(truth[of_bin == b].mean()), int((of_bin == b).sum()))
        for b in np.unique(of_bin)
    ]


def mean_by_click(j_by_click: Iterable[Sequence[float]]) -> list[float]:
    """Mean J on the first frame after 1, 2, ... clicks; an object that took fewer clicks keeps its last J.

    Fewer are taken where nothing is left to correct.

    Example: J of 0.4, 0.6 for one object and of 1.0 for another gives 0.7, 0.8.
    """
    rows = [list(row) for row in j_by_click if row]
    longest = max(map(len, rows), default=0)
    return [float(np.mean([row[min(k, len(row) - 1)] for row in rows])) for k in range(longest)]


def same_name(a: str, b: str) -> bool:
    """Whether two names of a category are one, whatever their case and the signs between their words."""
    return _words(a) == _words(b)


def _words(name: str) -> list[str]:
    return name.casefold().replace("-", " ").replace("_", " ").split()


def clicks_needed(j_by_click: Sequence[float], threshold: float = 0.85) -> int:
    """Number of clicks until J reaches the threshold, given J after 1, 2, ... clicks; all of them if it never does.

    Example: J of 0.5, 0.8, 0.9 after one, two and three clicks needs three for 0.85.
    """
    return next((clicks for clicks, j in enumerate(j_by_click, start=1) if j >= threshold), len(j_by_click))
