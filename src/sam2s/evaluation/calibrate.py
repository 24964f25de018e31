"""What a network says of itself, set by what it says on drawn scenes: when it is sure of a mask, and when of absence.

The paper takes frames with a predicted IoU above 0.95, which SAM 2.1 base-plus passes on most frames that it tracks
well. A small network hardly ever does, though its predictions rank its masks as well; so the number goes with the
weights. Presence is a threshold too: where it lies decides how often an object that is there is called absent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from torch import Tensor

from sam2s.errors import ConfigError
from sam2s.model import Network
from sam2s.synth import Scene
from sam2s.tracking import Mask, ObjectResult, ObjectState, Tracker

FIRST_SEED = 900_000
"""Scenes of these seeds are drawn neither for training nor for evaluation."""

LEAST_AREA = 0.01
"""Share of the first frame that an object must cover to be followed."""

PRESENCE_BIAS = "sam_mask_decoder.pred_obj_score_head.layers.2.bias"
"""What is added to every object score."""


def drawn_scenes(videos: int, length: int = 100, size: int = 256) -> list[Scene]:
    """Scenes to calibrate on."""
    return [Scene(FIRST_SEED + k, size, length) for k in range(videos)]


def predicted_ious(network: Network, scenes: Sequence[Scene]) -> np.ndarray:
    """What the network predicts of its masks, on every frame on which it says that an object is visible.

    Objects are given by their true mask on the first frame; only frames that were tracked count.
    """
    answers = (result for result, _ in _follow(network, scenes))
    return np.array([result.iou for result in answers if result.state is ObjectState.VISIBLE])


def confident_iou(network: Network, scenes: Sequence[Scene], *, quantile: float) -> float:
    """The quantile of the network's predictions on drawn scenes, rounded to three digits.

    Raises:
        ConfigError: the quantile is not a share, or the network sees no object anywhere.
    """
    _require_share("quantile", quantile)
    predictions = predicted_ious(network, scenes)
    if not len(predictions):
        raise ConfigError("the network says of no object that it is visible, so there is nothing to calibrate by")
    return round(float(np.quantile(predictions, quantile)), 3)


def presence_shift(network: Network, scenes: Sequence[Scene], *, missed: float) -> float:
    """What to add to object scores so that at most a share `missed` of the frames that show an object miss it.

    Never below 0: a network that misses fewer is left as it is.

    Raises:
        ConfigError: `missed` is not a share, or no object is visible anywhere.
    """
    _require_share("missed", missed)
    scores = [_logit(result.presence) for result, area in _follow(network, scenes) if area >= LEAST_AREA]
    if not scores:
        raise ConfigError("the scenes show no object after their first frame, so there is nothing to calibrate by")
    return max(0.0, -float(np.quantile(scores, missed)))


def shifted_presence(state: Mapping[str, Tensor], shift: float) -> dict[str, Tensor]:
    """Weights whose object scores are higher by `shift`."""
    return {**state, PRESENCE_BIAS: state[PRESENCE_BIAS] + shift}


def _follow(network: Network, scenes: Sequence[Scene]) -> Iterator[tuple[ObjectResult, float]]:
    """Answers to all tracked frames, each with the share of the frame that the object covers in truth."""
    for scene in scenes:
        labels = scene.render(0)[1]
        tracker = Tracker(network)
        for item in scene.objects:
            if (labels == item.id).mean() >= LEAST_AREA:
                tracker.add_prompt(object_id=item.id, prompt=Mask(labels == item.id))
        for frame in range(len(scene)):
            image, labels = scene.render(frame)
            for object_id, result in tracker.step(image).objects.items():
                if not result.prompted:
                    yield result, float((labels == object_id).mean())


def _logit(probability: float) -> float:
    inside = min(max(probability, 1e-7), 1 - 1e-7)
    return math.log(inside / (1 - inside))


def _require_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} {value:g} is outside 0 to 1")
