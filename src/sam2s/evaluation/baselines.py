"""What a tracker has to beat: the first mask copied to every frame, and the first mask carried along by optical flow.

Both take a sequence of frames and the objects' masks on their first frame, and give a label map for every frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from sam2s.errors import missing_extra


def copy_first(frames: Iterable[np.ndarray], first: np.ndarray) -> Iterator[np.ndarray]:
    """Give the first label map [H, W] again for every frame uint8 [H, W, 3]."""
    for _ in frames:
        yield first


def warp_by_flow(frames: Iterable[np.ndarray], first: np.ndarray) -> Iterator[np.ndarray]:
    """MaskCarrier the first label map [H, W] from frame to frame uint8 [H, W, 3] by dense optical flow.

    DIS flow (OpenCV's medium preset) goes from each frame back to the one before. Every object's mask is sampled there
    bilinearly, kept soft between frames, thresholded at one half only for output; the strongest object wins.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise missing_extra("optical flow needs OpenCV", "cv") from error
    flow_of = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    ids = np.unique(first[first > 0])
    soft = [(first == object_id).astype(np.float32) for object_id in ids]
    rows, columns = np.mgrid[: first.shape[0], : first.shape[1]].astype(np.float32)
    before = None
    for frame in frames:
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if before is not None:
            back = flow_of.calc(grey, before, None)
            x, y = columns + back[..., 0], rows + back[..., 1]
            soft = [cv2.remap(mask, x, y, cv2.INTER_LINEAR) for mask in soft]
        before = grey
        labels = np.zeros_like(first)
        strongest = np.full(first.shape, 0.5, np.float32)
        for object_id, mask in zip(ids, soft, strict=True):
            labels[mask > strongest] = object_id
            np.maximum(strongest, mask, out=strongest)
        yield labels
