"""Motion of the camera from frame to frame, from what lies behind the tracked objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sam2s.errors import missing_extra

SIDE = 320
"""Longer side, in pixels, of the pictures in which points are followed."""

POINTS = 200
LEAST_POINTS = 12
"""Followed points below which the motion of a frame is taken to be unknown, and none is assumed."""


def camera_motion(pairs: Iterable[tuple[np.ndarray, np.ndarray | None]]) -> Iterator[np.ndarray]:
    """Estimate, for each frame, the motion that maps points of the frame before to this one.

    Corner points outside the objects are followed by pyramidal Lucas-Kanade optical flow, and a shift, rotation and
    uniform scale is fitted by RANSAC. The first frame, and one with too few points, gets the identity.

    Args:
        pairs: pictures uint8 [H, W, 3] with a bool mask [H, W] of all objects on it, or None.

    Yields:
        float64 [2, 3]: p' = A p + b for (x, y) in pixels.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise missing_extra("estimating the motion of the camera needs OpenCV", "cv") from error
    before, mask_before, scale = None, None, 1.0
    for picture, mask in pairs:
        height, width = picture.shape[:2]
        scale = min(1.0, SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        grey = cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        background = _background(cv2, mask, size)
        motion = np.eye(2, 3) if before is None else _motion(cv2, before, mask_before, grey)
        motion = motion.copy()
        motion[:, 2] /= scale
        yield motion
        before, mask_before = grey, background


def _background(cv2: Any, mask: np.ndarray | None, size: tuple[int, int]) -> np.ndarray:
    if mask is None:
        return np.full((size[1], size[0]), 255, np.uint8)
    small = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(255 * (1 - cv2.dilate(small, np.ones((9, 9), np.uint8))), np.uint8)


def _motion(cv2: Any, before: np.ndarray, background: np.ndarray | None, now: np.ndarray) -> np.ndarray:
    corners = cv2.goodFeaturesToTrack(before, POINTS, 0.01, 5, mask=background)
    if corners is None or len(corners) < LEAST_POINTS or before.shape != now.shape:
        return np.eye(2, 3)
    followed, found, _ = cv2.calcOpticalFlowPyrLK(before, now, corners, None)
    kept = found.ravel() == 1
    if kept.sum() < LEAST_POINTS:
        return np.eye(2, 3)
    motion, inliers = cv2.estimateAffinePartial2D(corners[kept], followed[kept], ransacReprojThreshold=1.0)
    if motion is None or inliers.sum() < LEAST_POINTS:
        return np.eye(2, 3)
    return np.asarray(motion)


def without_camera(positions: np.ndarray, motions: np.ndarray) -> np.ndarray:
    """Positions [T, 2] as they would be seen by a camera that stands where it stood on the first frame.

    Args:
        positions: (x, y) in pixels of each frame; NaN stays NaN.
        motions: [T, 2, 3] from `camera_motion`.
    """
    stabilised = np.empty_like(positions)
    turn, shift = np.eye(2), np.zeros(2)  # from the present frame to the first
    for index, (position, motion) in enumerate(zip(positions, motions, strict=True)):
        inverse = np.linalg.inv(motion[:, :2])
        shift = shift - turn @ inverse @ motion[:, 2]
        turn = turn @ inverse
        stabilised[index] = turn @ position + shift
    return stabilised
