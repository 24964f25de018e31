"""Scene cuts: where a frame no longer continues the one before it. No labels and no network are needed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from sam2s.video.frame import VideoSource

SIDE = 32
"""Pictures are compared as means over SIDE x SIDE tiles, so noise and small tools do not count."""

WINDOW = 12
"""Changes before a frame that tell how lively the video is just now."""


class CutDetector:
    """Finds cuts in a stream of frames, in constant memory.

    Two measures must agree. The change of colour is half the L1 distance of two histograms of 4 x 4 x 4 colours, from 0
    to 1. The change of structure is one minus the correlation of the two luminance pictures, from 0 to 2: it ignores
    brightness and contrast, so a flash or an adjusted lamp is not a cut. A frame begins a scene if both exceed their
    threshold and the sum exceeds `ratio` times its median over the frames before: a fast pan changes much in every
    frame, a cut in one.

    Args:
        colour: threshold of the change of colour.
        structure: threshold of the change of structure.
        ratio: how far a change must stand out.
    """

    def __init__(self, *, colour: float = 0.25, structure: float = 0.35, ratio: float = 3.0) -> None:
        self._thresholds = colour, structure
        self._ratio = ratio
        self._before: tuple[np.ndarray, np.ndarray] | None = None
        self._recent: deque[float] = deque(maxlen=WINDOW)

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, as plain JSON."""
        before = None if self._before is None else [picture.tolist() for picture in self._before]
        return {"before": before, "recent": list(self._recent)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on as the detector that `state_dict` was taken of."""
        before = state["before"]
        self._before = None if before is None else (np.array(before[0]), np.array(before[1], np.float32))
        self._recent = deque(state["recent"], maxlen=WINDOW)

    def step(self, image: np.ndarray) -> bool:
        """Look at the next frame, uint8 [H, W, 3] RGB; whether it begins another scene. The first frame does not."""
        now = describe_picture(image)
        before, self._before = self._before, now
        if before is None:
            return False
        colour = 0.5 * float(np.abs(before[0] - now[0]).sum())
        structure = 1.0 - correlation(before[1], now[1])
        usual = median(self._recent) if self._recent else 0.0
        cut = (
            colour > self._thresholds[0]
            and structure > self._thresholds[1]
            and colour + structure > self._ratio * usual
        )
        if cut:
            self._recent.clear()
        else:
            self._recent.append(colour + structure)
        return cut


def describe_picture(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Histogram [64] of tile colours, which sums to 1, and luminance [SIDE, SIDE] of a picture, uint8 [H, W, 3] RGB."""
    height, width = image.shape[:2]
    rows = np.linspace(0, height, min(SIDE, height) + 1).astype(int)[:-1]
    columns = np.linspace(0, width, min(SIDE, width) + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(image.astype(np.float32), rows, axis=0), columns, axis=1)
    areas = np.diff([*rows, height])[:, None] * np.diff([*columns, width])[None]
    tiles = sums / areas[..., None]
    codes = np.minimum(tiles // 64, 3).astype(int) @ np.array([16, 4, 1])
    histogram = np.bincount(codes.ravel(), minlength=64) / codes.size
    return histogram, tiles @ np.array([0.299, 0.587, 0.114], np.float32)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson correlation of two pictures; flat pictures correlate with flat ones only."""
    a, b = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    if scale < 1e-6 * one.size:
        flat = [float(np.abs(x).max()) < 1e-3 for x in (a, b)]
        return 1.0 if all(flat) else 0.0
    return float((a * b).sum()) / scale


def find_cuts(
    source: VideoSource, *, report_progress: Callable[[int, int | None], None] = lambda done, total: None
) -> list[int]:
    """Indices of the frames at which a new scene begins, ascending; frame 0 is none of them.

    Args:
        source: a video; it is read once from its first frame to its last.
        report_progress: told the frames done, and the frames in all or None.

    Raises:
        SourceError: the video cannot be read.
    """
    detector, cuts = CutDetector(), []
    for done, frame in enumerate(source.frames(), 1):
        if detector.step(frame.image):
            cuts.append(frame.index)
        report_progress(done, source.length)
    return cuts
