"""How sure a network is of its own masks: the quantile of its predictions from which DiveMem may take a frame.

The paper takes frames with a predicted IoU above 0.95, which SAM 2.1 base-plus passes on most frames that it tracks
well. A small network hardly ever does, though its predictions rank its masks as well; so the number goes with the
weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sam2s.errors import ConfigError
from sam2s.model import Network
from sam2s.synth import Scene
from sam2s.tracking import Mask, ObjectState, Tracker

FIRST_SEED = 900_000
"""Scenes of these seeds are drawn neither for training nor for evaluation."""

LEAST_AREA = 0.01
"""Share of the first frame that an object must cover to be followed."""


def predicted_ious(network: Network, scenes: Sequence[Scene]) -> np.ndarray:
    """What the network predicts of its masks, on every frame on which it says that an object is visible.

    Objects are given by their true mask on the first frame; only frames that were tracked count.
    """
    predictions = []
    for scene in scenes:
        labels = scene.render(0)[1]
        least = LEAST_AREA * labels.size
        tracker = Tracker(network)
        for item in scene.objects:
            if (labels == item.id).sum() >= least:
                tracker.add_prompt(object_id=item.id, prompt=Mask(labels == item.id))
        for frame in range(len(scene)):
            result = tracker.step(scene.render(frame)[0])
            tracked = [found for found in result.objects.values() if not found.prompted]
            predictions += [found.iou for found in tracked if found.state is ObjectState.VISIBLE]
    return np.array(predictions)


def confident_iou(network: Network, *, quantile: float, videos: int = 6, length: int = 100, size: int = 256) -> float:
    """The quantile of the network's predictions on drawn scenes, rounded to three digits.

    Raises:
        ConfigError: the quantile is no share, or the network sees no object anywhere.
    """
    if not 0 <= quantile <= 1:
        raise ConfigError(f"quantile {quantile:g} is outside 0 to 1")
    predictions = predicted_ious(network, [Scene(FIRST_SEED + k, size, length) for k in range(videos)])
    if not len(predictions):
        raise ConfigError("the network says of no object that it is visible, so there is nothing to calibrate by")
    return round(float(np.quantile(predictions, quantile)), 3)
