"""The numbers that a mask is judged by: what the network said of it, and how it differs from the frames before."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sam2s.tracking import ObjectResult

from .alarms import LEAST_SEEN
from .history import ObjectHistory
from .observation import Observation

SEEN = (
    *("predicted_iou", "presence", "candidate_spread", "stability", "certainty", "edge", "rest"),
    *("area", "area_jump", "growth", "shift", "change", "at_border"),
    *("pointer_step", "pointer_distance", "appearance_distance", "colour_distance"),
    *("blur", "unexposed", "overlap", "age", "confidence", "by_points", "by_box", "ambiguity"),
    *("name_probability", "renamed"),
)
"""Features of a mask that shows something, see `describe_mask`."""
EMPTY = (
    *("predicted_iou", "presence", "candidate_spread", "hidden", "area", "at_border", "age", "confidence"),
    *("by_points", "by_box", "ambiguity"),
)
"""Features of an empty mask, see `describe_absence`."""


def logit(probability: float) -> float:
    """Log odds of a probability, which is held within 0.001 of 0 and 1.

    >>> logit(0.5)
    0.0
    """
    held = min(max(probability, 1e-3), 1 - 1e-3)
    return math.log(held / (1 - held))


def distance(one: np.ndarray | None, other: np.ndarray | None) -> float:
    """One minus the cosine of two unit vectors, 0 to 2; 0 where one of them is unknown."""
    if one is None or other is None or one.shape != other.shape:
        return 0.0
    return 1.0 - float(one @ other)


def describe_mask(result: ObjectResult, seen: Observation, history: ObjectHistory, shared: float) -> dict[str, float]:
    """Features of a mask that shows something.

    predicted_iou, presence: log odds. candidate_spread: greatest less smallest predicted IoU of the three candidates.
    stability: as in the result. certainty, edge, rest, at_border, unexposed: of `Observation`. area: log of its share
    of the picture. area_jump: |log| of the area by its median before; growth: its positive part. shift: way of the
    centroid, by the square root of the area. change: one minus the IoU with the mask before. pointer_step: distance to
    the last object pointer; pointer_distance: to the nearest of prompted frames
    and of the mean of those tracked just after. appearance_distance: of the mean image
    feature to that of the prompted frame. colour_distance: Euclidean, to the running mean of RGB. blur: log of the
    running mean of the detail by today's. overlap: IoU with the object that shares most. age: log(1 + frames since the
    prompt). confidence: running mean of predicted_iou. by_points, by_box: the prompt. ambiguity: one minus the
    agreement of jittered prompts. name_probability: of the category; renamed: whether it is not the usual one.

    Args:
        result: the tracker's answer.
        seen: the same in numbers.
        history: of the frames before.
        shared: greatest IoU with the mask of another object on this frame.
    """
    usual = history.usual_area
    jump = 0.0 if usual is None else math.log(seen.area / usual)
    way = 0.0 if history.last is None else math.dist(seen.centre, history.centre) / math.sqrt(seen.area)
    change = 0.0
    if history.last is not None and history.last.shape == seen.mask.shape:
        union = int((seen.mask | history.last).sum())
        change = 1 - int((seen.mask & history.last).sum()) / union
    known_pointers = [*history.pointers, *([] if history.anchor is None else [history.anchor])]
    blur = 0.0 if history.colour is None else math.log((history.detail + 1e-3) / (seen.detail + 1e-3))
    return {
        **_of_network(result, history),
        "stability": 1.0 if result.stability is None else result.stability,
        "certainty": seen.certainty,
        "edge": min(seen.edge, 3.0),
        "rest": seen.rest,
        "area": math.log(seen.area),
        "area_jump": min(abs(jump), 3.0),
        "growth": min(max(jump, 0.0), 3.0),
        "shift": min(way, 3.0),
        "change": change,
        "at_border": float(seen.at_border),
        "pointer_step": distance(seen.pointer, history.pointer),
        "pointer_distance": min((distance(seen.pointer, known) for known in known_pointers), default=0.0),
        "appearance_distance": distance(seen.appearance, history.appearance),
        "colour_distance": 0.0 if history.colour is None else float(np.linalg.norm(seen.colour - history.colour)),
        "blur": min(max(blur, -3.0), 3.0),
        "unexposed": seen.unexposed,
        "overlap": shared,
        "name_probability": result.category_probability or 0.0,
        "renamed": float(result.category is not None and history.settled_name not in (None, result.category)),
    }


def describe_absence(result: ObjectResult, history: ObjectHistory) -> dict[str, float]:
    """Features of an empty mask; area and at_border are those of the last mask that was not, hidden is log(1 + frames
    since then), the others are as in `describe_mask`."""
    usual = history.usual_area
    return {
        **_of_network(result, history),
        "hidden": math.log1p(history.hidden),
        "area": math.log(usual) if usual else math.log(LEAST_SEEN),
        "at_border": float(history.at_border),
    }


def as_row(features: Mapping[str, float], names: tuple[str, ...]) -> np.ndarray:
    """Features as float64 [F], in the order of the names."""
    return np.array([features[name] for name in names])


def _of_network(result: ObjectResult, history: ObjectHistory) -> dict[str, float]:
    ious = result.candidate_ious
    now = logit(result.iou)
    return {
        "predicted_iou": now,
        "presence": logit(result.presence),
        "candidate_spread": max(ious) - min(ious) if ious else 0.0,
        "age": math.log1p(history.age),
        "confidence": now if history.confidence is None else history.confidence,
        "by_points": float(history.kind == "points"),
        "by_box": float(history.kind == "box"),
        "ambiguity": 1 - history.agreement,
    }
