"""What J&F hides: swapped identities, wrong claims of presence, decay over time, false confidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sam2s.evaluation.sequence import FrameScore, ObjectScore


class PresenceCounts(NamedTuple):
    """Right and wrong claims that an object is in the picture, counted in frames.

    Attributes:
        both: truth and prediction show it.
        only_pred: only the prediction does.
        only_gt: only the truth does.
    """

    both: int
    only_pred: int
    only_gt: int

    @property
    def precision(self) -> float:
        """Part of the claims that are right; NaN if nothing was claimed."""
        claimed = self.both + self.only_pred
        return self.both / claimed if claimed else float("nan")

    @property
    def recall(self) -> float:
        """Part of the appearances that were claimed; NaN if it never appears."""
        present = self.both + self.only_gt
        return self.both / present if present else float("nan")


def identity_switches(object_id: int, frame_scores: Iterable[FrameScore]) -> int:
    """How often the mask on an object changes its id.

    On each frame the object is matched with the predicted id whose mask overlaps it with IoU of at least 0.5, its own
    first. A switch is a match that differs from the match before; the prompt makes the first match the own id. Frames
    without a match are passed over.

    Example: matches 1, 1, 2, None, 2, 1 of object 1 have two switches.
    """
    switches, last = 0, object_id
    for score in frame_scores:
        if score.match is not None:
            switches += score.match != last
            last = score.match
    return switches


def presence(frame_scores: Iterable[FrameScore]) -> PresenceCounts:
    """Count on how many frames presence was claimed rightly, wrongly, or missed.

    Example: shown by the truth on frames 1, 2, 3 and by the prediction on 2, 3, 4: precision 2/3, recall 2/3.
    """
    flags = [(score.in_gt, score.in_pred) for score in frame_scores]
    return PresenceCounts(flags.count((True, True)), flags.count((False, True)), flags.count((True, False)))


def add_presence(counts: Iterable[PresenceCounts]) -> PresenceCounts:
    """Add up the counts of several objects."""
    total = np.sum([tuple(count) for count in counts], axis=0, dtype=int) if counts else np.zeros(3, int)
    return PresenceCounts(*total.reshape(3).tolist())


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


def calibration_error(predicted: Sequence[float], actual: Sequence[float], bins: int = 10) -> float:
    """Expected calibration error of predicted IoU: mean |mean prediction - mean truth| over equal bins, by their fill.

    Both run from 0 to 1. NaN without any value.

    Example: predictions 0.9, 0.9 on masks of IoU 0.8, 0.6 are off by |0.9 - 0.7| = 0.2.
    """
    prediction, truth = np.asarray(predicted, float), np.asarray(actual, float)
    if not prediction.size:
        return float("nan")
    of_bin = np.clip((prediction * bins).astype(int), 0, bins - 1)
    gaps = np.bincount(of_bin, weights=prediction - truth, minlength=bins)
    return float(np.abs(gaps).sum() / prediction.size)


def clicks_needed(j_by_click: Sequence[float], threshold: float = 0.85) -> int:
    """Number of clicks until J reaches the threshold, given J after 1, 2, ... clicks; all of them if it never does.

    Example: J of 0.5, 0.8, 0.9 after one, two and three clicks needs three for 0.85.
    """
    return next((clicks for clicks, j in enumerate(j_by_click, start=1) if j >= threshold), len(j_by_click))
