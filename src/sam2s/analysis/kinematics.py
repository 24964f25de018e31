"""Motion of a point: path, speed, smoothness. Pure functions of positions at equal steps of time.

Sources of the formulas: LDLJ and SPARC: S. Balasubramanian, A. Melendez-Calderon, A. Roby-Brami, E. Burdet, "On the
analysis of movement smoothness", Journal of NeuroEngineering and Rehabilitation 12:112, 2015. Economy of motion and
idle time as they are usual in the assessment of surgical skill.
"""

from __future__ import annotations

import math

import numpy as np

SMOOTHING_SECONDS = 0.3
"""Span of the local parabola that is fitted to positions before they are differentiated."""

LEAST_SECONDS = 1.0
"""Stretches of motion shorter than this have no smoothness."""

SPARC_RATE = 20.0
"""Frames a second below which SPARC is not given: its spectrum would miss what hands do."""

SPARC_CUT = 10.0
SPARC_THRESHOLD = 0.05
SPARC_PADDING = 4


def smooth(positions: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, velocities and accelerations [T, 2] by least squares parabolas (Savitzky and Golay) over a short span.

    Args:
        positions: [T, 2], without gaps.
        rate: samples a second.
    """
    from scipy.signal import savgol_filter

    count = len(positions)
    window = max(3, 2 * round(SMOOTHING_SECONDS * rate / 2) + 1)
    window = min(window, count if count % 2 else count - 1)
    if window < 3:
        still = np.zeros_like(positions)
        return positions, still, still
    options = {"window_length": window, "polyorder": 2, "delta": 1 / rate, "axis": 0}
    smoothed, velocity, acceleration = (savgol_filter(positions, deriv=order, **options) for order in (0, 1, 2))
    return smoothed, velocity, acceleration


def path_length(positions: np.ndarray) -> float:
    """Sum of the distances between positions [T, 2] that follow one another."""
    return float(np.linalg.norm(np.diff(positions, axis=0), axis=1).sum())


def ldlj(speed: np.ndarray, rate: float) -> float:
    """Log dimensionless jerk of a speed profile [T]; greater (nearer to 0) is smoother.

    -ln( D^3 / v_peak^2 * integral of (d^2 v / dt^2)^2 dt ), with the duration D. NaN for stretches that are too
    short or without motion.
    """
    duration, peak = (len(speed) - 1) / rate, float(speed.max(initial=0.0))
    if duration < LEAST_SECONDS or peak <= 0:
        return math.nan
    jerk = np.diff(speed, 2) * rate**2
    area = float((jerk**2).mean()) * duration
    return -math.log(duration**3 / peak**2 * area) if area > 0 else math.nan


def sparc(speed: np.ndarray, rate: float) -> float:
    """Spectral arc length of a speed profile [T]; greater (nearer to 0) is smoother.

    The length of the curve of the normalised amplitude spectrum up to 10 Hz, or up to the last frequency below that at
    which it exceeds 0.05. NaN for stretches that are too short or without motion, or fewer than 20 frames a second.
    """
    if len(speed) < 2 or (len(speed) - 1) / rate < LEAST_SECONDS or rate < SPARC_RATE or speed.max() <= 0:
        return math.nan
    size = 2 ** (math.ceil(math.log2(len(speed))) + SPARC_PADDING)
    spectrum = np.abs(np.fft.rfft(speed, size))
    spectrum /= spectrum[0]
    frequency = np.fft.rfftfreq(size, 1 / rate)
    below = frequency <= SPARC_CUT
    frequency, spectrum = frequency[below], spectrum[below]
    loud = np.nonzero(spectrum >= SPARC_THRESHOLD)[0]
    frequency, spectrum = frequency[: loud[-1] + 1], spectrum[: loud[-1] + 1]
    if len(frequency) < 2:
        return math.nan
    return -float(np.hypot(np.diff(frequency) / (frequency[-1] - frequency[0]), np.diff(spectrum)).sum())


def economy(positions: np.ndarray) -> float:
    """Straight distance from the first to the last position by the length of the path, 0 to 1; NaN without a path."""
    length = path_length(positions)
    return float(np.linalg.norm(positions[-1] - positions[0])) / length if length > 0 else math.nan


def working_area(positions: np.ndarray) -> float:
    """Area of the convex hull of positions [T, 2]; 0 where they lie on a line."""
    from scipy.spatial import ConvexHull, QhullError

    if len(positions) < 3:
        return 0.0
    try:
        return float(ConvexHull(positions).volume)  # of a plane hull that is its area
    except QhullError:
        return 0.0


def stretches(valid: np.ndarray) -> list[tuple[int, int]]:
    """First index and the index to stop before of every run of True in a bool array [T]."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], valid.astype(np.int8), [0]))))
    return [(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def weighted(values: list[tuple[float, float]]) -> float:
    """Mean of values by their weights, without those that are NaN; NaN if none is left."""
    kept = [(value, weight) for value, weight in values if not math.isnan(value)]
    total = sum(weight for _, weight in kept)
    return sum(value * weight for value, weight in kept) / total if total > 0 else math.nan
